# The baselines: one job a stage and cell. A job is run again when its inputs, what it reads of the
# configuration, or the code that training imports changes, and for nothing else.
# The resumable checkpoint is no output, since Snakemake deletes the outputs of a failed job.


rule warm_up_global:
    input:
        index=rules.index.output[0],
        labeled=rules.subset.output[0],
        image=lambda wildcards: ancient(packed(wildcards, "warm_up_global")["image"]),
    output:
        model=f"{CELL}/warm_up_global/model.pt",
        last=f"{CELL}/warm_up_global/last.pt",
        curve=f"{CELL}/warm_up_global/curve.csv",
    log:
        f"{LOGS}/warm_up_global/{{dataset}}-{{network}}-{{percent}}-{{seed}}.log",
    threads: config["threads"]
    resources:
        gpu=GPU_PER_JOB,
    params:
        settings=lambda wildcards: grid.fingerprint(settings_of(wildcards, "warm_up_global")),
        code=provenance.training_code(),
        config=CONFIG,
        index=subpath(input.index, parent=True),
        folder=subpath(output.model, parent=True),
        resume=f"{RESUME}/warm_up_global.pt",
    shell:
        "modc train --config {params.config} --dataset {wildcards.dataset} --network {wildcards.network}"
        " --percent {wildcards.percent} --seed {wildcards.seed} --stage warm_up_global"
        " --index {params.index} --packed {input.image} --labeled {input.labeled}"
        " --resume {params.resume} --output {params.folder} --threads {threads} 2> {log}"


rule warm_up:
    input:
        index=rules.index.output[0],
        labeled=rules.subset.output[0],
        image=lambda wildcards: ancient(packed(wildcards, "warm_up")["image"]),
        detail=lambda wildcards: ancient(packed(wildcards, "warm_up").get("detail", [])),
        initial=lambda wildcards: initial_model(wildcards, "warm_up"),
    output:
        model=f"{CELL}/warm_up/model.pt",
        last=f"{CELL}/warm_up/last.pt",
        curve=f"{CELL}/warm_up/curve.csv",
        embeddings=f"{CELL}/warm_up/test.npz",
    log:
        f"{LOGS}/warm_up/{{dataset}}-{{network}}-{{percent}}-{{seed}}.log",
    threads: config["threads"]
    resources:
        gpu=GPU_PER_JOB,
    params:
        settings=lambda wildcards: grid.fingerprint(settings_of(wildcards, "warm_up")),
        code=provenance.training_code(),
        config=CONFIG,
        index=subpath(input.index, parent=True),
        folder=subpath(output.model, parent=True),
        resume=f"{RESUME}/warm_up.pt",
        detail=lambda wildcards, input: f"--detail {input.detail}" if input.detail else "",
        initial=lambda wildcards, input: f"--initial {input.initial}" if input.initial else "",
    shell:
        "modc train --config {params.config} --dataset {wildcards.dataset} --network {wildcards.network}"
        " --percent {wildcards.percent} --seed {wildcards.seed} --stage warm_up"
        " --index {params.index} --packed {input.image} {params.detail}"
        " --labeled {input.labeled} {params.initial} --resume {params.resume}"
        " --output {params.folder} --embeddings {output.embeddings} --threads {threads} 2> {log}"
