# Tables 1 to 5 and the figures from the scores, the coverage of the data, and the ablation where it
# is asked for. When some job failed, those of what there is are made all the same, outside the graph,
# since a rule cannot run without its inputs.


rule tables:
    input:
        [
            f"{RUN}/{cell.folder}/{method}/scores.json"
            for cell in grid.cells(config)
            for method in grid.METHODS
        ],
    output:
        report(TABLES, caption="../report/tables.rst", category="Tables"),
        summary=SUMMARY,
    log:
        f"{LOGS}/tables.log",
    params:
        config=CONFIG,
        code=provenance.code_of("modc.report.render"),
        templates=provenance.templates(),
        published=provenance.published(),
        comparable=COMPARABLE,
        verdicts=VERDICTS,
    shell:
        "modc tables --config {params.config:q} > {output.summary:q} 2> {log:q}"


# Which of them can be drawn is known once they are, so the output is their folder.
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
        f"{LOGS}/figures.log",
    params:
        config=CONFIG,
        code=provenance.code_of("modc.report.figures.render"),
        shown=config["report"].get("figures"),
        published=provenance.published(),
        comparable=COMPARABLE,
    shell:
        "modc figures --config {params.config:q} > {output.summary:q} 2> {log:q}"


# Before anything is trained: it says whether the data are worth it.
rule coverage:
    input:
        coverage_inputs,
    output:
        [f"{RUN}/coverage/{name}" for name in coverage_files("{listed}")],
    log:
        f"{LOGS}/coverage/{{listed}}.log",
    priority: 90
    params:
        config=CONFIG,
        dataset=lambda wildcards: LISTED[wildcards.listed],
        code=provenance.code_of("modc.report.coverage"),
        comparable=lambda wildcards: COMPARABLE[LISTED[wildcards.listed]],
    shell:
        "modc coverage --config {params.config:q} --dataset {params.dataset} 2> {log:q}"


# All of it on one page.
rule report:
    input:
        rules.tables.input,
        COVERAGE,
        rules.figures.output,
    output:
        REPORT,
    log:
        f"{LOGS}/report.log",
    params:
        config=CONFIG,
        code=provenance.code_of("modc.report.page.page"),
        templates=provenance.templates(),
        published=provenance.published(),
        comparable=COMPARABLE,
        verdicts=VERDICTS,
        assumed=ASSUMED,
    shell:
        "modc report --config {params.config:q} > /dev/null 2> {log:q}"


# One cell under each alternative of the assumptions: `snakemake ablation`.
rule ablation:
    input:
        [
            f"{RUN}/{variant}{cell.folder}/{method}/scores.json"
            for variant in ["", *(f"ablation/{name}/" for name in VARIANTS)]
            for cell in ablation.ablation_cells(config)
            for method in grid.METHODS
        ],
    output:
        ABLATION,
        summary=ABLATION_SUMMARY,
    log:
        f"{LOGS}/ablation.log",
    params:
        config=CONFIG,
        code=provenance.code_of("modc.report.ablation"),
        published=provenance.published(),
        comparable=COMPARABLE,
    shell:
        "modc ablation --config {params.config:q} > {output.summary:q} 2> {log:q}"


onsuccess:
    # What trainings kept of finished stages, for the case that a cell is started again.
    for kept in sorted(Path(RUN).glob("**/resume/*/*/*/seed-*/*/")):
        shutil.rmtree(kept)
    for summary in map(Path, (SUMMARY, ABLATION_SUMMARY)):
        if summary.exists() and summary.stat().st_mtime >= STARTED:
            print(summary.read_text(encoding="utf-8", errors="replace"))
    if Path(REPORT).exists() and Path(REPORT).stat().st_mtime >= STARTED:
        print(f"All of it on one page: {REPORT}")


onerror:
    # Without its summary a rule runs again next time, so that these tables are not taken as final.
    for summary in (SUMMARY, FIGURES_SUMMARY, ABLATION_SUMMARY):
        Path(summary).unlink(missing_ok=True)
    failed = "\n".join(failures(STARTED))
    try:
        shell("modc tables --config {CONFIG}")
        shell("modc figures --config {CONFIG}")
        shell("modc coverage --config {CONFIG}")
        if Path(ABLATION[0]).parent.exists():
            shell("modc ablation --config {CONFIG}")
        shell("modc report --config {CONFIG}")
    finally:
        print(failed, file=sys.stderr)
