# From a dataset's folder to its index, its labeled parts and its packed images.


# `update` keeps existing files: those put there by hand, and a frozen manifest. Takes hours for a real
# list of URLs. Dead URLs are not a failure, and a later run leaves the frozen manifest alone. If
# something must first be obtained by hand, the job says so and fails.
for fetching in FETCHINGS:

    rule:
        name:
            fetching.name
        input:
            ancient(fetching.before),
        output:
            update(fetching.files),
        log:
            RUN / fetching.log,
        priority: 100
        retries: 0
        localrule: True
        params:
            # The shell command is formatted when it runs, after the loop.
            dataset=fetching.dataset,
            part=f"--part {fetching.part}" if fetching.part else "",
            # A change here fetches again.
            fetched_by=fetching.fetched_by,
        shell:
            "modc fetch {params.dataset} {params.part}"
            # Not a parameter: runs that share the data have different files.
            f" --config {shlex.quote(CONFIG)} 2> {{log:q}}"


rule index:
    input:
        lambda wildcards: datasets.of(config, wildcards.dataset).paths,
        # Compared by content, not by age: everything that depends on the manifest takes days.
        ancient(lambda wildcards: datasets.of(config, wildcards.dataset).listing_paths),
    output:
        [paths.index_folder(DATA) / name for name in paths.INDEX_FILES],
    log:
        RUN / paths.dataset_log("index", "{dataset}"),
    priority: 100
    params:
        # A different class makes a different index.
        made_by=lambda wildcards: config["datasets"][wildcards.dataset]["class"],
        code=lambda wildcards: provenance.index_code(config["datasets"][wildcards.dataset]["class"]),
        missing=lambda wildcards: config["datasets"][wildcards.dataset]["missing_images"],
    shell:
        "modc index {wildcards.dataset} --missing-images {params.missing}"
        f" --config {shlex.quote(CONFIG)} 2> {{log:q}}"


rule subset:
    input:
        rules.index.output[0],
    output:
        paths.labeled_part(DATA, "{part_rule}", "{at_least}", "{part_seed}", "{percent}"),
    log:
        RUN / paths.subset_log("{dataset}", "{part_rule}", "{at_least}", "{part_seed}", "{percent}"),
    params:
        index=subpath(input[0], parent=True),
    shell:
        "modc subset --index {params.index:q} --percent {wildcards.percent}"
        " --rule {wildcards.part_rule} --at-least {wildcards.at_least}"
        " --seed {wildcards.part_seed}"
        " --output {output:q} 2> {log:q}"


# All forms in one pass over the images. The arrays themselves are not outputs: Snakemake would delete
# existing ones before making another. The forms are not a parameter: changing them would pack again
# for every run that shares the data.
for packing in jobs.packings(config, VARIANTS.values()):

    rule:
        name:
            packing.name
        input:
            rules.index.output[0].format(dataset=packing.dataset),
            ancient(expand(PACKED, dataset=packing.dataset, form=packing.before)),
        output:
            touch(expand(PACKED, dataset=packing.dataset, form=packing.forms)),
        log:
            RUN / packing.log,
        threads: config["threads"]
        resources:
            runtime=1200,  # minutes, on a cluster
        params:
            decoding=DECODING,
            folder=subpath(input[0], ancestor=3),
            index=subpath(input[0], parent=True),
            packed=subpath(output[0], parent=True),
        shell:
            "modc pack --index {params.index:q} --folder {params.folder:q}"
            " $(basename -a -s .done {output:q} | sed 's/^/--size /')"
            " --threads {threads} --output {params.packed:q} 2> {log:q}"
