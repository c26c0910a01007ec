# One method of a cell: one job trains all of its stages in sequence, including MODC's own warm-up (A1).
# Models and curves of earlier stages survive a failure, since they are not outputs.
# A job runs again only if its inputs, the part of the configuration that it reads, or the code that
# training imports changes.
# The resumable checkpoint is not an output, since Snakemake deletes the outputs of a failed job.


rule train:
    input:
        unpack(lambda wildcards: training(wildcards).inputs),
        # Packed images name the index that they were made from, so their age does not matter.
        packed=ancient(lambda wildcards: training(wildcards).packed_marks),
    output:
        model=f"{STAGE}/{paths.MODEL}",
        last=f"{STAGE}/{paths.LAST}",
        curve=[f"{STAGE}/{paths.CURVE}", f"{STAGE}/{paths.CURVE_IMAGE}"],
        embeddings=f"{STAGE}/{paths.EMBEDDINGS}",
    log:
        RUN / paths.train_log(CELL, "{method}", "{stage}", "{variant}"),
    # `modc plan` relies on this order: the jobs that start last should be short.
    priority: lambda wildcards: training(wildcards).priority
    threads: config["threads"]
    resources:
        gpu=GPU_PER_JOB,
    params:
        settings=lambda wildcards: training(wildcards).fingerprint,
        code=lambda wildcards: training(wildcards).code,
        assume=lambda wildcards: training(wildcards).assume,
        config=CONFIG,
    shell:
        # Not {threads}, which --cores lowers: on a CPU, the number of threads changes the model.
        # exec: a signal to the job reaches the trainer, and Snakemake waits for its checkpoint.
        "exec modc train --config {params.config:q}"
        " --cell {wildcards.dataset}/{wildcards.network}/{wildcards.percent}/{wildcards.seed}"
        " --method {wildcards.method} --stage {wildcards.stage} {params.assume}"
        f" --threads {config['threads']} 2> {{log:q}}"
