import pytest

from modc.report.page.curves import HEIGHT, MOST_POINTS, WIDTH, curve


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
    drawn = curve([tmp_path / "warm_up", tmp_path / "supervised"])
    assert (drawn["low"], drawn["high"], drawn["epochs"]) == (0.2, 0.6, 4)
    assert (drawn["first"], drawn["best"], drawn["last"]) == (0.2, 0.6, 0.5)
    first, second = map(points, drawn["lines"])
    assert first == [(0, HEIGHT), (106.7, 50)]
    assert second == [(106.7, 50), (213.3, 0), (WIDTH, 25)]
    assert drawn["starts"] == [(0, 1), (213.3, 2)]


def test_a_stage_without_a_curve_keeps_the_numbers_of_the_others(tmp_path):
    write(tmp_path, "supervised", scores(0.6, 0.5))
    assert curve([tmp_path / "warm_up", tmp_path / "supervised"])["starts"] == [(0, 2)]


@pytest.mark.parametrize(
    "text", ["", "epoch,loss\n1,2\n", "\0\0", "epoch,valid_MAP@all\n1,x\n", "a\nb,c\n,,,\n"]
)
def test_what_is_no_curve_is_left_out(tmp_path, text):
    write(tmp_path, "warm_up", text)
    assert curve([tmp_path / "warm_up"]) is None
    assert curve([tmp_path / "nowhere"]) is None


def test_one_epoch_and_a_flat_curve_can_be_drawn(tmp_path):
    write(tmp_path, "warm_up", scores(0.5))
    assert points(curve([tmp_path / "warm_up"])["lines"][0]) == [(WIDTH / 2, HEIGHT / 2)]
    write(tmp_path, "warm_up", scores(0.5, 0.5))
    assert points(curve([tmp_path / "warm_up"])["lines"][0]) == [(0, 50), (WIDTH, 50)]


def test_a_long_curve_is_thinned_but_keeps_its_ends(tmp_path):
    write(tmp_path, "warm_up", scores(*(i / 1000 for i in range(1000))))
    found = points(curve([tmp_path / "warm_up"])["lines"][0])
    assert len(found) == MOST_POINTS
    assert (found[0], found[-1]) == ((0, HEIGHT), (WIDTH, 0))
