import json
from hashlib import sha256

import numpy as np
from click.testing import CliRunner

from modc import provenance
from modc.cli import cli
from modc.evaluation.scoring import scoring


def test_scores_say_what_scored_them(tmp_path):
    rng = np.random.default_rng(0)
    arrays = {}
    for role in ("query", "candidate"):
        arrays[f"{role}_embedding"] = rng.normal(size=(6, 4))
        arrays[f"{role}_attribute"] = np.zeros(6, int)
        arrays[f"{role}_value"] = rng.integers(0, 2, 6)
    np.savez(tmp_path / "e.npz", **arrays)
    output, queries = tmp_path / "s.json", tmp_path / "q.csv"
    command = ["score", "--embeddings", tmp_path / "e.npz", "--output", output]
    options = ["--queries", queries, "--map-at-100", "min", "--unanswerable", "exclude"]
    done = CliRunner().invoke(cli, list(map(str, [*command, *options])), catch_exceptions=False)
    assert done.exit_code == 0
    found = json.loads(output.read_text())["scoring"]
    assert found == {
        "map_at_100": "min",
        "unanswerable": "exclude",
        "prioritized_order": "query",
        "acc_over": "queries",
        "queries_sha256": sha256(queries.read_bytes()).hexdigest(),
        "code": provenance.code_of("modc.evaluation.scores"),
        **provenance.software(),
    }


def test_without_queries_there_is_no_hash_of_them():
    assert scoring(None)["queries_sha256"] is None
