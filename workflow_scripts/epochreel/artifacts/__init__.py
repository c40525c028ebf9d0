"""What a run keeps: one module for each kind of file."""
