"""The learning curve of a stage: its file, its lines, and its points in a small drawing."""

import pytest

from modc import learning_curve
from modc.learning_curve import HEIGHT, MOST_POINTS, WIDTH, small_drawing


def write(folder, stage, text):
    (folder / stage).mkdir(exist_ok=True)
    (folder / stage / "curve.csv").write_text(text)


def scores(*values):
    return "epoch,valid_MAP@all\n" + "".join(f"{i},{v}\n" for i, v in enumerate(values, start=1))


def points(line):
    return [tuple(map(float, point.split(","))) for point in line.split()]


def test_stages_in_a_row(tmp_path):
    write(tmp_path, "warm_up", scores(0.2, 0.4))
    write(tmp_path, "supervised", scores(0.6, 0.5))
    drawn = small_drawing([tmp_path / "warm_up", tmp_path / "supervised"])
    assert (drawn["low"], drawn["high"], drawn["epochs"]) == (0.2, 0.6, 4)
    assert (drawn["first"], drawn["best"], drawn["last"]) == (0.2, 0.6, 0.5)
    first, second = map(points, drawn["lines"])
    assert first == [(0, HEIGHT), (106.7, 50)]
    assert second == [(106.7, 50), (213.3, 0), (WIDTH, 25)]
    assert drawn["starts"] == [(0, 1), (213.3, 2)]


def test_a_stage_without_a_curve_keeps_the_numbers_of_the_others(tmp_path):
    write(tmp_path, "supervised", scores(0.6, 0.5))
    assert small_drawing([tmp_path / "warm_up", tmp_path / "supervised"])["starts"] == [(0, 2)]


@pytest.mark.parametrize(
    "text", ["", "epoch,loss\n1,2\n", "\0\0", "epoch,valid_MAP@all\n1,x\n", "a\nb,c\n,,,\n"]
)
def test_what_is_no_curve_is_left_out(tmp_path, text):
    write(tmp_path, "warm_up", text)
    assert small_drawing([tmp_path / "warm_up"]) is None
    assert small_drawing([tmp_path / "nowhere"]) is None


def test_one_epoch_and_a_flat_curve_can_be_drawn(tmp_path):
    write(tmp_path, "warm_up", scores(0.5))
    assert points(small_drawing([tmp_path / "warm_up"])["lines"][0]) == [(WIDTH / 2, HEIGHT / 2)]
    write(tmp_path, "warm_up", scores(0.5, 0.5))
    assert points(small_drawing([tmp_path / "warm_up"])["lines"][0]) == [(0, 50), (WIDTH, 50)]


def test_a_long_curve_is_thinned_but_keeps_its_ends(tmp_path):
    write(tmp_path, "warm_up", scores(*(i / 1000 for i in range(1000))))
    found = points(small_drawing([tmp_path / "warm_up"])["lines"][0])
    assert len(found) == MOST_POINTS
    assert (found[0], found[-1]) == ((0, HEIGHT), (WIDTH, 0))


ROW = {"epoch": 1, "learning_rate": 0.1, "loss": 2.5, "triplet": 1.5, "unlabeled_cluster": 1.0}
ROW |= {"own_term": 0.5, "valid_MAP@all": 0.25, "share_pseudo_labeled": 0.5}


def test_a_training_has_its_losses_above_and_its_fractions_in_percent_below(tmp_path, monkeypatch):
    drawn = []
    monkeypatch.setattr(learning_curve, "png", lambda figure: drawn.append(figure) or b"")
    rows = [ROW, {**ROW, "epoch": 2, "valid_Acc": 0.75}]
    learning_curve.write_curve(tmp_path / "c.csv", tmp_path / "c.png", rows, "title")
    above, below = (
        {line.get_label(): line.get_ydata().tolist() for line in axes.lines}
        for axes in drawn[0].axes
    )
    losses = ("loss", "triplet", "unlabeled_cluster", "own_term")
    assert above == {name.replace("_", " "): [ROW[name]] * 2 for name in losses}
    assert list(below) == ["validation MAP@all", "share pseudo labeled", "validation Acc"]
    assert below["validation MAP@all"] == [25, 25] and below["validation Acc"][1] == 75
    assert learning_curve.read_curve(tmp_path / "c.csv")["own_term"].tolist() == [0.5, 0.5]


def test_each_quantity_looks_different_but_those_of_unlabeled_images():
    names = [*learning_curve.LOOKS, "own_term", "another_term"]
    found = learning_curve.looks([*names, "unlabeled_own_term", "pseudo_triplet"])
    assert len({found[name] for name in names}) == len(names)
    assert found["unlabeled_own_term"] == found["own_term"]
    assert found["pseudo_triplet"] == found["triplet"]
