"""Images with a spectral density of one's choice (CDES: Lin, Gao & Sang, IJCAI 2022).

``fit`` makes two small convolutions whose output has a target density and looks like the images; ``restructure`` joins the low
frequencies of the images with the high ones of that output. Images are (N, 3, H, W) in [0, 1].
"""

from __future__ import annotations

import os
from typing import Any, Optional

import numpy as np
from numpy.typing import NDArray

from . import _arrays, _freqbias
from ._arguments import real, reals, whole
from ._progress import reporter
from .spectral import radii

__all__ = ["Kernels", "fit", "restructure", "target_density"]


def target_density(height: int, width: int, rho: float = 1.0) -> NDArray[np.float64]:
    """The target of the paper, one value in [0, 1] a band: a peak at zero and one of weight ``rho`` near band 16."""
    return _freqbias.target_density(len(radii(height, width)), whole(height, "height", 1), real(rho, "rho"))


class Kernels:
    """Two convolutions, 3 → n → 3, without a non-linearity."""

    def __init__(self, native: _freqbias.Kernels) -> None:
        self._native = native

    @classmethod
    def load(cls, path: "str | os.PathLike[str]") -> "Kernels":
        """The kernels in a file that ``save`` or the program ``train_toy_models`` has written."""
        return cls(_freqbias.Kernels.load(os.fsdecode(path)))

    def save(self, path: "str | os.PathLike[str]") -> None:
        """Writes a safetensors file, whole or not at all."""
        self._native.save(os.fsdecode(path))

    def __repr__(self) -> str:
        fitted = f", fitted in {len(self.losses)} epochs to a loss of {self.losses[-1]:.4g}" if len(self.losses) else ""
        return f"Kernels: two convolutions{fitted}"

    def __reduce__(self) -> Any:
        raise TypeError("Kernels cannot be pickled or copied: save them, and load the file")

    @property
    def losses(self) -> NDArray[np.float64]:
        """The mean loss of each epoch of the fit; empty of kernels out of a file."""
        return self._native.losses

    def apply(self, images: Any, noise: Optional[int] = None) -> NDArray[np.float32]:
        """What the kernels make of images; with a seed in ``noise``, of images with noise, as they were fitted."""
        return self._native.apply(_arrays.pixels(images), None if noise is None else whole(noise, "noise"))


def fit(
    images: Any,
    target: Any,
    *,
    number: int = 16,
    kernel_size: int = 7,
    epochs: int = 20,
    lr: float = 0.01,
    batch_size: int = 100,
    seed: int = 0,
    progress: bool = True,
) -> Kernels:
    """Fits kernels so that images that pass them get the target density, one value a band. The same seed gives the same kernels, for any
    number of threads."""
    settings = {
        "number": whole(number, "number", 1),
        "kernel_size": whole(kernel_size, "kernel_size", 1),
        "epochs": whole(epochs, "epochs", 1),
        "lr": real(lr, "lr"),
        "batch_size": whole(batch_size, "batch_size", 1),
        "seed": whole(seed, "seed"),
        "progress": reporter(progress),
    }
    return Kernels(_freqbias.fit_kernels(_arrays.pixels(images), reals(target, "target"), settings))


def restructure(low: Any, high: Any, radius: int = 10) -> NDArray[np.float32]:
    """The low frequencies of one and the high ones of another, min–max scaled per channel."""
    return _freqbias.restructure(_arrays.pixels(low), _arrays.floats(high, "images that give high frequencies"), whole(radius, "radius"))
