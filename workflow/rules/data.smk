# From a dataset's folder to its index, its labelled parts and its packed images.


rule garments:
    output:
        f"{DATA}/GENERATED.json",
    log:
        f"{LOGS}/garments/{{dataset}}.log",
    params:
        format=lambda wildcards: config["datasets"][wildcards.dataset]["format"],
        generate=lambda wildcards: config["datasets"][wildcards.dataset]["generate"],
        folder=subpath(output[0], parent=True),
    shell:
        "modc garments --format {params.format} --folder {params.folder:q}"
        " --images {params.generate[images]} --seed {params.generate[seed]} 2> {log:q}"


# Copied from Debian's package or downloaded; files that are there already are left alone.
rule fetch_fashion_mnist:
    output:
        expand(
            f"{config['data']}/FashionMNIST/{{part}}-ubyte.gz",
            part=[
                "train-images-idx3",
                "train-labels-idx1",
                "t10k-images-idx3",
                "t10k-labels-idx1",
            ],
        ),
    log:
        f"{LOGS}/fetch/FashionMNIST.log",
    params:
        folder=subpath(output[0], parent=True),
    shell:
        "modc fetch fashion-mnist --folder {params.folder:q} 2> {log:q}"


# `update` keeps what is there: files put there by hand, and a frozen manifest.
rule fetch_splits:
    output:
        update(
            expand(
                f"{DATA}/splits/{{file}}",
                dataset=REAL,
                file=split_check.FILES,
            )
        ),
    log:
        f"{LOGS}/fetch/splits.log",
    retries: 0
    shell:
        f"modc fetch splits --config {shlex.quote(CONFIG)} 2> {{log:q}}"


# Without the two archives, which need a registration, this job fails and says what to do.
rule fetch_fashionai:
    input:
        fashionai_files,
    output:
        update(f"{config['data']}/FashionAI/manifest.csv"),
        update(f"{config['data']}/FashionAI/manifest.json"),
    log:
        f"{LOGS}/fetch/FashionAI.log",
    priority: 100
    retries: 0
    shell:
        f"modc fetch fashionai --config {shlex.quote(CONFIG)} 2> {{log:q}}"


# Hours for the real list. Dead URLs are no failure, and a later run leaves the frozen manifest alone.
rule fetch_darn:
    input:
        darn_files,
    output:
        update(f"{config['data']}/DARN/manifest.csv"),
        update(f"{config['data']}/DARN/manifest.json"),
    log:
        f"{LOGS}/fetch/DARN.log",
    priority: 100
    retries: 0
    shell:
        f"modc fetch darn --config {shlex.quote(CONFIG)} 2> {{log:q}}"


rule index:
    input:
        dataset_files,
    output:
        f"{PREPARED}/index/index.json",
        f"{PREPARED}/index/images.csv",
        f"{PREPARED}/index/labels.csv",
        f"{PREPARED}/index/coverage.csv",
    log:
        f"{LOGS}/index/{{dataset}}.log",
    priority: 100
    params:
        format=lambda wildcards: config["datasets"][wildcards.dataset]["format"],
        missing=lambda wildcards: config["datasets"][wildcards.dataset]["missing_images"],
        folder=dataset_folder,
        index=subpath(output[0], parent=True),
    shell:
        "modc index --format {params.format} --folder {params.folder:q}"
        " --missing-images {params.missing} --output {params.index:q} 2> {log:q}"


rule subset:
    input:
        rules.index.output[0],
    output:
        LABELED,
    log:
        f"{LOGS}/subset/{{dataset}}-{{part_rule}}-{{at_least}}-{{part_seed}}-{{percent}}.log",
    params:
        index=subpath(input[0], parent=True),
    shell:
        "modc subset --index {params.index:q} --percent {wildcards.percent}"
        " --rule {wildcards.part_rule} --at-least {wildcards.at_least}"
        " --seed {wildcards.part_seed}"
        " --output {output:q} 2> {log:q}"


# All forms in one pass over the pictures. The arrays themselves are no outputs: Snakemake would
# delete those that are there before it makes another one. The forms are no parameter, since a change
# of them would pack again for every run that shares the data.
for name, dataset, forms, before in packings():

    rule:
        name:
            name
        input:
            rules.index.output[0].format(dataset=dataset),
            ancient(expand(PACKED, dataset=dataset, form=before)),
        output:
            touch(expand(PACKED, dataset=dataset, form=forms)),
        log:
            f"{LOGS}/pack/{name.removeprefix('pack_')}.log",
        threads: config["threads"]
        params:
            decoding=DECODING,
            folder=subpath(input[0], ancestor=3),
            index=subpath(input[0], parent=True),
            packed=subpath(output[0], parent=True),
        shell:
            "modc pack --index {params.index:q} --folder {params.folder:q}"
            " $(basename -a -s .done {output:q} | sed 's/^/--size /')"
            " --threads {threads} --output {params.packed:q} 2> {log:q}"
