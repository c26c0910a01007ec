# A method of a cell: one job trains all of its stages in a row, MODC's own warm-up (A1) included. The
# models and curves of the stages before the last stay when it fails, as they are no outputs.
# A job is run again when its inputs, what it reads of the configuration, or the code that training
# imports changes, and for nothing else.
# The resumable checkpoint is no output, since Snakemake deletes the outputs of a failed job.


rule train:
    input:
        unpack(lambda wildcards: training(wildcards).inputs),
        # Packed images are named by the index they are made of, so their age says nothing.
        packed=ancient(lambda wildcards: training(wildcards).packed_marks),
    output:
        model=f"{STAGE}/{paths.MODEL}",
        last=f"{STAGE}/{paths.LAST}",
        curve=[f"{STAGE}/{paths.CURVE}", f"{STAGE}/{paths.CURVE_IMAGE}"],
        embeddings=f"{STAGE}/{paths.EMBEDDINGS}",
    log:
        RUN / paths.train_log(CELL, "{method}", "{stage}", "{variant}"),
    # `modc plan` counts on this order: what begins last shall be short.
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
        # Not {threads}, which --cores lowers: on a CPU another number of threads is another model.
        # exec: a signal for the job reaches the trainer, and Snakemake waits for its checkpoint.
        "exec modc train --config {params.config:q}"
        " --cell {wildcards.dataset}/{wildcards.network}/{wildcards.percent}/{wildcards.seed}"
        " --method {wildcards.method} --stage {wildcards.stage} {params.assume}"
        f" --threads {config['threads']} 2> {{log:q}}"
