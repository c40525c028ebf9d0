"""Projections: points of many dimensions, snapshot after snapshot, laid out in the plane."""
