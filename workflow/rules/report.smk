# Tables 1 to 5 from the scores. When some job failed, the tables of what there is are made all the
# same, outside the graph, since a rule cannot run without its inputs.


rule tables:
    input:
        [
            f"{RUN}/{cell.folder}/{method}/scores.json"
            for cell in grid.cells(config)
            for method in grid.METHODS
        ],
    output:
        TABLES,
        summary=SUMMARY,
    log:
        f"{LOGS}/tables.log",
    params:
        config=CONFIG,
        code=provenance.code_of("modc.report.render"),
    shell:
        "modc tables --config {params.config:q} > {output.summary:q} 2> {log:q}"


onsuccess:
    print(Path(SUMMARY).read_text())


onerror:
    # Without its summary the rule runs again next time, so that these tables are not taken as final.
    Path(SUMMARY).unlink(missing_ok=True)
    shell("modc tables --config {CONFIG}")
    print("\n".join(failures(STARTED)), file=sys.stderr)
