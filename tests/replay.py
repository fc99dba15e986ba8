"""A stand-in on CPUs for CUDA graphs: what a step did to tensors is done again, without asking Python.

Like a CUDA graph it works on the tensors that were there when it was recorded, and what a repetition makes
overwrites what the one before has made. Unlike one it takes no less time.
"""

from contextlib import nullcontext
from types import SimpleNamespace

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

READS_A_VALUE = {torch.ops.aten._local_scalar_dense.default, torch.ops.aten.is_nonzero.default}


def storages(tree):
    """Storage of each tensor in nested lists, by its address."""
    leaves = (leaf for leaf in tree_leaves(tree) if isinstance(leaf, torch.Tensor))
    return {storage.data_ptr(): storage for storage in (leaf.untyped_storage() for leaf in leaves)}


class Graph:
    """What `Recording` has recorded."""

    def __init__(self):
        self.calls = []

    @torch.no_grad()
    def replay(self):
        """Call every operator again on the same tensors, and put what it makes where it was at first."""
        for operator, arguments, keywords, made in self.calls:
            again = tree_leaves(operator(*arguments, **keywords))
            for place, tensor in made.items():
                tensor.copy_(again[place])


class Recording(TorchDispatchMode):
    """Record the operators of a step in a graph; whatever was there before is in the end as it was."""

    def __init__(self, graph, **_):
        super().__init__()
        self.graph, self.before, self.own = graph, {}, {}

    def __torch_dispatch__(self, operator, types, arguments=(), keywords=None):
        assert operator not in READS_A_VALUE, "a captured step decides by the value of a tensor"
        keywords = keywords or {}
        seen = storages([arguments, keywords])
        for address, storage in seen.items():
            if address not in self.own and address not in self.before:
                self.before[address] = storage, storage.clone()
        result = operator(*arguments, **keywords)
        made = {}
        for place, leaf in enumerate(tree_leaves(result)):
            if isinstance(leaf, torch.Tensor) and not storages(leaf).keys() & seen.keys():
                made[place] = leaf
                self.own |= storages(leaf)
        self.graph.calls.append((operator, arguments, keywords, made))
        return result

    def __exit__(self, *error):
        super().__exit__(*error)
        for storage, content in self.before.values():
            storage.copy_(content)


def on_cpu(monkeypatch, captured):
    """Let the module ``captured`` capture steps on CPUs."""
    stream = SimpleNamespace(wait_stream=lambda other: None)
    monkeypatch.setattr(captured, "DEVICE", "cpu")
    monkeypatch.setattr(torch.cuda, "CUDAGraph", Graph)
    monkeypatch.setattr(torch.cuda, "graph", Recording)
    monkeypatch.setattr(torch.cuda, "Stream", lambda: stream)
    monkeypatch.setattr(torch.cuda, "current_stream", lambda: stream)
    monkeypatch.setattr(torch.cuda, "stream", lambda _: nullcontext())
