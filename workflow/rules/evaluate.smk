# From the test split's embeddings to the scores of every query and their means.


rule score:
    input:
        lambda wildcards: (
            f"{CELL}/{grid.last_stage(wildcards.method, int(wildcards.percent))}/test.npz"
        ),
    output:
        scores=f"{CELL}/{{method}}/scores.json",
        queries=f"{CELL}/{{method}}/queries.csv",
    log:
        f"{LOGS}/score/{{dataset}}-{{network}}-{{percent}}-{{seed}}-{{method}}.log",
    params:
        evaluation=config["evaluation"],
        code=provenance.code_of("modc.evaluation.scores"),
    shell:
        "modc score --embeddings {input:q} --map-at-100 {params.evaluation[map_at_100]}"
        " --unanswerable {params.evaluation[unanswerable]}"
        " --queries {output.queries:q} --output {output.scores:q} 2> {log:q}"
