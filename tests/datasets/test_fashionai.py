import pytest

from modc.datasets.darn import DARN
from modc.datasets.fashionai import FashionAI


def dataset(kind):
    return kind("own", None, {}, {})


def test_each_value_has_one_name():
    names = FashionAI.value_names
    assert {attribute: len(own) for attribute, own in names.items()} == FashionAI.attributes
    assert all(len(set(own)) == len(own) for own in names.values())


@pytest.mark.parametrize(
    ("kind", "attribute", "value", "name"),
    [
        (FashionAI, "skirt_length", 3, "Midi"),
        (FashionAI, "skirt_length", 6, "6"),
        (FashionAI, "no_such", 0, "0"),
        (DARN, "clothes color", 3, "3"),
    ],
)
def test_a_value_without_a_name_has_its_number(kind, attribute, value, name):
    assert dataset(kind).value_name(attribute, value) == name
