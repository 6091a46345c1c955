"""Gradient spectra of JAX functions.

A function maps images to logits (N, classes), each image's of its own alone. ``layout`` is that of the images that it takes: ``"NHWC"``,
as JAX has them, or ``"NCHW"``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Optional, cast

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from . import _arrays, _freqbias
from ._arguments import batches, parts, text
from ._gradient import GradientSpectrum, Spectrum
from ._progress import reporter

__all__ = ["functions", "gradient_spectrum"]

_TO_NCHW = {"NHWC": (0, 3, 1, 2), "NCHW": (0, 1, 2, 3)}
_FROM_NCHW = {"NHWC": (0, 2, 3, 1), "NCHW": (0, 1, 2, 3)}


class _Functions:
    def __init__(self, function: Callable[[Any], Any], layout: str) -> None:
        if text(layout, "layout") not in _TO_NCHW:
            raise ValueError(f'layout {layout!r}: expected "NHWC" or "NCHW"')
        if not callable(function):
            raise TypeError(f"function of type {type(function).__name__}: expected one of images, that gives logits")
        self._layout = layout
        self._forward = jax.jit(function)
        self._backward = jax.jit(lambda images, slopes: jax.vjp(function, images)[1](slopes)[0])

    def logits(self, images: Any) -> Any:
        """Of images in the function's own layout."""
        channels, *sides = (images.shape[axis] for axis in _TO_NCHW[self._layout][1:])
        if channels > 4 and any(side in (1, 3) for side in sides):
            other = "NCHW" if self._layout == "NHWC" else "NHWC"
            raise ValueError(f'images of shape {images.shape}: {channels} channels, by layout="{self._layout}"; expected layout="{other}"')
        logits = self._forward(images)
        if not hasattr(logits, "ndim") or logits.ndim != 2 or not jnp.issubdtype(logits.dtype, jnp.floating):
            shape = f"{logits.shape} of {logits.dtype}" if hasattr(logits, "dtype") else type(logits).__name__
            raise ValueError(f"the function gave {shape}: expected logits (images, classes), real numbers")
        return logits

    def gradients(self, images: Any, labels: Any, scaled: bool) -> "tuple[Any, NDArray[Any]]":
        """Logits, and the gradients of images in the function's own layout as (N, C, H, W)."""
        logits = self.logits(images)
        numbers = _arrays.labels(labels, len(logits))
        if numbers and max(numbers) >= logits.shape[1]:
            classes = logits.shape[1]
            raise ValueError(f"label {max(numbers)}: expected 0 to {classes - 1}, for the function has {classes} classes")
        slopes = _slopes(np.asarray(logits, np.float32), numbers, scaled)
        gradient = self._backward(images, jnp.asarray(slopes, logits.dtype))
        return logits, np.transpose(_arrays.host(gradient), _TO_NCHW[self._layout])


def _slopes(logits: NDArray[np.float32], labels: "list[int]", scaled: bool) -> NDArray[Any]:
    """∂ cross-entropy / ∂ logits of each image; scaled: times a power of two."""
    if scaled:
        return _freqbias.logit_gradient(np.ascontiguousarray(logits), labels)
    shares = np.exp(logits.astype(np.float64) - logits.max(1, keepdims=True))
    shares /= shares.sum(1, keepdims=True)
    at = (np.arange(len(labels)), np.asarray(labels, np.int64))
    shares[at] = 0
    shares[at] = -shares.sum(1)  # p − 1 would be zero as soon as the function is sure
    return np.asarray(shares)


def functions(function: Callable[[Any], Any], layout: str = "NHWC") -> "tuple[Any, Any]":
    """``model_fn`` and ``gradient_fn`` of a function, for ``freqbias.fourier_heat_map`` and the other measures, whose images are
    (N, 3, H, W) in [0, 1]: a normaliser is part of the function."""
    found = _Functions(function, layout)

    def own(images: Any) -> Any:
        return jnp.asarray(np.transpose(images, _FROM_NCHW[layout]))

    class Gradient:
        """The gradients as a function."""

        def __call__(self, images: Any, labels: Any) -> NDArray[Any]:
            return found.gradients(own(images), labels, scaled=False)[1]

        @staticmethod
        def scaled(images: Any, labels: Any) -> NDArray[Any]:
            """Each image's times a power of two."""
            return found.gradients(own(images), labels, scaled=True)[1]

    return (lambda images: np.asarray(found.logits(own(images)), np.float32)), Gradient()


def gradient_spectrum(
    function: Callable[[Any], Any],
    loader: Iterable[Any],
    layout: str = "NHWC",
    *,
    convention: str = "reference",
    progress: bool = True,
) -> Spectrum:
    """The gradient spectrum of a function on batches (images, labels), or dictionaries of these. The gradient is with respect to the images
    as they are: those of bytes are first divided by 255. The accuracy is in percent."""
    found, spectrum = _Functions(function, layout), cast("Optional[GradientSpectrum]", None)
    seen = correct = 0
    report = reporter(progress)
    if report is not None:
        report("begin", "gradients", 0)
    for images, labels in map(parts, batches(loader)):
        _arrays.check_pixels(images, False)
        batch = jnp.asarray(_arrays.pixels(images))
        if len(batch) == 0:
            continue
        logits, gradient = found.gradients(batch, labels, scaled=True)
        spectrum = spectrum or _spectrum(gradient, convention)
        spectrum.update(gradient)
        correct += _arrays.hits(np.asarray(logits, np.float32), _arrays.labels(labels, len(batch)))
        seen += len(batch)
        if report is not None:
            report("advance", "", len(batch))
    if report is not None:
        report("end", "", 0)
    if spectrum is None:
        raise ValueError("the loader gave no images: expected one batch at least")
    return spectrum.result(100.0 * correct / seen)


def _spectrum(gradient: NDArray[Any], convention: str) -> GradientSpectrum:
    channels, height, width = gradient.shape[1:]
    return GradientSpectrum(height, width, channels, convention)
