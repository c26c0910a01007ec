# A cell: its baseline, and MODC. One job trains the baseline, another all stages of MODC in a row,
# its own warm-up (A1) included; models and curves of the stages before a job's last stay when it
# fails, as they are no outputs.
# A job is run again when its inputs, what it reads of the configuration, or the code that training
# imports changes, and for nothing else.
# The resumable checkpoint is no output, since Snakemake deletes the outputs of a failed job.


# The last warm-up model is the baseline.
rule warm_up:
    input:
        unpack(training_inputs),
    output:
        model=f"{CELL}/{{stage}}/model.pt",
        last=f"{CELL}/{{stage}}/last.pt",
        curve=multiext(f"{CELL}/{{stage}}/curve", ".csv", ".png"),
        embeddings=f"{CELL}/{{stage}}/test.npz",
    log:
        f"{LOGS}/{{stage}}/{CELL_LOG}.log",
    wildcard_constraints:
        stage="warm_up",
    # `modc plan` counts on this order: what begins last shall be short.
    priority: work_left
    threads: config["threads"]
    resources:
        gpu=GPU_PER_JOB,
    params:
        settings=training_settings,
        code=training_code,
        options=training_options,
    shell:
        # Not {threads}, which --cores lowers: on a CPU another number of threads is another model.
        # exec: a signal for the job reaches the trainer, and Snakemake waits for its checkpoint.
        f"exec modc train {{params.options}} --embed-test --threads {config['threads']} 2> {{log:q}}"


# With all labels there is nothing unlabelled: MODC ends here (A11).
use rule warm_up as supervised with:
    wildcard_constraints:
        stage="supervised|self_supervised",
        percent="100",


use rule warm_up as semi_supervised with:
    wildcard_constraints:
        stage=grid.SEMI_SUPERVISED[-1],
        percent=r"(?!100\b)\d+",
