"""The values of a training run for TensorBoard, over the number of batches."""

import shutil
from pathlib import Path

from torch.utils.tensorboard import SummaryWriter


class Events:
    """Event files in a folder; values of steps after ``step``, where a run resumes, are forgotten."""

    def __init__(self, folder: str | Path, step: int):
        if not step:
            shutil.rmtree(folder, ignore_errors=True)
        self._writer = SummaryWriter(folder, purge_step=step + 1)

    def write(self, kind: str, values: dict[str, float], step: int) -> None:
        """Add values at a step; ``kind`` groups them: "batches" or "epochs"."""
        for name, value in values.items():
            self._writer.add_scalar(f"{kind}/{name}", value, step)

    def flush(self) -> None:
        """Write everything to disk."""
        self._writer.flush()

    def close(self) -> None:
        """Write everything to disk and end."""
        self._writer.close()
