"""What a result depends on: settings, code and package versions."""
