"""From a config file to checked settings."""
