# From the embeddings of the test split to per-query scores and their means.


rule score:
    input:
        lambda wildcards: training(wildcards).embeddings,
    output:
        scores=f"{METHOD}/{paths.SCORES}",
        queries=f"{METHOD}/{paths.QUERIES}",
    log:
        RUN / paths.score_log(CELL, "{method}", "{variant}"),
    params:
        evaluation=lambda wildcards: config_of(wildcards)["evaluation"],
        code=provenance.code_of("modc.evaluation.scores"),
    shell:
        "modc score --embeddings {input:q} --map-at-100 {params.evaluation[map_at_100]}"
        " --unanswerable {params.evaluation[unanswerable]}"
        " --prioritized-order {params.evaluation[prioritized_order]}"
        " --acc-over {params.evaluation[acc_over]} --threads {threads}"
        " --queries {output.queries:q} --output {output.scores:q} 2> {log:q}"
