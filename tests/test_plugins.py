"""Classes named in the configuration."""

import sys
from collections import OrderedDict

import pytest

from modc import plugins
from modc.errors import UserError

OUTSIDE = {"datasets": {"Dots": {"class": "beside_the_file.dots:Dots"}}}


def test_a_class_is_loaded_by_module_and_name():
    assert plugins.load("collections:OrderedDict", "networks.X.class", dict) is OrderedDict


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("collections.OrderedDict", "expected package.module:Class"),
        (3, "expected package.module:Class"),
        ("no_such_package.dots:Dots", "no module no_such_package"),
        ("modc.no_such_module:Dots", "no module modc.no_such_module"),
        ("modc.errors:Dots", "no class Dots in modc.errors; it has UserError"),
        ("modc.errors:UserError", "not a subclass of builtins:dict"),
    ],
)
def test_a_name_that_leads_nowhere_is_refused_in_a_line_with_its_key(name, said):
    with pytest.raises(UserError) as caught:
        plugins.load(name, "datasets.X.class", dict)
    message = str(caught.value)
    assert message.startswith("datasets.X.class: ") and said in message and "\n" not in message


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("import no_such_package", "imports no_such_package, which is not installed"),
        ("1 / 0", "ZeroDivisionError: division by zero"),
    ],
)
def test_a_module_that_cannot_be_imported_says_why(code, said, tmp_path, monkeypatch):
    (tmp_path / "broken_module.py").write_text(code)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "broken_module", raising=False)
    with pytest.raises(UserError, match=said):
        plugins.load("broken_module:Dots", "datasets.X.class")


def test_a_class_beside_the_configuration_file_is_found(tmp_path, monkeypatch):
    package = tmp_path / "beside_the_file"
    package.mkdir()
    (package / "dots.py").write_text("class Dots: pass")
    monkeypatch.setattr(sys, "path", sys.path.copy())
    config = plugins.with_folders(OUTSIDE, [tmp_path / "run.yaml"])
    plugins.make_importable(config)
    assert plugins.load("beside_the_file.dots:Dots", "datasets.Dots.class").__name__ == "Dots"
    # As the jobs of a run read it again from elsewhere.
    again = plugins.with_folders(config, [tmp_path / "results" / "config.yaml"])
    assert again[plugins.FOLDERS] == [str(tmp_path), str(tmp_path / "results")]


def test_no_folder_is_recorded_without_a_class_from_outside(tmp_path):
    config = {"datasets": {"Ours": {"class": "modc.errors:UserError"}}}
    assert plugins.with_folders(config, [tmp_path / "run.yaml"]) == config
