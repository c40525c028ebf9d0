"""What a film says: its sentences, their phases, and how well its cast is answered."""
