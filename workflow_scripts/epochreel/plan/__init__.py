"""What a config asks for: datasets, runs, stages and what their results depend on."""
