"""Run a rule's script inside a test, with the object that Snakemake would give it."""

import runpy
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace

SCRIPTS = Path(__file__).parents[1] / "workflow/scripts"


class Named(list):
    """What Snakemake gives as input, output, params …: a flat list whose entries have names."""

    def __init__(self, entries: Mapping):
        for value in entries.values():
            self.extend(value if isinstance(value, list) else [value])
        self.__dict__.update(entries)

    def __getitem__(self, key):
        return vars(self)[key] if isinstance(key, str) else super().__getitem__(key)

    def get(self, name, default=None):
        """The entry of this name, if there is one."""
        return vars(self).get(name, default)

    def items(self):
        """Names and entries."""
        return vars(self).items()


def fake_snakemake(log, inputs=(), outputs=(), params=(), wildcards=(), config=(), **more):
    """What a script sees as ``snakemake``; ``more`` are attributes such as ``rule``."""
    parts = {"input": inputs, "output": outputs, "params": params, "wildcards": wildcards}
    named = {name: Named(dict(entries)) for name, entries in parts.items()}
    return SimpleNamespace(**named, log=[str(log)], config=dict(config), **more)


def run_script(script: str, log, **settings) -> SimpleNamespace:
    """Run workflow/scripts/{script}.py with a `fake_snakemake` of these settings, which is returned."""
    fake = fake_snakemake(log, **settings)
    runpy.run_path(str(SCRIPTS / f"{script}.py"), {"snakemake": fake})
    return fake
