"""The methods of projection, one module each, found by name.

A method that fits a whole film at once defines `fit(snapshots, settings, seed)`, which yields a
layout for each snapshot. Any other defines `place(points, settings, seed, before)`, which returns
the layout of one snapshot; `before` is the snapshot before it, or None. Layouts are (N, 2) arrays
of any size and position; `settings` holds the method's parameters.
"""
