# From the test split's embeddings to the scores of every query and their means.


rule score:
    input:
        f"{CELL}/warm_up/test.npz",
    output:
        scores=f"{CELL}/baseline/scores.json",
        queries=f"{CELL}/baseline/queries.csv",
    log:
        f"{LOGS}/score/{{dataset}}-{{network}}-{{percent}}-{{seed}}.log",
    params:
        evaluation=config["evaluation"],
        code=provenance.code_of("modc.evaluation.scores"),
    shell:
        "modc score --embeddings {input} --map-at-100 {params.evaluation[map_at_100]}"
        " --unanswerable {params.evaluation[unanswerable]}"
        " --queries {output.queries} --output {output.scores} 2> {log}"
