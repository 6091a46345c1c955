"""Networks out of files, on freqbias' own engine."""

from __future__ import annotations

import os
import warnings
from collections.abc import Sequence
from typing import Any, Optional, Union

import numpy as np
from numpy.typing import NDArray

from . import _arrays, _freqbias
from ._arguments import flag, mean_and_std, text, whole


class Network:
    """A network in evaluation mode. Pixels are (N, 3, H, W) in [0, 1]: the normaliser is part of it."""

    def __init__(self, native: _freqbias.Network) -> None:
        self._native = native
        self.arch: str = native.arch
        """The architecture's name, or that of the ONNX file."""
        self.classes: int = native.classes
        """How many classes it has."""
        self.normaliser: tuple[list[float], list[float]] = native.normaliser
        """Mean and standard deviation per channel."""
        self.notes: list[str] = native.notes
        """What it is, and what of it was taken from where or guessed, a sentence each."""

    def logits(self, images: Any) -> NDArray[np.float32]:
        """The logits (N, classes)."""
        return self._native.logits(self._pixels(images))

    def input_gradient(self, images: Any, labels: Any, scaled: bool = False) -> NDArray[np.float32]:
        """The gradient of each image's own cross-entropy with respect to its pixels, (N, 3, H, W). ``scaled`` multiplies each image's by
        a power of two that makes it right however sure the network is: a spectrum ignores scale."""
        pixels = self._pixels(images)
        return self._native.input_gradient(pixels, _arrays.labels(labels, len(pixels)), flag(scaled, "scaled"))

    @staticmethod
    def _pixels(images: Any) -> NDArray[np.float32]:
        pixels = _arrays.pixels(images)
        _arrays.check_pixels(pixels, False)
        return pixels

    @property
    def gradient(self) -> "Gradient":
        """Its gradients as a function, for the measures: ``fourier_heat_map(network.logits, network.gradient, images, labels)``."""
        return Gradient(self)

    def __repr__(self) -> str:
        return "\n".join(self.notes)

    def __reduce__(self) -> Any:
        raise TypeError("a Network cannot be pickled or copied: load its file again where it is needed")


class Gradient:
    """The gradients of a network as a function of images and labels."""

    def __init__(self, network: Network) -> None:
        self._network = network

    def __call__(self, images: Any, labels: Any) -> NDArray[np.float32]:
        return self._network.input_gradient(images, labels)

    def scaled(self, images: Any, labels: Any) -> NDArray[np.float32]:
        """Each image's times a power of two: see ``Network.input_gradient``."""
        return self._network.input_gradient(images, labels, scaled=True)


def load(
    path: "str | os.PathLike[str]",
    arch: Optional[str] = None,
    *,
    weights: Optional[str] = None,
    normaliser: "Optional[tuple[Sequence[float], Sequence[float]]]" = None,
) -> Network:
    """The network of the weights in a file: safetensors, or any PyTorch's, which run no code. ``arch`` is guessed by names and shapes
    unless it is given; ``weights`` is the key of the weights in a file that holds several; ``normaliser`` is (mean, std) per channel,
    and counts whatever the file says. ``notes`` say what was guessed; a normaliser that was is warned of."""
    arch, weights = (None if value is None else text(value, name) for value, name in ((arch, "arch"), (weights, "weights")))
    return _warned(Network(_freqbias.load(os.fsdecode(path), arch, weights, _three(normaliser))))


def load_onnx(
    path: "str | os.PathLike[str]",
    size: "Union[int, tuple[int, int]]",
    *,
    normaliser: "Optional[tuple[Sequence[float], Sequence[float]]]" = None,
) -> Network:
    """The network of an ONNX file, for images of (height, width), or of so many rows and columns. ``normaliser`` is (mean, std) per channel;
    one that was guessed, because the graph has none, is warned of."""
    sides = tuple(size) if hasattr(size, "__iter__") else (size, size)
    if len(sides) != 2:
        raise ValueError(f"size {size!r}: expected (height, width), or one number for both")
    height, width = (whole(side, "size", 1) for side in sides)
    return _warned(Network(_freqbias.load_onnx(os.fsdecode(path), (height, width), _three(normaliser))))


def _warned(network: Network) -> Network:
    guessed = network._native.guessed_normaliser
    if guessed is not None:
        mean, std = network.normaliser
        numbers = f"mean {tuple(mean)}, std {tuple(std)}"
        warnings.warn(f"{network.arch}: the normaliser is {guessed} ({numbers}); normaliser= names another", stacklevel=3)
    return network


def _three(
    normaliser: "Optional[tuple[Sequence[float], Sequence[float]]]",
) -> "Optional[tuple[list[float], list[float]]]":
    if normaliser is None:
        return None
    mean, std = mean_and_std(normaliser)
    if len(mean) != 3:
        raise ValueError(f"a normaliser of {len(mean)} means and {len(std)} deviations: expected 3 and 3, a channel each")
    return mean, std
