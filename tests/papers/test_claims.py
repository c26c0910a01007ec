import pytest

from modc.papers import paper
from modc.papers.places import Place
from modc.papers.statements import pairs, places_of

PAPER = paper.read(paper.FOLDER / "modc")
PUBLISHED = PAPER.published
BASELINE = {"method": "baseline", "query_label": "", "top_n": ""}

BY_KEY = {statement.key: statement for statement in PAPER.claims}
# Networks x metrics x the rest, counted in the tables of the paper.
COUNTS = {
    "gain_on_every_attribute": {"table1": 3 * 8, "table2": 3 * 9},
    "asen_pp_best": {"table1": 5, "table2": 5},
    "asen_pp_not_best_with_few_labels": {"table3": 9, "table4": 3},
    "gain_at_every_share": {"table3": 3 * 3 * 3 * 2},
    "top1_beats_top2": {"table3": 3 * 3 * 3},
    "known_beats_unknown": {"table4": 3 * 3 * 2, "table5": 3 * 3 * 2},
    "unknown_beats_baseline": {"table4": 3 * 3 * 2, "table5": 3 * 3 * 2},
    "accuracy_goes_with_gain": {"table4": 3 * 2, "table5": 3 * 2},  # gains, one a point
}


def test_every_number_of_the_paper_by_its_place():
    values = PUBLISHED
    assert len(values) == 327
    place = Place("table5", "DARN", "ASENv2", "modc", 100, "unknown", "1", "overall", "MAP@100")
    assert values[place] == 0.5953
    assert values[place._replace(**BASELINE)] == 0.5966
    assert values[place._replace(metric="Acc")] == 0.4694


@pytest.mark.parametrize("key", BY_KEY)
def test_pairs_are_counted_by_table(key):
    counts: dict = {}
    for pair in pairs(BY_KEY[key], PUBLISHED):
        tables = dict.fromkeys(place.table for place in pair)
        where = next(iter(tables)) if len(tables) == 1 else " and ".join(map(str, tables))
        counts[where] = counts.get(where, 0) + 1
    assert counts == COUNTS[key]


@pytest.mark.parametrize("key", BY_KEY)
def test_each_pair_is_of_two_numbers_of_the_paper_and_asked_once(key):
    found = pairs(BY_KEY[key], PUBLISHED)
    assert {place for pair in found for place in pair} <= set(PUBLISHED)
    assert len({frozenset(pair) for pair in found}) == len(found)
    assert all(better != worse for better, worse in found)


@pytest.mark.parametrize("key", BY_KEY)
def test_two_numbers_of_a_pair_measure_the_same(key):
    for better, worse in pairs(BY_KEY[key], PUBLISHED):
        assert (better.labeled_percent, better.metric) == (worse.labeled_percent, worse.metric)
        assert better.attribute == worse.attribute
        assert better.metric != "Acc"
        if not BY_KEY[key].by_accuracy:
            assert (better.table, better.dataset) == (worse.table, worse.dataset)


def test_attributes_are_those_of_the_tables_without_overall():
    found = pairs(BY_KEY["gain_on_every_attribute"], PUBLISHED)
    assert [(p.better.network, p.better.attribute) for p in found] == [
        (place.network, place.attribute)
        for place in PUBLISHED
        if place.table in ("table1", "table2")
        and place.method == "modc"
        and place.attribute != "overall"
    ]


def test_the_best_is_compared_with_every_other_row():
    found = pairs(BY_KEY["asen_pp_best"], PUBLISHED)
    for table in ("table1", "table2"):
        own = [pair for pair in found if pair.better.table == table]
        assert {pair.better[2:4] for pair in own} == {("ASEN++", "modc")}
        rows = {place[2:4] for place in PUBLISHED if place.table == table} - {("ASEN++", "modc")}
        assert {(pair.worse.network, pair.worse.method) for pair in own} == rows


def test_a_place_without_its_counterpart_makes_no_pair():
    among = [place for place in PUBLISHED if place.network != "ASEN" or place.method == "modc"]
    found = pairs(BY_KEY["unknown_beats_baseline"], among)
    assert len(found) == 2 * 12
    assert {pair.better.network for pair in found} == {"ASENv2", "ASEN++"}


def test_another_dataset_has_the_pairs_that_correspond():
    def place(network, way, attribute="overall", metric="MAP@100", percent=100):
        return Place("", "FashionMNIST", network, *way[:1], percent, *way[1:], attribute, metric)

    baseline, known, unknown = (
        ("baseline", "", ""),
        ("modc", "known", "1"),
        ("modc", "unknown", "1"),
    )
    among = [
        place(network, way, attribute)
        for network in ("ASEN", "ASEN++")
        for way in (baseline, known, unknown)
        for attribute in ("tone", "overall")
    ] + [place("ASEN", way, percent=10) for way in (baseline, known, unknown)]
    counts = {key: len(pairs(statement, among)) for key, statement in BY_KEY.items()}
    assert counts == {
        "gain_on_every_attribute": 2,  # tone, of two networks, with all labels
        "asen_pp_best": 3,
        "asen_pp_not_best_with_few_labels": 0,
        "gain_at_every_share": 3,
        "top1_beats_top2": 0,
        "known_beats_unknown": 3,
        "unknown_beats_baseline": 3,
        "accuracy_goes_with_gain": 3,
    }
    of_share = places_of(BY_KEY["accuracy_goes_with_gain"], among)
    assert [place.labeled_percent for place in of_share] == [100, 100, 10]
