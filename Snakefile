# From the datasets to Tables 1 to 5. `snakemake -n` lists every job; config.yaml says what each does.
from snakemake.utils import min_version

min_version("9.17")


report: "workflow/report/workflow.rst"


configfile: "config.yaml"


include: "workflow/rules/common.smk"
include: "workflow/rules/data.smk"
include: "workflow/rules/train.smk"
include: "workflow/rules/evaluate.smk"
include: "workflow/rules/report.smk"


# On a cluster these short rules run where Snakemake does, as fetching does.
localrules:
    subset,
    coverage,
    tables,
    report,
    ablation,


rule all:
    default_target: True
    input:
        TABLES,
        SUMMARY,
        FIGURES,
        FIGURES_SUMMARY,
        COVERAGE,
        REPORT,
