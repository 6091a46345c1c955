"""Profiles of images and gradients, filters, hybrids.

Transforms are the unnormalised 2-D DFT; radii are in cycles per image. Bands are those of a convention, see ``GradientSpectrum``; masks
go by the distance d to zero of a shape: ``"radial"`` (discs, as published), ``"square"``, ``"l1"``, or ``"dct"``. Pixels that are not finite
numbers are a ``ValueError``: one would spread over its whole image.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import _arrays, _freqbias
from ._arguments import text, whole

__all__ = ["density", "gradient_profiles", "high_pass", "hybrid", "low_pass", "power", "radii", "ring"]


def radii(height: int, width: int, convention: str = "reference") -> NDArray[np.int64]:
    """The radius of each band of height × width spectra."""
    return _freqbias.radii(whole(height, "height", 1), whole(width, "width", 1), text(convention, "convention")).astype(np.int64)


def gradient_profiles(gradients: Any, convention: str = "reference") -> NDArray[np.float64]:
    """Of each gradient (N, C, H, W): channels summed, |F|, radial mean, scaled to [0, 1]. (N, bands); not a number where a gradient is
    constant, zero or not finite."""
    return _freqbias.gradient_profiles(_arrays.scaled(gradients, "gradients"), text(convention, "convention"))


def density(images: Any, convention: str = "reference") -> NDArray[np.float64]:
    """The spectral density of each image (N, 3, H, W): luma, 20·ln(1 + |F|), radial mean, scaled to [0, 1]. (N, bands); not a number
    where an image is of a single colour."""
    return _freqbias.density(_arrays.pixels(images), text(convention, "convention"))


def power(images: Any, convention: str = "reference") -> NDArray[np.float64]:
    """The power spectrum of each image (N, 3, H, W): luma, |F|², radial mean. (N, bands)."""
    return _freqbias.power(_arrays.pixels(images), text(convention, "convention"))


def low_pass(images: Any, radius: int, *, shape: str = "radial", rescale: str = "clip") -> NDArray[np.float32]:
    """Images (N, C, H, W) in [0, 1] without what lies at a radius or beyond: d < r remains. ``rescale`` says how numbers become pixels
    again: ``"clip"``, ``"minmax"`` per channel in 256 steps as the paper's tool writes images (what ``band_accuracy`` measures unless it is
    told otherwise), or ``"none"``."""
    return _freqbias.low_pass(_arrays.pixels(images), whole(radius, "radius"), text(shape, "shape"), text(rescale, "rescale"))


def high_pass(images: Any, radius: int, *, shape: str = "radial", rescale: str = "clip") -> NDArray[np.float32]:
    """Images of which d ≥ r remains; see ``low_pass``."""
    return _freqbias.high_pass(_arrays.pixels(images), whole(radius, "radius"), text(shape, "shape"), text(rescale, "rescale"))


def ring(
    images: Any, inner: int, outer: int, *, shape: str = "radial", rescale: str = "clip"
) -> NDArray[np.float32]:
    """Images of which inner ≤ d < outer remains; see ``low_pass``."""
    return _freqbias.ring(_arrays.pixels(images), whole(inner, "inner"), whole(outer, "outer"), text(shape, "shape"), text(rescale, "rescale"))


def hybrid(high: Any, low: Any, radius: int, *, shape: str = "radial") -> NDArray[np.uint8]:
    """Images (N, C, H, W) of bytes with the high frequencies of one and the low ones of another, min–max scaled per channel (HARS: Lin,
    Gao & Sang, IJCAI 2022)."""
    return _freqbias.hybrid(
        _arrays.bytes_(high, "images that give high frequencies"),
        _arrays.bytes_(low, "images that give low frequencies"),
        whole(radius, "radius"),
        text(shape, "shape"),
    )
