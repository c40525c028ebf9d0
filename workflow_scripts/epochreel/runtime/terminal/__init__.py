"""Output of a command on the terminal, in place of Snakemake's log."""
