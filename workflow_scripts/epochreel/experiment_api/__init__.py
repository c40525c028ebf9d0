"""The interface of experiments: required files, discovery, loading and checks."""
