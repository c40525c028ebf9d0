"""The plan of a config: datasets, runs, stages and what their results depend on."""
