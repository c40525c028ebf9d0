"""The words around the tables of docs/reruns.md."""

TEXT = """# What runs again

Written by `python tests/support/reruns.py` from the tables that the tests prove, row by row, with
dry runs in a world where everything is made, and in both directions: no rule more, none less. A
rule whose results changed within a command makes all that read them run too. The rules for a
film's other forms, captions, loops and readings run again where their results are asked for; a run
that is not the main one is not published. `write_manifest` follows whenever something that is kept
was made. `pytest` compares the settings of each row in a plan; `pytest tests/promises` makes the dry runs, of the
rows of modules and of files a part, and `pytest tests -m long` the others.

## Settings

{shared}

{own}

### Others

| key | what follows |
| --- | --- |
{others}

With `film.ffmpeg: system`, another version of it: the films, and what follows.

The order of keys, a default written out, `1` for `1.0`: nothing. Two numbers swapped: as for each
of them. A run that is added makes its own; one that is taken out, nothing.

**A longer run** trains, evaluates and sums up what is new: with blocks of ten, of a run of 13
snapshots that becomes one of 17 the second block alone. All its frames are drawn again, since the
time axis ends elsewhere; with `figure.time_axis` set beforehand only those of the second block are.
**A shorter run** trains nothing: `train` runs for its last block and takes all from the store.
That block is evaluated, summarised and drawn again as far as it still goes. With
`keep_checkpoints: last` a longer run trains its last block again, and a shorter one is trained
again as far as it goes, since its checkpoints are gone.

**Where points are projected,** `causal` and `umap_each` lay out what is new alone. `linear` and
`aligned_umap` are one fit over all snapshots: a longer or shorter run is fitted, projected and
drawn anew as a whole.

**Beyond a run's end,** up to the end of its last block, a block's checkpoints, evaluations,
layouts, frames and transitions are second names of the last snapshot's. They follow from nothing of
their own; the run's `manifest.json` does not list them.

## Files

For one file of the run `sheets` of `tests/support/miniature.yaml`, which has two blocks; without a
target and with `all`. Layouts and transitions are those of the run `sketches`, with `all`. Lost:

| lost | rules | |
| --- | --- | --- |
{lost}

Altered by hand, with a new time. Snakemake compares contents, so the rules that read the file run,
and refuse it where it is damaged; the rule that made it does not, since nothing it follows from has
changed. To have it made again, delete it.

| altered | rules | |
| --- | --- | --- |
{altered}

Where the time was put back as well, nothing runs; `snakemake verify` names the file, unless it lies
in the store. Should something else make the manifest anew, `write_manifest` refuses the file.

Fonts, images or other files of a folder that a dataset names: one changed or added makes the
dataset again, and what follows, an unbounded training included; another kind of file beside them,
nothing.

Results copied elsewhere together with `.snakemake`, whatever times the copies have; a fresh clone
of the code over existing results; a touch: nothing.

## Code

A comment, a docstring or other layout in any module: none. A change of what a module says: the
rules in its row, and what follows them. Where `evaluate` is among them, a run with
`keep_checkpoints: last` is trained again: its checkpoints are gone.

| module | rules |
| --- | --- |
{code}

Of an experiment of one's own, in its folder, where `data.py` imports `helper.py`. A file that none
of these imports: nothing.

| file | rules |
| --- | --- |
{own_files}

No result follows from {idle}: these plan, copy, link or compare.

## Packages

Another version of one of these (local labels such as `+cpu` left out) runs the rule again:

| rule | packages |
| --- | --- |
{packages}
"""
