"""What callers give, checked before it reaches the library: a message names the argument, what it was, and what was expected."""

from __future__ import annotations

import operator
from collections.abc import Iterator
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
    if number < least or number > most:
        raise ValueError(f"{what} {number}: {expected if number < least else f'expected {least} to {most}'}")
    return number


def wholes(values: Any, what: str, least: int = 0, most: int = LARGEST) -> "list[int]":
    """Several of them."""
    return [whole(value, what, least, most) for value in several(values, what, "whole numbers")]


def real(value: Any, what: str) -> float:
    """A real number, finite in float32, which the library computes in."""
    try:
        if isinstance(value, (str, bytes, bool, np.bool_)):
            raise TypeError
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        raise TypeError(f"{what} {value!r}: expected a number") from None
    if not abs(number) <= float(np.finfo(np.float32).max):
        raise ValueError(f"{what} {number}: expected a finite number")
    return number


def reals(values: Any, what: str) -> "list[float]":
    """A list of numbers, which may be infinite or none."""
    try:
        array = np.asarray(several(values, what, "numbers"), np.float64)
    except (TypeError, ValueError):
        raise TypeError(f"{what} {values!r}: expected a list of numbers") from None
    if array.ndim != 1:
        raise ValueError(f"{what} of shape {array.shape}: expected a list of numbers")
    return [float(value) for value in array]


def flag(value: Any, what: str) -> bool:
    """True or False, and nothing that merely counts as one."""
    if not isinstance(value, (bool, np.bool_)):
        raise TypeError(f"{what} {value!r}: expected True or False")
    return bool(value)


def text(value: Any, what: str) -> str:
    """A string."""
    if not isinstance(value, str):
        raise TypeError(f"{what} {value!r}: expected a string")
    return value


def texts(values: Any, what: str) -> "list[str]":
    """Several strings; a string is not its letters."""
    return [text(value, what) for value in several(values, what, "strings")]


def several(values: Any, what: str, of: str) -> "list[Any]":
    """What a list holds; neither a string nor a mapping is one."""
    try:
        if isinstance(values, (str, bytes, dict)):
            raise TypeError
        return list(values)
    except TypeError:
        raise TypeError(f"{what} {values!r}: expected a list of {of}") from None


def batches(loader: Any) -> Any:
    """What a loader gives, one after the other."""
    if isinstance(loader, (str, bytes, dict)) or not (hasattr(loader, "__iter__") or hasattr(loader, "__getitem__")):
        raise TypeError(f"loader of type {type(loader).__name__}: expected batches of images and labels, one after the other")
    return loader


def repeatable(loader: Any) -> Any:
    """The same of a loader that is gone through many times: not an iterator, which gives its batches once."""
    if isinstance(batches(loader), Iterator):
        raise TypeError(
            f"loader of type {type(loader).__name__}: it gives its batches once, and each measurement goes through all; expected a list, a DataLoader, "
            "or whatever can be iterated over again"
        )
    return loader


def parts(batch: Any) -> "tuple[Any, Any]":
    """Images and labels of a batch."""
    if isinstance(batch, (tuple, list)) and len(batch) >= 2:
        return batch[0], batch[1]
    if hasattr(batch, "keys"):
        images = next((batch[key] for key in ("pixel_values", "images", "image") if key in batch), None)
        labels = next((batch[key] for key in ("labels", "label") if key in batch), None)
        if images is not None and labels is not None:
            return images, labels
    raise ValueError(f"a batch of type {type(batch).__name__}: expected (images, labels), or a dictionary of these")


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
