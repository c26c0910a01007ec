# From a dataset's folder to its index, its labelled parts and its packed images.


# `update` keeps what is there: files put there by hand, and a frozen manifest.
for dataset in DATASETS:
    if listing_files(dataset):

        rule:
            name:
                f"fetch_{dataset}_listing"
            output:
                update(listing_files(dataset)),
            log:
                f"{LOGS}/fetch/{dataset}-listing.log",
            retries: 0
            localrule: True
            params:
                # A shell command is put together when it runs, after the loop.
                dataset=dataset,
            shell:
                "modc fetch {params.dataset} --part listing"
                f" --config {shlex.quote(CONFIG)} 2> {{log:q}}"

    # Hours for a real list of URLs. Dead URLs are no failure, and a later run leaves the frozen
    # manifest alone. Where something has to be got by hand first, the job says so and fails.
    rule:
        name:
            f"fetch_{dataset}"
        input:
            ancient(listing_files(dataset) if DATASETS[dataset].fetches_by_listing else []),
        output:
            update(fetched_files(dataset)),
        log:
            f"{LOGS}/fetch/{dataset}.log",
        priority: 100
        retries: 0
        localrule: True
        params:
            dataset=dataset,
            # A change of these fetches again.
            fetched_by=DATASETS[dataset].fetched_by(),
            part="--part images" if listing_files(dataset) else "",
        shell:
            "modc fetch {params.dataset} {params.part}"
            f" --config {shlex.quote(CONFIG)} 2> {{log:q}}"


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
        # Another class makes another index.
        made_by=lambda wildcards: config["datasets"][wildcards.dataset]["class"],
        missing=lambda wildcards: config["datasets"][wildcards.dataset]["missing_images"],
    shell:
        "modc index {wildcards.dataset} --missing-images {params.missing}"
        f" --config {shlex.quote(CONFIG)} 2> {{log:q}}"


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
