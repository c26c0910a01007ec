# Tables 1 to 5 and figures from the scores, the coverage of the data, and the ablation on request. If a
# job failed, they are rendered from what exists, outside the graph, since a rule cannot run without
# its inputs.


rule tables:
    input:
        jobs.scores_of(config),
    output:
        report(TABLES, caption="../report/tables.rst", category="Tables"),
        frame=FRAME,
        summary=SUMMARY,
    log:
        RUN / paths.log("tables"),
    params:
        config=CONFIG,
        code=provenance.code_of("modc.report.render"),
        templates=provenance.templates(),
        papers=paper.fingerprint(paper.folders(config)),
        comparable=COMPARABLE,
        verdicts=VERDICTS,
    shell:
        "modc tables --config {params.config:q} > /dev/null 2> {log:q}"


# Which figures can be drawn is known only afterwards, so the output is their folder.
rule figures:
    input:
        rules.tables.input,
    output:
        report(
            directory(FIGURES),
            patterns=["{figure}.png", "{figure}.svg"],
            caption="../report/figures.rst",
            category="Figures",
        ),
        summary=FIGURES_SUMMARY,
    log:
        RUN / paths.log("figures"),
    params:
        config=CONFIG,
        code=provenance.code_of("modc.report.figures.render"),
        shown=config["report"].get("figures"),
        papers=paper.fingerprint(paper.folders(config)),
        comparable=COMPARABLE,
    shell:
        "modc figures --config {params.config:q} > {output.summary:q} 2> {log:q}"


# Before any training, to show whether the data are worth it.
rule coverage:
    input:
        lambda wildcards: jobs.coverage_inputs(config, LISTED[wildcards.listed]),
    output:
        [RUN / paths.COVERAGE / name for name in coverage_files("{listed}")],
    log:
        RUN / paths.dataset_log("coverage", "{listed}"),
    priority: 90
    params:
        config=CONFIG,
        dataset=lambda wildcards: LISTED[wildcards.listed],
        code=provenance.code_of("modc.report.coverage"),
        comparable=lambda wildcards: COMPARABLE[LISTED[wildcards.listed]],
    shell:
        "modc coverage --config {params.config:q} --dataset {params.dataset} 2> {log:q}"


# Everything on one page.
rule report:
    input:
        rules.tables.input,
        COVERAGE,
        rules.figures.output,
    output:
        REPORT,
    log:
        RUN / paths.log("report"),
    params:
        config=CONFIG,
        code=provenance.code_of("modc.report.page.page"),
        templates=provenance.templates(),
        papers=paper.fingerprint(paper.folders(config)),
        comparable=COMPARABLE,
        verdicts=VERDICTS,
        assumed=ASSUMED,
    shell:
        "modc report --config {params.config:q} > /dev/null 2> {log:q}"


# One cell under each alternative of the assumptions: `snakemake ablation`.
rule ablation:
    input:
        jobs.ablation_scores(config, VARIANTS.values()),
    output:
        ABLATION,
        summary=ABLATION_SUMMARY,
    log:
        RUN / paths.log("ablation"),
    params:
        config=CONFIG,
        code=provenance.code_of("modc.report.ablation"),
        papers=paper.fingerprint(paper.folders(config)),
        comparable=COMPARABLE,
    shell:
        "modc ablation --config {params.config:q} > /dev/null 2> {log:q}"


onsuccess:
    # Finished stages that trainings kept in case a cell restarts.
    kept = paths.kept_folder(paths.checkpoint(paths.EVERY, "*", "*"))
    for folder in sorted(RUN.glob(f"**/{kept}/")):
        shutil.rmtree(folder)
    for summary in (SUMMARY, ABLATION_SUMMARY):
        if summary.exists() and summary.stat().st_mtime >= STARTED:
            print(summary.read_text(encoding="utf-8", errors="replace"))
    if REPORT.exists() and REPORT.stat().st_mtime >= STARTED:
        print(f"All of it on one page: {REPORT}")
    STATUS_FILE.close(SUCCEEDED)


onerror:
    failed = "\n".join(failures(RUN / paths.LOGS, STARTED))
    try:
        shell("modc tables --config {CONFIG}")
        shell("modc figures --config {CONFIG}")
        shell("modc coverage --config {CONFIG}")
        if ABLATION[0].parent.exists():
            shell("modc ablation --config {CONFIG}")
        shell("modc report --config {CONFIG}")
    finally:
        # Without its summary a rule runs again next time, so that these tables are not taken as
        # final.
        for summary in (SUMMARY, FIGURES_SUMMARY, ABLATION_SUMMARY):
            summary.unlink(missing_ok=True)
        print(failed, file=sys.stderr)
        STATUS_FILE.close(FAILED)
