"""The methods of projection, one module each, found by name."""
