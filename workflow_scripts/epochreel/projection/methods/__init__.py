"""Projection methods, one module each, selected by name.

A method that fits a whole film at once defines `fit(snapshots, settings, seed)`, which yields one
layout per snapshot. Any other method defines `place(points, settings, seed, before)`, which returns
the layout of one snapshot; `before` is the previous snapshot or None. Layouts are (N, 2) arrays of
any size and position; `settings` holds the parameters of the method.
"""
