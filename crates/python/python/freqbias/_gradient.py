"""The gradient spectrum of gradients from anywhere."""

from __future__ import annotations

import dataclasses
import zlib
from typing import Any, Optional

import numpy as np
from numpy.typing import NDArray

from . import _arrays, _freqbias
from ._arguments import real, text, whole
from ._figures import Figure, curves


@dataclasses.dataclass(frozen=True, repr=False, eq=False)
class Bands:
    """Mean and spread over images by band; all arrays are in the order of ``radii``."""

    radii: NDArray[np.int64]
    """The radius of each, in cycles per image."""
    mean: NDArray[np.float64]
    """The mean over images."""
    std: NDArray[np.float64]
    """The population standard deviation over images."""
    interval: Optional[NDArray[np.float64]]
    """The 95 % interval of the mean (Student's), (bands, 2); None of a single image."""

    @property
    def centre(self) -> float:
        """Σ r·mean / Σ mean, in units of radius; 0 if all is zero."""
        total = float(self.mean.sum())
        return float((self.radii * self.mean).sum()) / total if total > 0 else 0.0

    @property
    def peak(self) -> int:
        """The radius of the largest mean."""
        return int(self.radii[int(np.argmax(self.mean))])

    def __eq__(self, other: object) -> bool:
        if type(self) is not type(other):
            return NotImplemented
        names = [field.name for field in dataclasses.fields(self)]
        return all(_same(getattr(self, name), getattr(other, name)) for name in names)

    def __hash__(self) -> int:
        return hash((self.radii.tobytes(), self.mean.tobytes()))

    def __repr__(self) -> str:
        first, last = int(self.radii[0]), int(self.radii[-1])
        return f"Bands: {len(self.radii)} bands, radius {first} to {last}, centre {self.centre:.2f}"

    def to_pandas(self) -> Any:
        """A table with a row a band; needs pandas."""
        pandas = _pandas()
        columns = {"mean": self.mean, "std": self.std}
        if self.interval is not None:
            columns.update(low=self.interval[:, 0], high=self.interval[:, 1])
        return pandas.DataFrame(columns, index=pandas.Index(self.radii, name="radius"))


@dataclasses.dataclass(frozen=True, repr=False, eq=False)
class Spectrum(Bands):
    """A gradient spectrum: mean profiles of input gradients, each scaled to [0, 1]."""

    count: int
    """How many gradients have a profile."""
    skipped: int
    """How many have none: constant, zero or not finite."""
    sensitivity: Bands
    """The Fourier sensitivity: each ring's share of the energy |F|², by the nearest whole |k|, zero left out; the means sum to 1."""
    accuracy: Optional[float] = None
    """Accuracy on the same images in percent, where labels were at hand."""

    def __repr__(self) -> str:
        accuracy = "" if self.accuracy is None else f", accuracy {self.accuracy:.2f} %"
        skipped = f", {self.skipped} skipped" if self.skipped else ""
        return f"Spectrum of {self.count} gradients{skipped}: {len(self.radii)} bands, centre {self.centre:.2f}{accuracy}"

    def figure(self) -> Figure:
        """The mean profile ± one standard deviation."""
        return curves(
            self.radii,
            {"gradients": self.mean},
            {"gradients": self.std},
            title="Gradient spectrum",
            subtitle=f"{self.count} images, mean ± standard deviation",
            up="scaled to [0, 1] per image",
        )

    def _repr_png_(self) -> bytes:
        return self.figure().png

    def _repr_html_(self) -> str:
        return self.figure()._repr_html_()


class GradientSpectrum:
    """A stream of input gradients → their mean spectrum.

    For each gradient: channels summed, |DFT|, radial mean, scaled to [0, 1]; then mean and standard deviation over images (Lin, Gao &
    Sang, IJCAI 2022). Neither the scale of a gradient nor the size of a batch matters (float32 numbers below 1e-38
    count as zero); memory does not grow with the number of images.
    ``convention`` says which bands: ``"reference"`` are those of the paper's code (32×32 has 20, ρ = 1 … 20), ``"textbook"`` those
    around zero with none dropped, ``"nearest"`` those of the nearest whole |k| without zero.

    One object may be used from several threads.
    """

    def __init__(self, height: int, width: int, channels: int = 3, convention: str = "reference") -> None:
        self._shape = (whole(channels, "channels", 1), whole(height, "height", 1), whole(width, "width", 1))
        self._convention = text(convention, "convention")
        self._native = _freqbias.GradientSpectrum(*self._shape, convention)

    def update(self, gradients: Any) -> None:
        """Adds gradients (N, C, H, W), from NumPy, PyTorch, JAX or whatever speaks DLPack or the array interface. Contiguous float32 on
        the CPU is read where it lies; everything else is copied once. A gradient that is constant, zero or not finite is skipped and
        counted.

        The interpreter's lock is held while numbers are read, some ten milliseconds at a time: no Python code can change them meanwhile, and
        other threads have their turn in between. (Code that writes to the array without the lock, as a PyTorch operation in another
        thread may, must be done by then: as for any NumPy function.) After Ctrl-C some of the gradients have been added: begin anew.
        """
        self._native.update(_arrays.scaled(gradients, "gradients"))

    def merge(self, other: "GradientSpectrum | bytes") -> None:
        """Adds what another object has seen, or one of another process, whose ``sums()`` were sent here."""
        if isinstance(other, GradientSpectrum):
            other = other.sums()
        if not isinstance(other, bytes):
            raise TypeError(f"{type(other).__name__} to merge: expected a GradientSpectrum, or the bytes of its sums()")
        sums, _, check = other.rpartition(b"\n")
        if check != _check(sums):
            raise ValueError("no sums of a gradient spectrum: expected the bytes that sums() gave, as they were")
        self._native.merge(sums)

    def sums(self) -> bytes:
        """What is summed so far, for ``merge`` in another process."""
        sums = self._native.sums()
        return sums + b"\n" + _check(sums)

    @property
    def count(self) -> int:
        """Gradients with a profile so far."""
        return self._native.counts()[0]

    @property
    def skipped(self) -> int:
        """Gradients without one so far."""
        return self._native.counts()[1]

    def result(self, accuracy: Optional[float] = None) -> Spectrum:
        """The spectrum so far, with an accuracy in percent if it is known. An error if no gradient has a profile."""
        accuracy = None if accuracy is None else real(accuracy, "accuracy")
        if self.count + self.skipped == 0:
            raise _freqbias.Error("no gradients yet: update(gradients) adds some")
        found = self._native.result()
        return Spectrum(
            **_bands(found["spectrum"]),
            count=found["count"],
            skipped=found["skipped"],
            sensitivity=Bands(**_bands(found["sensitivity"])),
            accuracy=accuracy,
        )

    def __getstate__(self) -> "tuple[tuple[int, int, int], str, bytes]":
        return self._shape, self._convention, self.sums()

    def __setstate__(self, state: "tuple[tuple[int, int, int], str, bytes]") -> None:
        (channels, height, width), convention, sums = state
        self.__init__(height, width, channels, convention)  # type: ignore[misc]
        self.merge(sums)

    def __repr__(self) -> str:
        channels, height, width = self._shape
        return f"GradientSpectrum({height}, {width}, {channels}, {self._convention!r}): {self.count} gradients"


def _bands(found: "dict[str, Any]") -> "dict[str, Any]":
    return {**found, "radii": found["radii"].astype(np.int64)}


def _check(sums: bytes) -> bytes:
    """What tells bytes that were changed on their way."""
    return b"%08x" % zlib.crc32(sums)


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, np.ndarray) and isinstance(other, np.ndarray):
        return one.shape == other.shape and bool(np.array_equal(one, other, equal_nan=True))
    return bool(one == other)


def _pandas() -> Any:
    try:
        import pandas
    except ImportError as error:
        raise ImportError("a table needs pandas, which is not installed: pip install pandas") from error
    return pandas
