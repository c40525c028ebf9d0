"""The library behind the workflow's scripts: data, training, drawing and film."""
