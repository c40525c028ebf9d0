"""Narration of a film: its sentences, their phases, and the grades of its cast."""
