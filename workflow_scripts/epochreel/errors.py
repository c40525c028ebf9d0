"""Errors that a person can act on."""


class UserError(Exception):
    """One line: what is wrong, where, and what to do. Shown without a traceback."""
