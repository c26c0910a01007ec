"""The table of the ablation: each alternative beside the default, and how far it differs."""

from pathlib import Path

import numpy as np
import pandas as pd

from modc.ablation import Variant, ablation_cells, trains, variants
from modc.atomic import write_text
from modc.evaluation.bootstrap import DRAWS, interval
from modc.evaluation.prioritized import column_name
from modc.published.assumptions import find, name_of_setting
from modc.report.files import ABLATION_FILES
from modc.report.latex import latex
from modc.report.layout import ABSENT, Entry, Page, Row
from modc.report.markdown import markdown, plain
from modc.report.results import STALE, result_of

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
DEFAULT = "default"


def render(run_folder: Path, config: dict) -> tuple[list[Path], str]:
    """Write the files of the ablation; return their paths and the table as plain text."""
    folder = Path(run_folder) / "ablation"
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
    """Return the default and each alternative: one row each, columns COLUMNS, fractions.

    baseline, modc (top1, known): overall MAP@100, the mean over the seeds that have both; Acc;
    difference: modc minus the default's; low, high: its paired bootstrap interval over the queries.
    data: "", or why they are not the paper's; status: "", or why there is no number or difference.
    """
    default = _scores(run_folder, config, config)
    rows = [_row(None, config, default, default, config)]
    for variant in variants(config):
        folder = run_folder / "ablation" / variant.name
        own = _scores(folder, variant.config, config)
        rows.append(_row(variant, config, own, default, variant.config))
    return pd.DataFrame(rows, columns=COLUMNS)


def _scores(folder: Path, own: dict, config: dict) -> dict[int, dict]:
    """Return by seed: baseline, modc, Acc, and MAP@100 of every query; or why there is none."""
    found = {}
    for cell in ablation_cells(config):
        results = {m: result_of(folder, own, cell, m) for m in ("baseline", "modc")}
        why = [r.status or (STALE if r.not_comparable == STALE else "") for r in results.values()]
        if any(why):
            found[cell.seed] = {"status": next(text for text in why if text)}
            continue
        queries = pd.read_csv(folder / cell.folder / "modc" / "queries.csv")
        if own["evaluation"]["unanswerable"] == "exclude":
            queries = queries[queries["relevant"] > 0]
        column = column_name(1, "known", f"MAP@100/{own['evaluation']['map_at_100']}")
        found[cell.seed] = {
            "baseline": results["baseline"].value("overall", "MAP@100"),
            "modc": results["modc"].value("overall", "MAP@100", "known", "1"),
            "Acc": results["modc"].value("overall", "Acc"),
            "queries": queries[column].to_numpy(),
            "data": results["modc"].not_comparable,
            "status": "",
        }
    return found


def _row(variant: Variant | None, config: dict, own: dict, default: dict, own_config: dict) -> dict:
    row = dict.fromkeys(COLUMNS, np.nan)
    row |= dict.fromkeys(("assumption", "name", "data", "status"), "")
    row |= {"alternative": DEFAULT, "seeds": 0}
    if variant is not None:
        assumption = find(variant.assumption)
        row |= {
            "assumption": assumption.id,
            "name": assumption.name,
            "alternative": variant.alternative,
        }
    done = [seed for seed, scores in own.items() if not scores["status"]]
    row["seeds"] = len(done)
    if not done:
        return row | {"status": next(scores["status"] for scores in own.values())}
    row |= {key: float(np.mean([own[s][key] for s in done])) for key in ("baseline", "modc", "Acc")}
    row["data"] = own[done[0]]["data"]
    if variant is None:
        return row
    cells = ablation_cells(config)
    if own_config["evaluation"] == config["evaluation"] and not any(
        trains(config, variant, cell) for cell in cells
    ):
        same = name_of_setting(config, find(variant.assumption)) == variant.alternative
        why = "the run has this setting" if same else "this cell does not depend on it"
        return row | {"status": f"{SAME}: {why}"}
    both = [seed for seed in done if not default[seed]["status"]]
    if not both:
        return row | {"status": "the default has no scores to compare with"}
    differences = np.mean([own[s]["queries"] - default[s]["queries"] for s in both], axis=0)
    low, high = interval(differences)
    row |= {"difference": float(differences.mean()), "low": low, "high": high, "seeds": len(both)}
    return row


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
            texts += ["" if place["alternative"] == DEFAULT else ABSENT, ""]
        else:
            low, high = 100 * place["low"], 100 * place["high"]
            texts += [f"{100 * place['difference']:+.2f}", f"{low:+.2f} to {high:+.2f}"]
        rows.append(Row(label, place["assumption"], [Entry(text) for text in texts]))
    return rows


def _notes(frame: pd.DataFrame, config: dict) -> list[str]:
    seeds = len(config["grid"]["seeds"])
    notes = [
        "Overall MAP@100 of the test split in percent; MODC is top1 with the query's label known. "
        "Each alternative is tried alone, everything else as in the default row.",
        f"Difference: MODC's minus the default's, in points; its interval is a paired bootstrap "
        f"over the queries ({DRAWS} draws) of {seeds} seed{'s' if seeds > 1 else ''}. It covers "
        f"the choice of queries, not that of the seed: another seed moves a score too.",
    ]
    for reason in filter(None, frame["data"].unique()):
        notes.append(f"Not the paper's data: {reason}.")
    for place in frame.to_dict("records"):
        if place["status"]:
            what = f"{place['assumption']} {place['alternative']}".strip()
            notes.append(f"{what}: {place['status']}.")
    return notes


def _percent(value: float) -> str:
    return ABSENT if pd.isna(value) else f"{100 * value:.2f}"
