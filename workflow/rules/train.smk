# The stages of a cell: first its baseline, then MODC. One job trains MODC's stages in a row.
# A job is run again when its inputs, what it reads of the configuration, or the code that training
# imports changes, and for nothing else.
# The resumable checkpoint is no output, since Snakemake deletes the outputs of a failed job.


rule warm_up_global:
    input:
        unpack(inputs_of(["warm_up_global"])),
    output:
        model=f"{CELL}/warm_up_global/model.pt",
        last=f"{CELL}/warm_up_global/last.pt",
        curve=multiext(f"{CELL}/warm_up_global/curve", ".csv", ".png"),
    log:
        f"{LOGS}/warm_up_global/{{dataset}}-{{network}}-{{percent}}-{{seed}}.log",
    threads: config["threads"]
    resources:
        gpu=GPU_PER_JOB,
    params:
        settings=settings_of(["warm_up_global"]),
        code=provenance.training_code(),
        options=options_of(["warm_up_global"]),
    shell:
        "modc train {params.options} --threads {threads} 2> {log:q}"


use rule warm_up_global as warm_up with:
    input:
        unpack(inputs_of(["warm_up"])),
    output:
        model=f"{CELL}/warm_up/model.pt",
        last=f"{CELL}/warm_up/last.pt",
        curve=multiext(f"{CELL}/warm_up/curve", ".csv", ".png"),
        embeddings=f"{CELL}/warm_up/test.npz",
    log:
        f"{LOGS}/warm_up/{{dataset}}-{{network}}-{{percent}}-{{seed}}.log",
    params:
        settings=settings_of(["warm_up"]),
        code=provenance.training_code(),
        options=options_of(["warm_up"]),


# With all labels there is nothing unlabelled: MODC ends here (A11).
use rule warm_up_global as supervised with:
    input:
        unpack(inputs_of([grid.SUPERVISED])),
    output:
        model=f"{CELL}/supervised/model.pt",
        last=f"{CELL}/supervised/last.pt",
        curve=multiext(f"{CELL}/supervised/curve", ".csv", ".png"),
        embeddings=f"{CELL}/supervised/test.npz",
    log:
        f"{LOGS}/supervised/{{dataset}}-{{network}}-{{percent}}-{{seed}}.log",
    wildcard_constraints:
        percent="100",
    params:
        settings=settings_of([grid.SUPERVISED]),
        code=provenance.training_code(),
        options=options_of([grid.SUPERVISED]),


# The models and curves of the stages before the last stay when the job fails, as they are no outputs.
use rule warm_up_global as semi_supervised with:
    input:
        unpack(inputs_of(grid.MODC)),
    output:
        model=f"{CELL}/{grid.SEMI_SUPERVISED[-1]}/model.pt",
        last=f"{CELL}/{grid.SEMI_SUPERVISED[-1]}/last.pt",
        curve=multiext(f"{CELL}/{grid.SEMI_SUPERVISED[-1]}/curve", ".csv", ".png"),
        embeddings=f"{CELL}/{grid.SEMI_SUPERVISED[-1]}/test.npz",
    log:
        f"{LOGS}/semi_supervised/{{dataset}}-{{network}}-{{percent}}-{{seed}}.log",
    wildcard_constraints:
        percent=r"(?!100\b)\d+",
    params:
        settings=settings_of(grid.MODC),
        code=provenance.training_code(),
        options=options_of(grid.MODC),
