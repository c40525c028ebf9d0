"""Frames, captions and films."""
