"""Projection of high-dimensional points to the plane."""
