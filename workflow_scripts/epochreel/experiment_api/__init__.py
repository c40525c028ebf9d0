"""What an experiment must offer, and how it is found and loaded."""
