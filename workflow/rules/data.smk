# From a dataset's folder to its index, its labelled parts and its packed images.


rule garments:
    output:
        config["data"] + "/{dataset}/GENERATED.json",
    log:
        LOGS + "/garments/{dataset}.log",
    params:
        format=lambda wildcards: config["datasets"][wildcards.dataset]["format"],
        generate=lambda wildcards: config["datasets"][wildcards.dataset]["generate"],
        folder=subpath(output[0], parent=True),
    shell:
        "modc garments --format {params.format} --folder {params.folder}"
        " --images {params.generate[images]} --seed {params.generate[seed]} 2> {log}"


# A real dataset is not an input: where it is absent, this job fails first and says what to fetch.
rule index:
    input:
        lambda wildcards: (
            rules.garments.output
            if "generate" in config["datasets"][wildcards.dataset]
            else []
        ),
    output:
        PREPARED + "/index/index.json",
        PREPARED + "/index/images.csv",
        PREPARED + "/index/labels.csv",
    log:
        LOGS + "/index/{dataset}.log",
    params:
        format=lambda wildcards: config["datasets"][wildcards.dataset]["format"],
        missing=lambda wildcards: config["datasets"][wildcards.dataset]["missing_images"],
        folder=config["data"] + "/{dataset}",
        index=subpath(output[0], parent=True),
    priority: 100
    shell:
        "modc index --format {params.format} --folder {params.folder}"
        " --missing-images {params.missing} --output {params.index} 2> {log}"


rule subset:
    input:
        rules.index.output[0],
    output:
        PREPARED + "/labeled/{percent}.csv",
    log:
        LOGS + "/subset/{dataset}-{percent}.log",
    params:
        part=config["labeled_part"],
        index=subpath(input[0], parent=True),
    shell:
        "modc subset --index {params.index} --percent {wildcards.percent}"
        " --rule {params.part[rule]} --at-least {params.part[at_least]} --seed {params.part[seed]}"
        " --output {output} 2> {log}"


rule pack:
    input:
        rules.index.output[0],
    output:
        PREPARED + "/packed/{size}.npy",
        PREPARED + "/packed/{size}.json",
    log:
        LOGS + "/pack/{dataset}-{size}.log",
    params:
        folder=config["data"] + "/{dataset}",
        index=subpath(input[0], parent=True),
    threads: config["threads"]
    shell:
        "modc pack --index {params.index} --folder {params.folder} --size {wildcards.size}"
        " --threads {threads} --output {output[0]} 2> {log}"
