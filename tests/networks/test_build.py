"""A network from its name and its options."""

import re
import sys

import pytest
import torch

from modc.errors import UserError
from modc.networks.build import build, find, own
from modc.networks.csn import CSN

OUTSIDE = """
from modc.networks.csn import CSN
class Mine(CSN):
    name = ""
    def __init__(self, backbone, attributes, share=0.5):
        super().__init__(backbone, attributes)
        self.share = share
class Other: ...
"""


@pytest.fixture
def outside(tmp_path, monkeypatch):
    (tmp_path / "outside_networks.py").write_text(OUTSIDE)
    monkeypatch.syspath_prepend(tmp_path)
    yield "outside_networks:Mine"
    sys.modules.pop("outside_networks", None)


def test_the_packages_own_are_found_by_name():
    assert set(own()) == {"ASEN", "ASENv2", "ASEN++", "CSN"}
    assert find("CSN") is CSN


def test_another_is_found_by_its_module_and_takes_its_options(outside):
    made = build(outside, {"backbone": "resnet10", "share": 0.25}, 3)
    assert (type(made).__name__, made.share, made.attributes) == ("Mine", 0.25, 3)
    assert made(torch.rand(2, 3, 32, 32), torch.tensor([0, 2])).embedding.shape == (2, 1024)


def test_the_order_of_the_options_changes_no_weight():
    options = {"global_backbone": "resnet10", "local_backbone": "resnet10", "global_weight": 0.6}
    drawn = []
    for ordered in (options, dict(reversed(options.items()))):
        torch.manual_seed(0)
        drawn.append(build("ASEN++", ordered, 2).state_dict())
    assert all(torch.equal(drawn[0][key], drawn[1][key]) for key in drawn[0])


@pytest.mark.parametrize(
    ("network", "options", "message"),
    [
        ("ASENv3", {}, "network 'ASENv3' is unknown; expected "),
        ("nowhere:Mine", {}, "no module nowhere"),
        ("outside_networks:Other", {}, "not a subclass of modc.networks.network:Network"),
        ("CSN", {"backbon": "resnet10"}, "CSN takes no 'backbon'; expected backbone"),
        ("CSN", {}, "missing 1 required positional argument: 'backbone'"),
    ],
)
def test_what_cannot_be_built_says_why(outside, network, options, message):
    with pytest.raises(UserError, match=re.escape(message)) as error:
        build(network, options, 2)
    assert "\n" not in str(error.value)
