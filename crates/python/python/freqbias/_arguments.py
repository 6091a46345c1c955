"""What callers give, checked before it reaches the library: a message names the argument, what it was, and what was expected."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

LARGEST = 2**63 - 1
"""Beyond every count, radius and seed."""


def whole(value: Any, what: str, least: int = 0, most: int = LARGEST) -> int:
    """A whole number: an int, or a number of NumPy that is one. No number is cut to one."""
    expected = f"expected a whole number from {least} on" if most == LARGEST else f"expected {least} to {most}"
    if isinstance(value, (bool, np.bool_)):
        raise TypeError(f"{what} {value}: {expected}")
    try:
        number = operator.index(value)
    except TypeError:
        raise TypeError(f"{what} {value!r}: {expected}") from None
    if not least <= number <= most:
        raise ValueError(f"{what} {number}: {expected}")
    return number


def wholes(values: Any, what: str, least: int = 0) -> "list[int]":
    """Several of them."""
    return [whole(value, what, least) for value in _several(values, what, "whole numbers")]


def real(value: Any, what: str) -> float:
    """A real number, finite."""
    try:
        if isinstance(value, (str, bytes)):
            raise TypeError
        number = float(value)
    except (TypeError, ValueError):
        raise TypeError(f"{what} {value!r}: expected a number") from None
    if not np.isfinite(number):
        raise ValueError(f"{what} {number}: expected a finite number")
    return number


def text(value: Any, what: str) -> str:
    """A string."""
    if not isinstance(value, str):
        raise TypeError(f"{what} {value!r}: expected a string")
    return value


def texts(values: Any, what: str) -> "list[str]":
    """Several strings; a string is not its letters."""
    return [text(value, what) for value in _several(values, what, "strings")]


def _several(values: Any, what: str, of: str) -> "list[Any]":
    if isinstance(values, (str, bytes)) or not hasattr(values, "__iter__"):
        raise TypeError(f"{what} {values!r}: expected a list of {of}")
    return list(values)



def mean_and_std(normaliser: Any) -> "tuple[list[float], list[float]]":
    """The numbers of a normaliser (mean, std), as many of each, a channel each."""
    expected = "expected (mean, std), with a number for each channel"
    if isinstance(normaliser, (str, bytes, dict)) or not hasattr(normaliser, "__iter__"):
        raise TypeError(f"normaliser {normaliser!r}: {expected}")
    parts = list(normaliser)
    if len(parts) != 2:
        raise ValueError(f"a normaliser of {len(parts)} parts: {expected}")
    try:
        mean, std = (np.asarray(part, np.float64).reshape(-1) for part in parts)
    except (TypeError, ValueError):
        raise TypeError(f"normaliser {normaliser!r}: {expected}") from None
    if mean.shape != std.shape:
        raise ValueError(f"a normaliser of {len(mean)} means and {len(std)} deviations: {expected}")
    if not (np.isfinite(mean).all() and np.isfinite(std).all() and (std > 0).all()):
        raise ValueError(f"a normaliser of mean {mean}, std {std}: expected finite numbers, deviations above 0")
    return mean.tolist(), std.tolist()
