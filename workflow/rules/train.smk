# The stages of a cell: first its baseline, then MODC. One job trains MODC's stages in a row.
# A job is run again when its inputs, what it reads of the configuration, or the code that training
# imports changes, and for nothing else.
# The resumable checkpoint is no output, since Snakemake deletes the outputs of a failed job.


rule warm_up_global:
    input:
        unpack(training_inputs),
    output:
        model=f"{CELL}/{{stage}}/model.pt",
        last=f"{CELL}/{{stage}}/last.pt",
        curve=multiext(f"{CELL}/{{stage}}/curve", ".csv", ".png"),
    log:
        f"{LOGS}/{{stage}}/{CELL_LOG}.log",
    wildcard_constraints:
        stage="warm_up_global(_apart)?",
    threads: config["threads"]
    resources:
        gpu=GPU_PER_JOB,
    params:
        settings=training_settings,
        code=provenance.training_code(),
        options=training_options,
    shell:
        # Not {threads}, which --cores lowers: on a CPU another number of threads is another model.
        # exec: a signal for the job reaches the trainer, and Snakemake waits for its checkpoint.
        f"exec modc train {{params.options}} --threads {config['threads']} 2> {{log:q}}"


# The last warm-up model is the baseline.
use rule warm_up_global as warm_up with:
    output:
        model=f"{CELL}/{{stage}}/model.pt",
        last=f"{CELL}/{{stage}}/last.pt",
        curve=multiext(f"{CELL}/{{stage}}/curve", ".csv", ".png"),
        embeddings=f"{CELL}/{{stage}}/test.npz",
    wildcard_constraints:
        stage="warm_up(_apart)?",


# With all labels there is nothing unlabelled: MODC ends here (A11).
use rule warm_up as supervised with:
    wildcard_constraints:
        stage="supervised|self_supervised",
        percent="100",


# The models and curves of the stages before the last stay when the job fails, as they are no outputs.
use rule warm_up as semi_supervised with:
    wildcard_constraints:
        stage=grid.SEMI_SUPERVISED[-1],
        percent=r"(?!100\b)\d+",
