# Tables 1 to 5 from the scores. When some job failed, the tables of what there is are made all the
# same, outside the graph, since a rule cannot run without its inputs.


rule tables:
    input:
        [f"{RUN}/{cell.folder}/baseline/scores.json" for cell in grid.cells(config)],
    output:
        TABLES,
    log:
        f"{LOGS}/tables.log",
    params:
        config=CONFIG,
    shell:
        "modc tables --config {params.config} > {log} 2>&1"


onerror:
    shell("modc tables --config {CONFIG}")
