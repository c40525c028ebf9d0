"""What a config asks for: its datasets and runs, and what each stage of these follows from."""
