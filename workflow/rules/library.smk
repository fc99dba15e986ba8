# Where the workflow lies, its library, and the config: of the files, merged by Snakemake, or given to a module.
import os
import sys
from pathlib import Path

from snakemake.exceptions import WorkflowError

# Not workflow.basedir, which is that of the host where another workflow uses this one as a module.
WORKFLOW = Path(workflow.current_basedir.get_path_or_uri(secret_free=True)).parent
AS_MODULE = not workflow.modifier.is_main_snakefile()
if not (WORKFLOW / "scripts/atmodist").is_dir():
    raise WorkflowError(
        f"{WORKFLOW} is not a folder of this machine; expected a clone of the repository, because scripts "
        "import the library that lies beside them"
    )
sys.path.insert(0, str(WORKFLOW / "scripts"))

from atmodist import configuration
from atmodist.core.errors import InputError
from atmodist.core.resources import resource
from atmodist.learning.sizes import LAYERS

CONFIG_FILE = (
    str(WORKFLOW.parent / "config/config.yaml") if AS_MODULE else "config/config.yaml"
)


def bundled(name):
    """Path of a file that comes with the workflow, relative unless a module's prefix would go before it."""
    return str(resource(name)) if AS_MODULE else os.path.relpath(resource(name))


# Snakemake would take the second of two equal keys, and pass over a null that removes nothing.
try:
    contents = [
        configuration.read(path)
        for path in [CONFIG_FILE, *([] if AS_MODULE else workflow.configfiles)]
        if Path(path).exists()
    ]
    if Path(CONFIG_FILE).exists():  # else that is told, with the first missing key
        configuration.stacked(*contents)
except InputError as error:
    raise WorkflowError(str(error)) from None
