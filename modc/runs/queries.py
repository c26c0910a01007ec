"""The scores of every query, where several runs have the same result: whose are intact."""

from hashlib import sha256

from modc import paths
from modc.report.results import Result
from modc.runs.checked import UNCHANGED
from modc.runs.differences import Difference, of_files
from modc.runs.rescored import check_scores, facts

# A result, and the configuration of its run.
Own = tuple[Result, dict]


def hold(own: Own) -> bool:
    """Return whether queries.csv is what was scored: its SHA-256 and the means of scores.json."""
    result, config = own
    check = check_scores(config, result)
    return check is not None and check.state == UNCHANGED


def are_same(first: Own, second: Own) -> bool:
    """Return whether both runs have the same file, and scores.json of both says the same of it."""
    return _file(first) == _file(second)


def conflict(first: Own, second: Own) -> Difference | None:
    """Return where two files differ of which each holds, None if nowhere or if one does not hold.

    Numbers that agree to differences.TOLERANCE do not count.
    """
    if are_same(first, second):
        return None
    contents = [_content(own) for own in (first, second)]
    difference = next(of_files(*contents, ".csv"), None)
    return difference if difference and hold(first) and hold(second) else None


def _file(own: Own) -> tuple[str, str]:
    content = _content(own)
    noted = str(facts(own[0].scores, "scoring").get("queries_sha256"))
    return noted, sha256(content).hexdigest() if content else ""


def _content(own: Own) -> bytes:
    try:
        return (own[0].folder / paths.QUERIES).read_bytes()
    except OSError:
        return b""
