"""What a command shows on the terminal, in place of Snakemake's log."""
