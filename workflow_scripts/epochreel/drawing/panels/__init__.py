"""Panels for every experiment."""
