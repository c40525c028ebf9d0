"""Built-in experiments, one folder each, independent of each other."""
