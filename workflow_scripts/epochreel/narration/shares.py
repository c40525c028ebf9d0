"""Fractions in plain words, which remain true while a number changes slightly."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Share:
    """Words for the fractions from the previous share's `end` up to this one's."""

    end: float
    words: str

    def __str__(self) -> str:
        return self.words

    @property
    def of_a_whole(self) -> str:
        """The words for a fraction of something uncountable."""
        return _UNCOUNTED.get(self.words, self.words)


_SHARES = (
    Share(0.02, "hardly any"),
    Share(0.075, "only a few"),
    Share(0.125, "about a tenth"),
    Share(0.175, "about a sixth"),
    Share(0.225, "about a fifth"),
    Share(0.29, "about a quarter"),
    Share(0.37, "about a third"),
    Share(0.45, "about four in ten"),
    Share(0.55, "about half"),
    Share(0.63, "about six in ten"),
    Share(0.71, "about two thirds"),
    Share(0.78, "about three quarters"),
    Share(0.86, "about eight in ten"),
    Share(0.93, "about nine in ten"),
    Share(0.97, "more than nine in ten"),
    Share(0.99, "nearly all"),
    Share(1.0, "all but very few"),
)
_UNCOUNTED = {
    "none": "nothing",
    "hardly any": "almost nothing",
    "only a few": "very little",
    "nearly all": "nearly everything",
    "all but very few": "almost everything",
    "all": "everything",
}
NONE, ALL = Share(0.0, "none"), Share(1.0, "all")
_MARGIN = 0.2  # of the width of a share, by which a fraction may lie outside it and keep its words


def share(fraction: float, present: Share | None = None) -> Share:
    """Return the words for a fraction, 0 … 1.

    If the fraction lies close to the share `present`, that share is kept, so that the words do not
    alternate.
    """
    if fraction in (0, 1):
        return NONE if fraction == 0 else ALL
    if present in _SHARES:
        start = _start(present)
        margin = _MARGIN * (present.end - start)
        if start - margin <= fraction < present.end + margin:
            return present
    return next(each for each in _SHARES if fraction < each.end)


def all_shares() -> tuple[Share, ...]:
    """Return all shares, the smallest first."""
    return (NONE, *_SHARES, ALL)


def _start(of: Share) -> float:
    number = _SHARES.index(of)
    return _SHARES[number - 1].end if number else 0.0
