"""Arrays of anybody: NumPy's, and what speaks DLPack or the array interface."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

LARGEST_CLASS = 2**31 - 1
"""Beyond the number of every class."""


def host(values: Any) -> NDArray[Any]:
    """Numbers as a NumPy array: where they lie if they are on the CPU, else copied once."""
    if isinstance(values, np.ma.MaskedArray):
        raise TypeError("a masked array: expected one without a mask; fill it, or leave its masked images out")
    if isinstance(values, np.ndarray):
        return values
    if hasattr(values, "detach") and hasattr(values, "cpu"):  # a PyTorch tensor
        values = values.detach().cpu()
        if "bfloat16" in str(values.dtype):
            values = values.float()
        return np.asarray(values.resolve_conj().resolve_neg())
    if hasattr(values, "__dlpack__"):
        try:
            return np.from_dlpack(values)
        except (BufferError, RuntimeError, TypeError):
            pass  # on a device, or of a type that DLPack does not know
    return np.asarray(values)


def floats(values: Any, what: str, axes: str = "(images, channels, height, width)") -> Floats:
    """Real numbers of four axes as contiguous float32: no copy where they are that already."""
    array = host(values)
    name = str(array.dtype)
    if array.dtype.kind != "f" and name != "bfloat16":
        raise TypeError(f"{what} of type {name}: expected float32, or float64, float16 or bfloat16 to be converted")
    rank = axes.count(",") + 1
    if array.ndim != rank:
        raise ValueError(f"{what} of shape {array.shape}: expected {axes}")
    return np.require(array, np.float32, ["C", "A"])


def scaled(values: Any, what: str) -> Floats:
    """Gradients as contiguous float32. Those of float64 are first brought near 1 by a power of two of each image's own, which no
    profile depends on: what float64 can hold may be zero or infinite in float32."""
    array = host(values)
    if array.dtype == np.float64 and array.ndim == 4 and array.size:
        with np.errstate(invalid="ignore"):
            largest = np.abs(array).max(axis=(1, 2, 3), keepdims=True)
            _, exponent = np.frexp(np.where(np.isfinite(largest) & (largest > 0), largest, 1.0))
            array = np.ldexp(array, -exponent)
    return floats(array, what)


def check_pixels(values: Any, between: bool) -> None:
    """That images are numbers; and, where a normaliser is applied to them, pixels in [0, 1]. Bytes are."""
    array = host(values)
    if str(array.dtype) == "bfloat16":  # no type of NumPy's own
        array = array.astype(np.float32)
    if array.dtype.kind != "f" or array.ndim != 4 or not array.size:
        return
    right = (array >= 0) & (array <= 1) if between else np.isfinite(array)
    if right.all():
        return
    at = np.unravel_index(int(np.argmin(right)), array.shape)
    expected = "numbers from 0 to 1, which the normaliser takes" if between else "finite numbers"
    raise ValueError(f"image {at[0]} has a pixel of {array[at]}: expected {expected}")


def hits(logits: Any, labels: "list[int]") -> int:
    """How many images are taken for the class of their label. Scores of which one is not a number have no order: no label is right."""
    scores = np.asarray(host(logits), np.float32)
    known = ~np.isnan(scores).any(1)
    return int((known & (scores.argmax(1) == np.asarray(labels, np.int64))).sum())


def logits(values: Any) -> Floats:
    """Logits (N, classes) as float32, which holds them."""
    given = host(values)
    array = floats(given, "logits", "(images, classes)")
    if array.shape[1] == 0:
        raise ValueError(f"logits of shape {array.shape}: expected a class at least")
    if given.dtype != np.float32 and (np.isinf(array) & np.isfinite(np.asarray(given, np.float64))).any():
        raise ValueError("logits that float32 cannot hold: expected numbers up to 3e38")
    return array


def bytes_(values: Any, what: str) -> NDArray[np.uint8]:
    """Images of bytes, contiguous."""
    array = host(values)
    if array.dtype != np.uint8:
        raise TypeError(f"{what} of type {array.dtype}: expected uint8")
    if array.ndim != 4:
        raise ValueError(f"{what} of shape {array.shape}: expected (images, channels, height, width)")
    return np.require(array, np.uint8, ["C", "A"])


def pixels(values: Any, what: str = "images") -> Floats:
    """Images as float32: bytes become numbers in [0, 1], as everywhere in freqbias."""
    array = host(values)
    if array.dtype == np.uint8 and array.ndim == 4:
        return np.require(array / np.float32(255), np.float32, ["C", "A"])
    return floats(array, what)


def labels(values: Any, count: int) -> list[int]:
    """A class number for each image."""
    array = host(values)
    if array.dtype.kind not in "iu":
        raise TypeError(f"labels of type {array.dtype}: expected whole numbers, a class each")
    if array.shape != (count,):
        raise ValueError(f"labels of shape {array.shape}: expected ({count},), one for each image")
    if array.size and (array.min() < 0 or array.max() > LARGEST_CLASS):
        raise ValueError(f"labels from {array.min()} to {array.max()}: expected classes, from 0 to {LARGEST_CLASS}")
    return [int(label) for label in array]
