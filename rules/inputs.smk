"""Functions of the wildcards that rules share: settings, and names of files. No rules."""


def settings_of(stage):
    """A function of the wildcards: what a run's stage, or one block of it, follows from."""

    def settings(wildcards):
        run = PLAN.run(wildcards.run)
        block = wildcards.get("block")
        return canonical(
            run.stage_settings(stage) if block is None else run.block_settings(stage, block)
        )

    return or_stop(settings)


def shards_of(split):
    """A function of the wildcards: the shards of a split of a run's dataset."""
    return or_stop(lambda wildcards: PLAN.run(wildcards.run).dataset.shards(split))


def files_of_block(kind, suffix):
    """The files of one block, one per place."""
    return expand(f"results/{{{{run}}}}/{kind}/{{{{block}}}}{{place}}.{suffix}", place=PLACES)


@or_stop
def projections_of_block(wildcards):
    """The projections of one block, where points are projected."""
    paths = expand(
        f"results/{wildcards.run}/projections/{wildcards.block}{{place}}.parquet", place=PLACES
    )
    return paths if PLAN.run(wildcards.run).projects else []


def of_block_before(path):
    """A function of the wildcards: `path` of the block before; nothing for the first block."""

    def before(wildcards):
        number = int(wildcards.block) - 1
        block = f"{number:0{PLAN.block_digits}d}"
        return path.format(run=wildcards.run, block=block) if number >= 0 else []

    return before
