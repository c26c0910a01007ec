"""What the methods say of themselves, and what a configuration may say of them."""

from pathlib import Path

import pytest

from modc import config as configuration
from modc import grid, methods
from modc.cell import Cell
from modc.errors import UserError
from modc.methods.modc import ADDS, STAGES

CONFIG = Path(__file__).resolve().parents[2] / "config.yaml"
CELL = Cell("FashionAI", "ASENv2", 10, 0)


@pytest.fixture(scope="module")
def paper() -> dict:
    return configuration.load([CONFIG])


def load(tmp_path: Path, text: str) -> dict:
    (tmp_path / "other.yaml").write_text(text)
    return configuration.load([CONFIG, tmp_path / "other.yaml"])


def test_each_stage_of_modc_has_the_terms_of_those_before_and_its_own(paper):
    specs = [grid.stage_spec(paper, CELL, "modc", stage) for stage in STAGES]
    terms = [added.term for added in ADDS.values()]
    assert [spec.options.terms for spec in specs] == [tuple(terms[:n]) for n in range(1, 6)]
    assert [spec.options.self_supervision is not None for spec in specs] == [False] + [True] * 4
    assert [spec.unlabeled is not None for spec in specs] == [False] * 2 + [True] * 3
    assert [spec.options.pseudo_labels is not None for spec in specs] == [False] * 3 + [True] * 2


def test_stages_are_numbered_as_in_the_supplement(paper):
    cell = Cell("FashionAI", "ASEN++", 10, 0)
    modc, baseline = (grid.method_of(paper, name) for name in ("modc", "baseline"))
    labels = [modc.stage_label(cell, stage) for stage in grid.own_stages(paper, cell, "modc")]
    assert labels == ["1, global", "1", "2", "3.1", "3.2", "3.3", "3.4"]
    assert [baseline.stage_label(cell, s) for s in ("warm_up_global", "warm_up")] == labels[:2]


def test_rows_are_named_after_the_method(paper):
    assert methods.of(paper, "modc").row_name("ASEN++") == "MODC(ASEN++)"
    assert methods.of(paper, "baseline").row_name("ASEN++") == "ASEN++"
    with pytest.raises(UserError, match="other: no method of the configuration; expected one of"):
        methods.of(paper, "other")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("grid: {methods: [modk]}", "grid.methods: no method 'modk' .did you mean 'modc'"),
        ("methods: {other: {}}", "methods.other: the key 'class' is missing"),
        ("methods: {other: {class: nowhere:Other}}", "methods.other.class: nowhere:Other: no mod"),
        (
            "methods: {other: {class: 'modc.networks.asen:ASEN'}}",
            "methods.other.class: .*not a subclass of modc.methods.method:Method",
        ),
        ("methods: {modc: {temperature: 0}}", "methods.modc.temperature"),
        ("methods: {modc: {temprature: 1}}", "methods.modc: unknown key 'temprature'"),
        (
            "methods: {mine: {class: 'modc.methods.modc:Modc'}}",
            "methods.mine: the key '\\w+' is missing",
        ),
        (
            "grid: {networks: [CSN2]}\nnetworks: {CSN2: {class: CSN}}",
            "grid.networks names 'CSN2'",
        ),
    ],
)
def test_a_mistake_is_one_line_with_its_key(tmp_path, text, message):
    with pytest.raises(UserError, match=message) as error:
        load(tmp_path, text)
    assert "\n" not in str(error.value)


def test_a_grid_may_have_one_method_alone(tmp_path):
    one = load(tmp_path, "grid: {methods: [baseline]}")
    assert grid.methods(one) == ("baseline",)
    assert [form.name for form in grid.forms_of_dataset(one, "DARN")] == ["224", "448"]


WRONG = '''
from modc.methods.baseline import Baseline
from modc.methods.method import Method

class Same(Baseline):
    """A stage of the baseline's name, behind the baseline."""
    def starts_from(self, cell):
        return "baseline"

class Round(Baseline):
    def starts_from(self, cell):
        return self.name

class Half(Method):
    pass

class Without(Baseline):
    def stages(self, cell):
        return ()
'''


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("Same", "methods.X: stage warm_up stands twice among warm_up, warm_up"),
        ("Round", "methods.X: starts_from leads from X to X"),
        ("Half", "methods.X.class: wrong_methods:Half: has no stages, which it has to define"),
        ("Without", "methods.X: has no stage of its own"),
    ],
)
def test_a_method_that_cannot_be_trained_is_named(tmp_path, name, message):
    (tmp_path / "wrong_methods.py").write_text(WRONG)
    text = "grid: {methods: [X], networks: [ASEN]}\n"
    text += f"methods: {{X: {{class: 'wrong_methods:{name}'}}}}"
    with pytest.raises(UserError, match=message) as error:
        load(tmp_path, text)
    assert "\n" not in str(error.value)
