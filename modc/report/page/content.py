"""The content of a run's page as plain data, however complete the run is."""

from pathlib import Path

import pandas as pd

from modc.papers import paper
from modc.papers.assumptions import name_of_setting, setting
from modc.report.assumptions import changed
from modc.report.claims import OURS, PUBLISHED
from modc.report.claims import claims as check
from modc.report.claims_text import VOCABULARY, notes
from modc.report.failures import explained
from modc.report.files import other_datasets
from modc.report.layout import page
from modc.report.page import provenance
from modc.report.page.claims import claims, held
from modc.report.page.coverage import coverage
from modc.report.page.figures import figures
from modc.report.page.glance import glance
from modc.report.page.places import details
from modc.report.page.summary import (
    claims_sentence,
    question,
    scope,
    sentence,
    verdict_counts,
    yardsticks,
)
from modc.report.page.training_details import absences, counts, runs
from modc.report.results import collect
from modc.report.tables import Source, all_frames, most_seeds
from modc.report.verdicts import OUTSIDE, WHAT_IS_COMPARED, rule


def page_data(run_folder: Path, config: dict) -> dict:
    """Return what the templates show: texts, numbers and tables, nothing rendered."""
    results, known = explained(run_folder, config, collect(run_folder, config))
    source = Source(results, config)
    every, known_tables = all_frames(source), paper.tables(config)
    frames = {table.title: every[name] for name, table in known_tables.items()}
    judged = check(every, config, source.trainings.difference)
    checked = claims(judged)
    about = sentence(frames)
    sides = [(OURS, "On our numbers")] if about else []
    sides += [(name, f"On {name}, a dataset not in the paper") for name in other_datasets(config)]
    return {
        "run": config["run"],
        "question": question(config, bool(about)),
        "scope": scope(config),
        "sentences": [
            *filter(None, [about]),
            *yardsticks(config),
            *(claims_sentence(held(checked, side), len(checked), on) for side, on in sides),
        ],
        "published_hold": held(checked, PUBLISHED)["unopposed"],
        "glance": glance(every, config),
        "verdicts": verdict_counts(frames) if about else [],
        "vocabulary": VOCABULARY,
        "claim_notes": notes(judged, most_seeds(every)),
        "what_is_compared": WHAT_IS_COMPARED,
        "rule": rule(config["report"]["margin"]),
        "scores": counts(config, results),
        "claims": checked,
        "tables": _tables(every, config),
        "places": [
            place
            for name, frame in every.items()
            for place in details(
                frame, known_tables[name].title if name in known_tables else name, source
            )
        ],
        "runs": runs(run_folder, config, results, known),
        "absences": absences(config, known),
        "coverage": coverage(run_folder, config),
        "assumptions": assumptions(config),
        "changed": changed(config),
        "figures": figures(run_folder),
        "sources": provenance.sources(results),
        "manifests": provenance.manifests(results),
        "code": provenance.code_now(),
        "version": provenance.version_now(),
    }


def _tables(named: dict[str, pd.DataFrame], config: dict) -> list[dict]:
    """Return the laid-out tables, those entirely outside the grid last."""
    tables = [
        {
            "page": page(frame, name, config),
            "is_outside": bool((frame["verdict"] == OUTSIDE).all() and len(frame)),
        }
        for name, frame in named.items()
    ]
    return sorted(tables, key=lambda table: table["is_outside"])


def assumptions(config: dict) -> list[dict]:
    """Return each assumption with the run's setting."""
    return [
        {
            "assumption": assumption,
            "setting": setting(config, assumption),
            "name_of_setting": name_of_setting(config, assumption),
        }
        for assumption in paper.assumptions(config)
    ]
