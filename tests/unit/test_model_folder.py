"""A model folder gives back what went into it, and says in one sentence what is wrong with another."""

import json
import pickle
import shutil

import models
import pytest
import torch
from safetensors.torch import load_file, save_file

from atmodist import model_folder
from atmodist.core.errors import InputError
from atmodist.core.files import read_json, sha256, write_json


@pytest.mark.parametrize("kind", model_folder.KINDS)
def test_a_folder_gives_back_network_and_config(tmp_path, kind):
    written, about = models.write(tmp_path / "model", kind)
    read, config = model_folder.load(tmp_path / "model")
    assert config == about
    assert not read.training
    for name, value in written.state_dict().items():
        assert torch.equal(read.state_dict()[name], value), name
    assert {path.name for path in (tmp_path / "model").iterdir()} == {
        "model.safetensors",
        "config.json",
        "README.md",
    }


def test_others_may_read_a_folder(tmp_path):
    models.write(tmp_path / "model")
    (tmp_path / "new").touch()  # as the umask has it
    for path in (tmp_path / "model").iterdir():
        assert path.stat().st_mode == (tmp_path / "new").stat().st_mode, path


def test_pictures_lie_beside_the_card(tmp_path):
    (tmp_path / "confusion.png").write_bytes(b"picture")
    about = models.config()
    pictures = {"confusion_matrix.png": tmp_path / "confusion.png"}
    model_folder.save(tmp_path / "model", models.network(about), about, "# card\n", pictures)
    assert (tmp_path / "model/confusion_matrix.png").read_bytes() == b"picture"


def test_the_config_names_what_a_stranger_needs(tmp_path):
    models.write(tmp_path / "model")
    content = json.loads((tmp_path / "model/config.json").read_text())
    assert content["variables"] == ["divergence", "vorticity"]
    assert content["units"] == ["s-1", "s-1"]
    assert content["moments"]["alpha"] == 0.2
    assert content["training_period"] == {"start": "1979-01-01T00", "end": "1998-12-31T21"}
    assert content["grid_spacing_degrees"] == 2.8125
    assert content["step_hours"] == 3
    assert content["scales"] == {"stage1": 2.0, "stage2": 3.0}


def rewritten(folder, **changes):
    """Change entries of config.json; None removes one."""
    path = folder / "config.json"
    content = read_json(path) | changes
    write_json(path, {key: value for key, value in content.items() if value is not None})


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"format": 2}, ["format is 2", "reads format 1"]),
        ({"kind": "decoder"}, ["kind is 'decoder'", "atmodist, encoder, generator"]),
        ({"moments": None}, ["does not describe a model", "moments"]),
        ({"units": ["s-1"]}, ["units are ['s-1']", "divergence"]),
        ({"step_hours": -3}, ["step_hours is -3", "positive"]),
        ({"scales": {"stage7": 1}}, ["stage7", "stage1, stage2, stage3, stage4"]),
        ({"scales": {"stage2": float("nan")}}, ["scale of stage2 is nan", "positive"]),
        ({"scales": {"stage2": "3"}}, ["scale of stage2 is '3'", "positive"]),
        ({"network": {"patch": 32}}, ["does not describe a network", "stages"]),
        ({"network": {"stages": [4, 4, 8, 8], "blocks": "1", "patch": 32}}, ["does not describe a network"]),
        ({"weights_sha256": "0"}, ["model.safetensors", "checksum"]),
    ],
)
def test_a_wrong_config_is_refused_in_one_sentence(tmp_path, changes, said):
    models.write(tmp_path / "model")
    rewritten(tmp_path / "model", **changes)
    with pytest.raises(InputError) as caught:
        model_folder.load(tmp_path / "model")
    message = str(caught.value)
    assert all(part in message for part in [*said, str(tmp_path)]), message
    assert message.count("\n") == 0


def test_no_folder_or_another_one_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"no model folder.*config\.json"):
        model_folder.load(tmp_path / "nowhere")
    models.write(tmp_path / "model")
    (tmp_path / "model/model.safetensors").unlink()
    with pytest.raises(InputError, match="cannot be read"):
        model_folder.load(tmp_path / "model")


def test_every_tensor_that_does_not_fit_is_listed(tmp_path):
    models.write(tmp_path / "model")
    path = tmp_path / "model/model.safetensors"
    tensors = load_file(path)
    del tensors["encoder.stem.0.bias"]
    tensors["encoder.stem.9.bias"] = torch.zeros(1)
    tensors["tail.7.weight"] = torch.zeros(5, 7)
    tensors["encoder.stem.1.weight"] = torch.full((4,), float("nan"))
    tensors["encoder.stem.1.running_var"] = -torch.ones(4)
    save_file(tensors, path)
    rewritten(tmp_path / "model", weights_sha256=sha256(path))
    with pytest.raises(InputError) as caught:
        model_folder.load(tmp_path / "model")
    for problem in (
        "encoder.stem.0.bias is missing",
        "encoder.stem.9.bias is unknown",
        "tail.7.weight has shape (5, 7) instead of (5, 10)",
        "encoder.stem.1.weight is not finite",
        "encoder.stem.1.running_var is negative",
    ):
        assert problem in str(caught.value)


@pytest.mark.parametrize("write", ["pickle", "torch"])
def test_no_pickle_is_ever_loaded(tmp_path, write):
    models.write(tmp_path / "model")
    path = tmp_path / "model/model.safetensors"
    if write == "pickle":
        path.write_bytes(pickle.dumps(models.Trap(tmp_path / "trace")))
    else:
        torch.save({"trap": models.Trap(tmp_path / "trace")}, path)
    shutil.copy(path, tmp_path / "model/best.pt")
    rewritten(tmp_path / "model", weights_sha256=sha256(path))
    with pytest.raises(InputError, match="expected weights as safetensors"):
        model_folder.load(tmp_path / "model")
    assert not (tmp_path / "trace").exists()
