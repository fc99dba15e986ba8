"""The original's weights, read from files in Keras' layout, give what the original computes."""

import subprocess
import sys

import keras_files
import numpy as np
import pytest
import torch
from numpy.lib.stride_tricks import sliding_window_view

from atmodist import import_keras, model_folder
from atmodist.core.errors import InputError
from atmodist.distance import AtmoDist

# The original's forward pass as method and Keras have it, in NumPy: images are rows × columns × channels.


def windows(image, size, stride, fill):
    """Windows of TensorFlow's SAME padding: ceil(n / stride) of them, the odd pixel of padding behind."""
    pads = []
    for length in image.shape[:2]:
        total = max((-(-length // stride) - 1) * stride + size - length, 0)
        pads.append((total // 2, total - total // 2))
    padded = np.pad(image, (*pads, (0, 0)), constant_values=fill)
    return sliding_window_view(padded, (size, size), (0, 1))[
        ::stride, ::stride
    ]  # rows, columns, channels, i, j


def convolve(image, kernel, stride=1):
    return np.einsum("hwcij,ijco->hwo", windows(image, len(kernel), stride, 0), kernel, optimize=True)


def normalise(image, weights, layer):
    scale = weights[f"{layer}/gamma"] / np.sqrt(weights[f"{layer}/moving_variance"] + 1.001e-5)
    return (image - weights[f"{layer}/moving_mean"]) * scale + weights[f"{layer}/beta"]


def rectify(image):
    return np.maximum(image, 0)


def encode(image, weights):
    """Outputs of the four stages."""
    x = convolve(image, weights["in_conv/kernel"], 2) + weights["in_conv/bias"]
    x = rectify(normalise(x, weights, "in_bn"))
    x = windows(x, 3, 2, -np.inf).max((-2, -1))
    outputs = []
    for stage in range(1, 5):
        for block in range(1, keras_files.BLOCKS + 1):
            layer = f"block{stage}_{block}"
            stride = 2 if stage > 1 and block == 1 else 1
            y = convolve(x, weights[f"{layer}_conv1/kernel"], stride)
            y = convolve(rectify(normalise(y, weights, f"{layer}_bn1")), weights[f"{layer}_conv2/kernel"])
            if f"{layer}_projection/kernel" in weights:
                x = convolve(x, weights[f"{layer}_projection/kernel"], stride)
            x = rectify(normalise(y, weights, f"{layer}_bn2") + x)
        outputs.append(x)
    return outputs


def logits(first, second, weights):
    x = np.concatenate([encode(image, weights)[-1] for image in (first, second)], -1)
    for number, stride in ((1, 2), (2, 1)):
        x = convolve(x, weights[f"combined{number}_conv/kernel"], stride)
        x = rectify(normalise(x + weights[f"combined{number}_conv/bias"], weights, f"combined{number}_bn"))
    return x.reshape(-1) @ weights["pred/kernel"]


def images(patch, seed=5):
    return np.random.default_rng(seed).standard_normal((2, patch, patch, 2))


def tensor(image):
    return torch.from_numpy(image.transpose(2, 0, 1)[None].astype(np.float32))


@pytest.mark.parametrize("patch", [64, 96, 160])  # 1, 2 and 3 pixels a side before the dense layer
def test_the_network_agrees_with_the_originals_formulas(tmp_path, patch):
    weights = keras_files.tensors(patch)
    keras_files.write(tmp_path / "model_weights.hdf5", weights)
    network = import_keras.load(tmp_path / "model_weights.hdf5", patch)
    first, second = images(patch)
    with torch.inference_mode():
        for stage, expected in enumerate(encode(first, weights), start=1):
            found = network.encoder.features(tensor(first), f"stage{stage}")[0].numpy().transpose(1, 2, 0)
            np.testing.assert_allclose(found, expected, atol=1e-4 * abs(expected).max())
        found = network(tensor(first), tensor(second))[0].numpy()
    expected = logits(first, second, weights)
    np.testing.assert_allclose(found, expected, atol=1e-4 * abs(expected).max())


def test_the_papers_network_has_its_number_of_parameters(tmp_path):
    weights = keras_files.tensors(160, 23, stages=(16, 32, 64, 128), blocks=6)
    keras_files.write(tmp_path / "weights.hdf5", weights)
    assert sum(values.size for values in weights.values()) == 2_747_856
    network = import_keras.load(tmp_path / "weights.hdf5")
    assert sum(weight.numel() for weight in network.parameters()) == 2_741_552


def test_a_model_folder_is_written_from_the_command_line(tmp_path):
    weights = keras_files.tensors(160)
    keras_files.write(tmp_path / "model.h5", weights, whole_model=True)
    assert import_keras.main([str(tmp_path / "model.h5"), str(tmp_path / "original")]) == 0
    model = AtmoDist.from_pretrained(tmp_path / "original")
    about = model.config
    assert about.network == {"stages": [4, 6, 8, 10], "blocks": 2, "patch": 160, "classes": 5}
    assert about.grid_spacing == 0.140625
    assert about.moments.std == (2.8568757e-5, 5.081943e-5)
    assert about.name == "original"
    first, second = images(160)
    found = model.lag_logits(tensor(first), tensor(second), normalize=False)[0].numpy()
    expected = logits(first, second, weights)
    np.testing.assert_allclose(found, expected, atol=1e-4 * abs(expected).max())
    assert "divergence (s-1), vorticity (s-1)" in (tmp_path / "original/README.md").read_text()


def test_a_folder_of_anything_else_is_not_replaced(tmp_path, capsys):
    for folder in ("original", "notes"):
        (tmp_path / folder).mkdir()
    keras_files.write(tmp_path / "original/model_weights.hdf5", keras_files.tensors(160))
    (tmp_path / "notes/mine.txt").write_text("mine")
    weights = str(tmp_path / "original/model_weights.hdf5")
    for folder in ("original", "notes"):
        assert import_keras.main([weights, str(tmp_path / folder)]) == 1
        told = f"{tmp_path / folder} exists and would be replaced; expected a new folder, or a model's."
        assert told in capsys.readouterr().err
    assert (tmp_path / "notes/mine.txt").read_text() == "mine"
    for _ in range(2):
        assert import_keras.main([weights, str(tmp_path / "model")]) == 0


def test_the_encoder_alone_has_features_and_a_distance(tmp_path):
    weights = keras_files.tensors(encoder_only=True)
    keras_files.write(tmp_path / "encoder_weights.hdf5", weights)
    import_keras.write_folder(tmp_path / "encoder_weights.hdf5", tmp_path / "encoder")
    model = AtmoDist.from_pretrained(tmp_path / "encoder")
    first, second = images(64)
    found = model(tensor(first), tensor(second), normalize=False).item()
    deep = [encode(image, weights)[-1] for image in (first, second)]
    assert found == pytest.approx(np.square(deep[0] - deep[1]).mean(), rel=1e-4)


def test_what_does_not_fit_is_listed(tmp_path, capsys):
    weights = keras_files.tensors()
    del weights["block2_1_projection/kernel"]
    weights["block1_1_projection/kernel"] = np.zeros((1, 1, 4, 4), np.float32)
    weights["block3_2_conv2/kernel"] = weights["block3_2_conv2/kernel"][..., :7]
    weights["in_bn/moving_variance"][0] = np.inf
    keras_files.write(tmp_path / "wrong.hdf5", weights)
    assert import_keras.main([str(tmp_path / "wrong.hdf5"), str(tmp_path / "folder"), "--patch", "64"]) == 1
    said = capsys.readouterr().err
    for problem in (
        "block2_1_projection/kernel is missing",
        "block1_1_projection/kernel is unknown",
        "block3_2_conv2/kernel has shape (3, 3, 8, 7) instead of (3, 3, 8, 8)",
        "in_bn/moving_variance is not finite",
        "wrong.hdf5",
    ):
        assert problem in said
    assert said.count("\n") == 1
    assert not (tmp_path / "folder").exists()


def test_the_patch_of_the_dense_layer_must_fit(tmp_path):
    keras_files.write(tmp_path / "weights.hdf5", keras_files.tensors(64))
    with pytest.raises(InputError, match=r"pred/kernel has shape \(10, 5\) instead of \(90, 5\)"):
        import_keras.load(tmp_path / "weights.hdf5", 160)


def test_other_files_are_refused(tmp_path):
    (tmp_path / "text.hdf5").write_text("no HDF5")
    with pytest.raises(
        InputError, match=r"text\.hdf5 cannot be read.*expected an HDF5 file that Keras wrote"
    ):
        import_keras.load(tmp_path / "text.hdf5")
    keras_files.write(tmp_path / "other.hdf5", {"dense/kernel": np.zeros((2, 2), np.float32)})
    with pytest.raises(InputError, match=r"holds no encoder of the original \(dense/kernel"):
        import_keras.load(tmp_path / "other.hdf5")
    weights = keras_files.tensors(64)
    del weights["block3_1_conv1/kernel"]
    keras_files.write(tmp_path / "lacking.hdf5", weights)
    with pytest.raises(InputError, match=r"holds no encoder of the original .*expected in_conv/kernel"):
        import_keras.load(tmp_path / "lacking.hdf5")


def test_it_runs_as_a_module():
    command = [sys.executable, "-m", "atmodist.import_keras", "--help"]
    place = str(model_folder.__file__).rsplit("/", 2)[0]
    found = subprocess.run(command, cwd=place, text=True, capture_output=True, check=True)
    assert "model_weights.hdf5" in found.stdout
