"""Backbones: torchvision's ResNets cut after layer3, from any of the three starts."""

import pytest
import torch
import torchvision

from modc.errors import UserError
from modc.networks.backbone import build, weights_file


@pytest.mark.parametrize(
    ("name", "channels"), [("resnet10", 256), ("resnet18", 256), ("resnet50", 1024)]
)
def test_the_feature_map_has_stride_16(name, channels):
    backbone = build(name, "none").eval()
    assert backbone.channels == channels
    with torch.no_grad():
        assert backbone(torch.zeros(1, 3, 64, 96)).shape == (1, channels, 4, 6)


def test_it_computes_what_torchvisions_does(tmp_path):
    resnet = torchvision.models.resnet18(weights=None).eval()
    torch.save(resnet.state_dict(), tmp_path / "resnet18.pth")
    backbone = build("resnet18", str(tmp_path / "resnet18.pth")).eval()
    images = torch.rand(2, 3, 64, 64)
    with torch.no_grad():
        x = resnet.maxpool(resnet.relu(resnet.bn1(resnet.conv1(images))))
        expected = resnet.layer3(resnet.layer2(resnet.layer1(x)))
        assert torch.equal(backbone(images), expected)


def test_no_weights_are_drawn_from_torchs_generator():
    drawn = []
    for seed in (0, 0, 1):
        torch.manual_seed(seed)
        drawn.append(build("resnet10", "none").conv1.weight)
    assert torch.equal(drawn[0], drawn[1])
    assert not torch.equal(drawn[0], drawn[2])


def test_imagenet_weights_come_from_torchvisions_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    weights = torchvision.models.ResNet18_Weights.IMAGENET1K_V1
    resnet = torchvision.models.resnet18(weights=None)
    file = tmp_path / "hub" / "checkpoints" / weights.url.rpartition("/")[2]
    file.parent.mkdir(parents=True)
    torch.save(resnet.state_dict(), file)
    assert torch.equal(build("resnet18", "imagenet").conv1.weight, resnet.conv1.weight)


@pytest.mark.parametrize(
    ("damage", "what"),
    [
        (lambda data: b"", "an empty file"),
        (lambda data: b"<!DOCTYPE html><html>portal</html>", "a web page"),
        (lambda data: bytes(1000), "truncated"),
        (lambda data: data[: len(data) // 2], "truncated"),
    ],
)
def test_a_damaged_file_in_the_cache_is_named(tmp_path, monkeypatch, damage, what):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    file = weights_file("resnet18")
    file.parent.mkdir(parents=True)
    torch.save(torchvision.models.resnet18(weights=None).state_dict(), file)
    file.write_bytes(damage(file.read_bytes()))
    with pytest.raises(UserError) as error:
        build("resnet18", "imagenet")
    assert str(error.value).startswith(f"{file}: {what}") and "delete it" in str(error.value)


@pytest.mark.parametrize(
    "wrap",
    [
        lambda state: {f"module.{key}": value for key, value in state.items()},
        lambda state: {"epoch": 90, "state_dict": {f"module.{k}": v for k, v in state.items()}},
        lambda state: {"model": state, "args": None},
    ],
)
def test_a_training_scripts_checkpoint_is_taken(tmp_path, wrap):
    state = torchvision.models.resnet18(weights=None).state_dict()
    torch.save(wrap(state), tmp_path / "weights.pth")
    made = build("resnet18", str(tmp_path / "weights.pth"))
    assert torch.equal(made.conv1.weight, state["conv1.weight"])


def test_a_failed_download_says_which_file_to_put_where(tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))

    def no_network(*_, **__):
        raise OSError("no route to host")

    monkeypatch.setattr(torch.hub, "download_url_to_file", no_network)
    with pytest.raises(UserError) as error:
        build("resnet18", "imagenet")
    message = str(error.value)
    assert "networks.weights.resnet18" in message
    assert "resnet18-f37072fd.pth" in message
    assert str(tmp_path / "hub" / "checkpoints") in message


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"junk", "truncated or not a PyTorch file"),
        (b"", "an empty file"),
        ({"conv1.weight": torch.ones(1)}, "conv1.weight has shape (1,)"),
        ({"other": torch.ones(1)}, "the key conv1.weight is missing"),
        ({"conv1.weight": "text"}, "'conv1.weight' is not a tensor"),
        ({"model": {}}, "'model' is not a tensor"),
    ],
)
def test_a_file_that_does_not_fit_is_refused(tmp_path, content, message):
    path = tmp_path / "weights.pth"
    path.write_bytes(content) if isinstance(content, bytes) else torch.save(content, path)
    with pytest.raises(UserError) as error:
        build("resnet18", str(path))
    assert str(error.value).startswith(str(path))
    assert message in str(error.value)


def test_an_unknown_name_and_an_absent_file_are_named(tmp_path):
    with pytest.raises(UserError, match="'vgg16' is unknown; allowed: resnet10, resnet18"):
        build("vgg16", "none")
    with pytest.raises(UserError, match="absent.pth: no such checkpoint"):
        build("resnet18", str(tmp_path / "absent.pth"))
    with pytest.raises(UserError, match="no ImageNet weights exist"):
        build("resnet10", "imagenet")
