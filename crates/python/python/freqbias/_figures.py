"""Figures as PNG files that notebooks show."""

from __future__ import annotations

import base64
import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Optional

from . import _freqbias
from ._arguments import reals, several, text, whole, wholes

if TYPE_CHECKING:
    from ._gradient import Spectrum


class Figure:
    """A figure: ``png`` has the bytes of the file."""

    def __init__(self, png: bytes) -> None:
        self.png = png

    def save(self, path: "str | os.PathLike[str]") -> None:
        """Writes the PNG file, whole or not at all; its name ends in .png, or in nothing."""
        given = os.fsdecode(path)
        if not os.path.basename(given):
            raise ValueError(f"{given!r}: expected the name of a file")
        ending = os.path.splitext(given)[1]
        if ending.lower() not in ("", ".png"):
            raise ValueError(f"{given}: a figure is saved as PNG; expected a name that ends in .png, found {ending}")
        if os.path.isdir(given):
            raise IsADirectoryError(f"{given}: this is a folder; expected the name of a file in it")
        beside = f"{given}.part"
        try:
            with open(beside, "wb") as file:
                file.write(self.png)
            os.replace(beside, given)
        except OSError:
            if os.path.exists(beside):
                os.remove(beside)
            raise

    def __repr__(self) -> str:
        return f"Figure: a PNG file of {len(self.png)} bytes"

    def _repr_png_(self) -> bytes:
        return self.png

    def _repr_html_(self) -> str:
        return f'<img src="data:image/png;base64,{base64.b64encode(self.png).decode()}" width="760">'


def heat_map(
    spectra: "Sequence[Spectrum]",
    epochs: Optional[Sequence[int]] = None,
    title: str = "Gradient spectrum",
    subtitle: str = "",
) -> Figure:
    """Spectra by epoch, as the program ``grad`` draws them; ``epochs`` are 0, 1, … unless they are given."""
    spectra = several(spectra, "spectra", "spectra")
    for found in spectra:
        if not hasattr(found, "radii") or not hasattr(found, "accuracy"):
            raise TypeError(f"spectra of which one is of type {type(found).__name__}: expected spectra")
    if not spectra:
        raise ValueError("a heat map of no spectra: expected one at least")
    numbers = range(len(spectra)) if epochs is None else wholes(epochs, "epochs")
    if len(numbers) != len(spectra):
        raise ValueError(f"{len(numbers)} epochs of {len(spectra)} spectra: expected as many")
    rows = [(whole(epoch, "epoch"), found.mean.tolist(), found.accuracy) for epoch, found in zip(numbers, spectra)]
    texts = text(title, "title"), text(subtitle, "subtitle")
    return Figure(_freqbias.heat_map(spectra[0].radii.tolist(), rows, *texts))


def curves(
    radii: Any,
    values: "dict[str, Any]",
    stds: "Optional[dict[str, Any]]" = None,
    title: str = "",
    subtitle: str = "",
    right: str = "radius ρ, cycles per image",
    up: str = "",
) -> Figure:
    """Curves over radii by their labels, with ±1 standard deviation where ``stds`` has one of that label."""
    stds = {} if stds is None else stds
    for what, given in (("values", values), ("stds", stds)):
        if not isinstance(given, Mapping):
            raise TypeError(f"{what} of type {type(given).__name__}: expected a dictionary, of each curve's label its numbers")
    without = [label for label in stds if label not in values]
    if without:
        raise ValueError(f"stds of {without[0]!r}: expected labels of the curves, {', '.join(map(repr, values))}")
    lines = [
        (text(label, "label"), reals(mean, "values"), reals(stds[label], "stds") if label in stds else None)
        for label, mean in values.items()
    ]
    words = [text(given, what) for what, given in (("title", title), ("subtitle", subtitle), ("right", right), ("up", up))]
    return Figure(_freqbias.lines(wholes(radii, "radii"), lines, words[0], words[1], (words[2], words[3])))
