"""The table of the ablation: each alternative beside the run itself, and how far it differs."""

from pathlib import Path

import numpy as np
import pandas as pd

from modc.ablation import Variant, ablation_cells, trains, variants
from modc.atomic import write_text
from modc.evaluation.bootstrap import DRAWS, interval
from modc.evaluation.prioritized import column_name
from modc.grid import METHODS
from modc.published.assumptions import find, name_of_setting
from modc.report.assumptions import changed
from modc.report.comparable import why_not_comparable
from modc.report.files import ABLATION_FILES
from modc.report.latex import latex
from modc.report.layout import ABSENT, Entry, Page, Row
from modc.report.markdown import markdown, plain
from modc.report.results import STALE, Result, result_of

COLUMNS = [
    "assumption",
    "name",
    "alternative",
    "baseline",
    "modc",
    "Acc",
    "difference",
    "low",
    "high",
    "seeds",
    "data",
    "status",
]
SAME = "the same model and scores"
THE_RUN = "this run"


def render(
    run_folder: Path, config: dict, output_folder: Path | None = None
) -> tuple[list[Path], str]:
    """Write the files of the ablation; return their paths and the table as plain text.

    output_folder: where they go; by default ablation/ in the run's folder.
    """
    folder = output_folder or Path(run_folder) / "ablation"
    frame = ablation_table(Path(run_folder), config)
    laid_out = _page(frame, config)
    texts = {
        ".md": markdown(laid_out),
        ".tex": latex(laid_out),
        ".csv": frame.to_csv(index=False),
    }
    paths = [folder / name for name in ABLATION_FILES]
    for path in paths:
        write_text(path, texts[path.suffix])
    return paths, plain(laid_out)


def ablation_table(run_folder: Path, config: dict) -> pd.DataFrame:
    """Return the run itself and each alternative: one row each, columns COLUMNS, fractions.

    baseline, modc (top1, known): overall MAP@100; Acc; difference: modc minus the run's; low, high:
    its paired bootstrap interval over the queries. All are means over the same seeds, an
    alternative's over those that the run has too. data: "", or why they are not the paper's;
    status: "", or why there is no number, no difference, or a seed less.
    """
    run = _scores(run_folder, config, config)
    rows = [_row(None, config, run, run)]
    for variant in variants(config):
        own = _scores(run_folder / "ablation" / variant.name, variant.config, config)
        rows.append(_row(variant, config, own, run))
    return pd.DataFrame(rows, columns=COLUMNS)


def _scores(folder: Path, own: dict, config: dict) -> dict[int, dict]:
    """Return by seed: baseline, modc, Acc, and MAP@100 of every query; or why there is none."""
    found = {}
    for cell in ablation_cells(config):
        results = {m: result_of(folder, own, cell, m) for m in METHODS}
        why = [r.status or (STALE if r.not_comparable == STALE else "") for r in results.values()]
        queries = None if any(why) else _queries(folder / cell.folder, results["modc"], own)
        if queries is None:
            reason = next(filter(None, why), "queries.csv is missing or damaged")
            found[cell.seed] = {"status": reason}
            continue
        found[cell.seed] = {
            "baseline": results["baseline"].value("overall", "MAP@100"),
            "modc": results["modc"].value("overall", "MAP@100", "known", "1"),
            "Acc": results["modc"].value("overall", "Acc"),
            "queries": queries,
            "data": why_not_comparable(results["modc"], "overall", own),
            "status": "",
        }
    return found


def _queries(folder: Path, result: Result, own: dict) -> np.ndarray | None:
    """Return MAP@100 (top1, known) of every query; None if the file does not have them all."""
    column = column_name(1, "known", f"MAP@100/{own['evaluation']['map_at_100']}")
    try:
        queries = pd.read_csv(folder / "modc" / "queries.csv", usecols=["relevant", column])
        values = queries[column].to_numpy(float)
    except (OSError, ValueError):  # not there, not text, cut, or of other columns
        return None
    if len(values) != result.scores["overall"]["queries"] or not np.isfinite(values).all():
        return None
    is_counted = own["evaluation"]["unanswerable"] == "zero"
    return values if is_counted else values[queries["relevant"] > 0]


def _row(variant: Variant | None, config: dict, own: dict, run: dict) -> dict:
    row = dict.fromkeys(COLUMNS, np.nan)
    row |= dict.fromkeys(("assumption", "name", "data", "status"), "")
    row |= {"alternative": THE_RUN, "seeds": 0}
    if variant is not None:
        assumption = find(variant.assumption)
        row |= {
            "assumption": assumption.id,
            "name": assumption.name,
            "alternative": variant.alternative,
        }
    done = [seed for seed, scores in own.items() if not scores["status"]]
    both = [
        seed
        for seed in done
        if not run[seed]["status"] and len(own[seed]["queries"]) == len(run[seed]["queries"])
    ]
    if not done:
        return row | {"status": next(scores["status"] for scores in own.values())}
    seeds = both or done
    means = {key: [own[seed][key] for seed in seeds] for key in ("baseline", "modc", "Acc")}
    row |= {key: float(np.mean(values)) for key, values in means.items()}
    row |= {"seeds": len(seeds), "data": own[seeds[0]]["data"]}
    if variant is None:
        return row | {"status": _missing_seeds(seeds, own)}
    if _is_same(config, variant):
        is_set = name_of_setting(config, find(variant.assumption)) == variant.alternative
        why = "the run has this setting" if is_set else "this cell does not depend on it"
        return row | {"status": f"{SAME}: {why}"}
    if not both:
        return row | {"status": "the run has no scores to compare with"}
    differences = np.mean([own[s]["queries"] - run[s]["queries"] for s in both], axis=0)
    low, high = interval(differences)
    row |= {"difference": float(differences.mean()), "low": low, "high": high}
    return row | {"status": _missing_seeds(seeds, {**run, **own})}


def _is_same(config: dict, variant: Variant) -> bool:
    """Return whether the variant neither trains nor scores the cell in another way."""
    cells = ablation_cells(config)
    is_trained = any(trains(config, variant, cell) for cell in cells)
    return not is_trained and variant.config["evaluation"] == config["evaluation"]


def _missing_seeds(seeds: list[int], scores: dict[int, dict]) -> str:
    missing = [seed for seed in scores if seed not in seeds]
    if not missing:
        return ""
    why = dict.fromkeys(scores[seed]["status"] or "not in the run" for seed in missing)
    return f"{len(seeds)} of {len(scores)} seeds, the others: {', '.join(why)}"


def _page(frame: pd.DataFrame, config: dict) -> Page:
    cell = config["ablation"]["cell"]
    title = (
        f"Ablation of the assumptions: MODC({cell['network']})_top1, {cell['dataset']}, "
        f"{cell['labeled_percent']} % of the labels"
    )
    headings = ("baseline", "MODC", "Acc", "difference", "95 % interval")
    return Page(
        title, [("", name) for name in headings], {"Ours": _rows(frame)}, _notes(frame, config)
    )


def _rows(frame: pd.DataFrame) -> list[Row]:
    rows = []
    for place in frame.to_dict("records"):
        label = " ".join(filter(None, [place["assumption"], place["name"]]))
        label += f": {place['alternative']}" if label else place["alternative"]
        texts = [_percent(place[key]) for key in ("baseline", "modc", "Acc")]
        if place["status"].startswith(SAME):
            texts += ["same", ""]
        elif pd.isna(place["difference"]):
            texts += ["" if place["alternative"] == THE_RUN else ABSENT, ""]
        else:
            low, high = 100 * place["low"], 100 * place["high"]
            texts += [f"{100 * place['difference']:+.2f}", f"{low:+.2f} to {high:+.2f}"]
        rows.append(Row(label, place["assumption"], [Entry(text) for text in texts]))
    return rows


def _notes(frame: pd.DataFrame, config: dict) -> list[str]:
    seeds = ", ".join(str(seed) for seed in config["grid"]["seeds"])
    notes = [
        "Overall MAP@100 of the test split in percent; MODC is top1 with the query's label known. "
        "Each alternative is tried alone, everything else as in this run.",
        f"Difference: MODC's minus this run's, in points; its interval is a paired bootstrap over "
        f"the queries ({DRAWS} draws), of their means over the seeds ({seeds}). It covers the "
        f"choice of queries, not that of the seed: another seed moves a score too.",
    ]
    other = changed(config)
    if other:
        notes.append(f"This run is not at the default of: {'; '.join(other)}.")
    for reason in filter(None, frame["data"].unique()):
        notes.append(f"Not the paper's data: {reason}.")
    for place in frame.to_dict("records"):
        if place["status"]:
            what = f"{place['assumption']} {place['alternative']}".strip()
            notes.append(f"{what}: {place['status']}.")
    return notes


def _percent(value: float) -> str:
    return ABSENT if pd.isna(value) else f"{100 * value:.2f}"
