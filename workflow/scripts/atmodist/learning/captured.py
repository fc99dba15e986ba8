"""A training step that a GPU repeats by itself, as a CUDA graph.

The networks are small, and a CPU that launches their kernels one after another takes twice as long as the GPU
that computes them (benchmarks/training.py).
"""

from collections.abc import Callable
from typing import Any

import torch
from lightning_fabric import Fabric
from torch import Tensor

DEVICE = "cuda"  # whose kernels can be recorded
WARM_UP = 3  # steps that allocate what a step keeps, and choose the fastest convolutions


class CapturedStep:
    """``step(*tensors)`` on batches of one shape, its tensors on the device, in the dtype they are given in.

    On one GPU the first calls run the step, the next one records its kernels and runs them, and all later
    ones repeat them. So a step must not decide anything by the values of tensors, and whatever changes and
    lies in no tensor, such as a learning rate, needs a new ``CapturedStep``. What the step returns comes
    without gradients, and holds until the next call. On a CPU, on several devices, and unless it
    ``captures``, each call runs the step.
    """

    def __init__(self, fabric: Fabric, step: Callable[..., Any], captures: bool = True):
        self.device, self.step = fabric.device, lambda *tensors: _detached(step(*tensors))
        self.captures = captures and fabric.device.type == DEVICE and fabric.world_size == 1
        self.calls, self.graph = 0, None

    def __call__(self, *tensors: Tensor) -> Any:
        """What ``step`` makes of the tensors, which may still lie on the CPU."""
        if not self.captures:
            return self.step(*(tensor.to(self.device, non_blocking=True) for tensor in tensors))
        if self.calls == 0:
            self.held = [torch.empty_like(tensor, device=self.device) for tensor in tensors]
            self.stream = torch.cuda.Stream()
        for held, tensor in zip(self.held, tensors, strict=True):
            held.copy_(tensor, non_blocking=True)
        self.calls += 1
        if self.calls <= WARM_UP:
            return self._run()
        if self.graph is None:
            self.graph = torch.cuda.CUDAGraph()
            # Of this thread alone: the one that reads ahead allocates memory meanwhile.
            with torch.cuda.graph(self.graph, stream=self.stream, capture_error_mode="thread_local"):
                self.result = self.step(*self.held)
        self.graph.replay()
        return self.result

    def _run(self):
        """Run the step where it will be recorded, beside the stream of everything else."""
        self.stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(self.stream):
            result = self.step(*self.held)
        torch.cuda.current_stream().wait_stream(self.stream)
        return result


def _detached(result: Any) -> Any:
    """The same without the graph of its gradients, which would bind later steps to this one's stream."""
    match result:
        case Tensor():
            return result.detach()
        case dict():
            return {name: _detached(value) for name, value in result.items()}
        case tuple():
            return tuple(map(_detached, result))
    return result
