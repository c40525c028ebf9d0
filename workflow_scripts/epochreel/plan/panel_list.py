"""The panels of a figure in the config: a nested list, `figure.panels`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any

from epochreel.config import schema
from epochreel.core.errors import UserError, shown
from epochreel.plan import schemas

OF_TRAINING = {"histogram"}
"""Panels that show the training table."""
_CELL = ("size", "essential")


def checked(content: Any, where: str) -> list:
    """Check a nested list of panels, and fill in defaults; `where` is its key in the config.

    An item is a list, a panel, or an object with `panels`. Raises `UserError`.
    """
    if not isinstance(content, list) or not content:
        raise UserError(f"config: {where} is {shown(content)}; expected a list of panels")
    return [_item(item, f"{where}.{number}") for number, item in enumerate(content)]


def _item(item: Any, where: str) -> Any:
    if isinstance(item, list):
        return checked(item, where)
    if not isinstance(item, dict):
        raise UserError(
            f"config: {where} is {shown(item)}; expected a list of panels, or an object with the "
            "key panel or panels"
        )
    if "panel" not in item:
        cell = schema.checked(item, schemas.shared()["$defs"]["cell"], where)
        return cell | {"panels": checked(item["panels"], f"{where}.panels")}
    cell = {key: item[key] for key in _CELL if key in item}
    panel = {key: item[key] for key in item if key not in _CELL}
    schema.checked(cell | {"panels": []}, schemas.shared()["$defs"]["cell"], where)
    return schema.checked(panel, _schema(), where) | cell


@cache
def _schema() -> Mapping[str, Any]:
    return schema.by_name(schemas.shared()["$defs"]["panels"], "panel")


def panels(content: Sequence) -> Iterator[Mapping[str, Any]]:
    """Yield all panels of a nested list."""
    for item in content:
        if isinstance(item, Mapping) and "panel" in item:
            yield item
        else:
            yield from panels(item["panels"] if isinstance(item, Mapping) else item)
