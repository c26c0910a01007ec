"""The ablation table: each alternative beside the run itself, and their difference."""

from pathlib import Path

import numpy as np
import pandas as pd

from modc import paths
from modc.ablation import Variant, ablation_cells, same_result, variants
from modc.atomic import write_text
from modc.papers.assumptions import find, name_of_setting
from modc.papers.paper import assumptions
from modc.papers.places import OVERALL, Place
from modc.report import latex
from modc.report.assumptions import changed
from modc.report.comparable import why_not_comparable
from modc.report.files import ABLATION_FILES
from modc.report.frame import results_frame
from modc.report.layout import ABSENT, Entry, Page, Row
from modc.report.markdown import markdown, plain
from modc.report.results import STALE, collect, result_of
from modc.report.trainings import Trainings, difference, pooled

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
    "noise",
    "seeds",
    "data",
    "status",
]
# The compared methods: the assumptions are about these two.
COMPARED = {"baseline": "baseline", "modc": "modc"}
SAME = "the same model and scores of MODC"
THE_RUN = "this run"
BY_SIGN = "sign alone"


def render(run_folder: Path, config: dict, output_folder: Path | None = None) -> list[Path]:
    """Write the files of the ablation, and summary.txt for the terminal; return their paths.

    output_folder: by default ablation/ in the run's folder.
    """
    folder = output_folder or Path(run_folder) / paths.ABLATION
    frame = ablation_table(Path(run_folder), config)
    laid_out = _page(frame, config)
    texts = {
        "ablation.md": markdown(laid_out),
        "ablation.tex": latex.fragment(laid_out, "ablation"),
        "ablation-standalone.tex": latex.standalone(laid_out, "ablation"),
        "ablation.csv": frame.to_csv(index=False),
        paths.SUMMARY: f"{plain(laid_out)}\n",
    }
    written = [folder / name for name in (*ABLATION_FILES, paths.SUMMARY)]
    for path in written:
        write_text(path, texts[path.name])
    return written


def ablation_table(run_folder: Path, config: dict) -> pd.DataFrame:
    """Return the run itself and each alternative: one row each, columns COLUMNS, fractions.

    baseline, modc (top1, known): overall MAP@100; Acc; difference: modc minus the run's; low, high:
    the 95 % interval of the mean difference between trainings, paired by seed, NaN with one seed;
    noise: the difference that two equal trainings exceed in one of twenty cases, from the run's
    spread, NaN if unknown. An alternative's numbers are means over the seeds that it shares with
    the run. data: "", or why the data are not the paper's; status: "", or why there is no number,
    no difference, or a missing seed.
    """
    run = _scores(run_folder, config, config)
    noise = _noise(run_folder, config)
    rows = [_row(None, config, run, run, noise)]
    for variant in variants(config):
        own = _scores(run_folder / paths.variant_folder(variant.name), variant.config, config)
        rows.append(_row(variant, config, own, run, noise))
    return pd.DataFrame(rows, columns=COLUMNS)


def _noise(run_folder: Path, config: dict) -> float:
    cell = config["ablation"]["cell"]
    ranked = {"method": COMPARED["modc"], "query_label": "known", "top_n": "1"}
    place = Place(table="", **cell, **ranked, attribute=OVERALL, metric="MAP@100")
    frame = results_frame(collect(run_folder, config), config)
    spread = Trainings(frame, config).spread(place)
    return spread.reach() * 2**0.5 if spread else np.nan


def _scores(folder: Path, own: dict, config: dict) -> dict[int, dict]:
    """Return, by seed: baseline, modc, Acc, and the number of queries; or why there are none."""
    found = {}
    for cell in ablation_cells(config):
        results = {key: result_of(folder, own, cell, m) for key, m in COMPARED.items()}
        why = [r.status or (STALE if r.not_comparable == STALE else "") for r in results.values()]
        if any(why):
            found[cell.seed] = {"status": next(filter(None, why))}
            continue
        found[cell.seed] = {
            "baseline": results["baseline"].value("overall", "MAP@100"),
            "modc": results["modc"].value("overall", "MAP@100", "known", "1"),
            "Acc": results["modc"].value("overall", "Acc"),
            "queries": results["modc"].scores["overall"]["queries"],
            "data": why_not_comparable(results["modc"], "overall", own),
            "status": "",
        }
    return found


def _row(variant: Variant | None, config: dict, own: dict, run: dict, noise: float) -> dict:
    row = dict.fromkeys(COLUMNS, np.nan)
    row |= dict.fromkeys(("assumption", "name", "data", "status"), "")
    row |= {"alternative": THE_RUN, "seeds": 0}
    if variant is not None:
        assumption = find(assumptions(config), variant.assumption)
        row |= {
            "assumption": assumption.id,
            "name": assumption.name,
            "alternative": variant.alternative,
        }
    done = [seed for seed, scores in own.items() if not scores["status"]]
    both = [
        seed
        for seed in done
        if not run[seed]["status"] and own[seed]["queries"] == run[seed]["queries"]
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
        is_set = name_of_setting(config, assumption) == variant.alternative
        why = "the run has this setting" if is_set else "this cell does not depend on it"
        if _has_other_baseline(config, variant):
            why = "only its baseline is trained differently"
        return row | {"status": f"{SAME}: {why}"}
    if not both:
        return row | {"status": "the run has no scores to compare with"}
    differences = [own[seed]["modc"] - run[seed]["modc"] for seed in both]
    mean, spread = float(np.mean(differences)), pooled([differences])
    row |= {"difference": mean, "noise": noise}
    if spread:
        found = difference(mean, spread.sd / len(both) ** 0.5, spread.dof)
        row |= {"low": found.low, "high": found.high}
    return row | {"status": _missing_seeds(seeds, {**run, **own})}


def _is_same(config: dict, variant: Variant) -> bool:
    """Return whether the variant trains and scores the cell as the run does."""
    cells = ablation_cells(config)
    is_trained = any(not same_result(config, variant, cell, COMPARED["modc"]) for cell in cells)
    return not is_trained and variant.config["evaluation"] == config["evaluation"]


def _has_other_baseline(config: dict, variant: Variant) -> bool:
    return not all(
        same_result(config, variant, cell, COMPARED["baseline"]) for cell in ablation_cells(config)
    )


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
    headings = ("baseline", "MODC", "Acc", "difference", "95 % interval", "noise")
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
            texts += ["same", "", ""]
        elif pd.isna(place["difference"]):
            texts += ["" if place["alternative"] == THE_RUN else ABSENT, "", ""]
        else:
            low, high, noise = (100 * place[key] for key in ("low", "high", "noise"))
            texts.append(f"{100 * place['difference']:+.2f}")
            texts.append(BY_SIGN if pd.isna(low) else f"{low:+.2f} to {high:+.2f}")
            texts.append("unknown" if pd.isna(noise) else f"± {noise:.2f}")
        rows.append(Row(label, place["assumption"], [Entry(text) for text in texts]))
    return rows


def _notes(frame: pd.DataFrame, config: dict) -> list[str]:
    seeds = ", ".join(str(seed) for seed in config["grid"]["seeds"])
    notes = [
        "Overall MAP@100 on the test split in percent; MODC is top1 with the query's label known. "
        "Each alternative is tried on its own, with everything else as in this run.",
        f"Difference: MODC under the alternative minus MODC in this run, in points, averaged over "
        f"the seeds ({seeds}). The interval is between trainings, paired by seed; one seed gives "
        f"none, and its sign alone means little. Noise: the difference that two identically "
        f"configured trainings exceed in one of twenty cases, given the spread between this run's "
        f"trainings, if it has several seeds.",
    ]
    other = changed(config)
    if other:
        notes.append(f"Assumptions not at their defaults: {'; '.join(other)}.")
    for reason in filter(None, frame["data"].unique()):
        notes.append(f"Not the paper's data: {reason}.")
    for place in frame.to_dict("records"):
        if place["status"]:
            what = f"{place['assumption']} {place['alternative']}".strip()
            notes.append(f"{what}: {place['status']}.")
    return notes


def _percent(value: float) -> str:
    return ABSENT if pd.isna(value) else f"{100 * value:.2f}"
