"""Files as Keras writes them for the original's networks, with random weights."""

import math

import h5py
import numpy as np

STAGES, BLOCKS = (4, 6, 8, 10), 2


def norm(rng, layer, channels):
    """The four vectors of a batch normalisation."""
    shift, scale = rng.normal(0, 0.3, (2, channels)), rng.uniform(0.5, 2, (2, channels))
    names = ("beta", "moving_mean", "gamma", "moving_variance")
    return {f"{layer}/{name}": values for name, values in zip(names, (*shift, *scale), strict=True)}


def kernel(rng, layer, size, inputs, outputs):
    """A kernel, height × width × inputs × outputs, that keeps the size of its input."""
    deviation = np.sqrt(2 / (size * size * inputs))
    return {f"{layer}/kernel": rng.normal(0, deviation, (size, size, inputs, outputs))}


def tensors(patch=64, classes=5, encoder_only=False, seed=0, stages=STAGES, blocks=BLOCKS):
    """Every tensor of the original's network by layer and weight, as method and Keras name and shape them."""
    rng = np.random.default_rng(seed)
    found = kernel(rng, "in_conv", 8, 2, stages[0]) | {"in_conv/bias": rng.normal(0, 0.3, stages[0])}
    found |= norm(rng, "in_bn", stages[0])
    inputs = stages[0]
    for stage, channels in enumerate(stages, start=1):
        for block in range(1, blocks + 1):
            layer = f"block{stage}_{block}"
            found |= kernel(rng, f"{layer}_conv1", 3, inputs, channels) | norm(rng, f"{layer}_bn1", channels)
            found |= kernel(rng, f"{layer}_conv2", 3, channels, channels) | norm(
                rng, f"{layer}_bn2", channels
            )
            if inputs != channels:
                found |= kernel(rng, f"{layer}_projection", 1, inputs, channels)
            inputs = channels
    if not encoder_only:
        for number, width in ((1, 2 * inputs), (2, inputs)):
            layer = f"combined{number}"
            found |= kernel(rng, f"{layer}_conv", 3, width, inputs) | norm(rng, f"{layer}_bn", inputs)
            found |= {f"{layer}_conv/bias": rng.normal(0, 0.3, inputs)}
        pixels = math.ceil(patch / 64) ** 2
        found["pred/kernel"] = rng.normal(0, 1, (inputs * pixels, classes))
    return {name: values.astype(np.float32) for name, values in found.items()}


def write(path, tensors, whole_model=False):
    """A group for each layer with attributes as Keras has them; the encoder's are nested in one."""
    with h5py.File(path, "w") as file:
        root = file.create_group("model_weights") if whole_model else file
        if whole_model:
            file["optimizer_weights/iteration:0"] = 7
        layers = list(dict.fromkeys(name.split("/")[0] for name in tensors))
        root.attrs["layer_names"] = [layer.encode() for layer in layers]
        root.attrs["backend"] = b"tensorflow"
        for layer in layers:
            own = layer.startswith(("combined", "pred"))
            group = root.require_group(layer if own else "resnet_small")
            names = [name for name in tensors if name.split("/")[0] == layer]
            for name in names:
                group[f"{name}:0"] = tensors[name]
            group.attrs["weight_names"] = [f"{name}:0".encode() for name in names]
