"""The measures of a model that is two functions of arrays: the same code that the program ``measure`` runs on networks in files."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Optional

import numpy as np
from numpy.typing import NDArray

from . import _arrays, _freqbias
from ._figures import Figure
from ._gradient import _pandas
from ._progress import reporter

ModelFunction = Callable[[NDArray[np.float32]], Any]
"""Images (N, 3, H, W), float32 in [0, 1] → logits (N, classes), in evaluation mode. A normaliser is part of the function."""
GradientFunction = Callable[[NDArray[np.float32], NDArray[np.int64]], Any]
"""Images and labels → the gradient of each image's own cross-entropy with respect to its pixels, (N, 3, H, W). If it has an attribute
``scaled``, a function of the same arguments, that is called where only the direction of a gradient matters, and may multiply each
image's gradient by a positive number: the gradient itself may be zero in float32 where a model is sure."""


class Measurement:
    """What a measure has found.

    ``data`` is what the program writes as JSON; ``row`` its numbers, ``arrays`` the same as arrays with their shapes, ``figures`` the
    figures by name (the main one is ``""``), ``table`` a few lines of text.
    """

    def __init__(self, found: "_freqbias.Found") -> None:
        text, arrays, pictures, table = found
        self.data: dict[str, Any] = json.loads(text)
        self.arrays: dict[str, NDArray[np.float64]] = {
            name: values.reshape(shape) for name, values, shape in arrays
        }
        self.figures: dict[str, Figure] = {name: Figure(png) for name, png in pictures}
        self.table = "\n".join(table)

    @property
    def row(self) -> "dict[str, Any]":
        """The numbers of the model."""
        rows: list[dict[str, Any]] = self.data["rows"]
        return rows[0]

    def to_pandas(self) -> Any:
        """A table: of accuracies on components a row each, of other measures a row with all single numbers; needs pandas."""
        pandas = _pandas()
        if "checkpoints" in self.data:
            parts = self.data["checkpoints"][0]["components"]
            plain = [{key: value for key, value in part.items() if not isinstance(value, list)} for part in parts]
            return pandas.DataFrame(plain)
        numbers = {key: value for key, value in self.row.items() if not isinstance(value, (list, dict))}
        return pandas.DataFrame([numbers])

    def __repr__(self) -> str:
        return self.table

    def _repr_png_(self) -> Optional[bytes]:
        main = self.figures.get("")
        return main.png if main else None

    def _repr_html_(self) -> str:
        figures = "".join(figure._repr_html_() for figure in self.figures.values())
        return f"<pre>{self.table}</pre>{figures}"


def fourier_heat_map(
    model_fn: ModelFunction,
    gradient_fn: GradientFunction,
    images: Any,
    labels: Any,
    *,
    norm: Optional[float] = None,
    window: Optional[int] = None,
    clip: bool = True,
    seed: int = 0,
    batch_size: int = 128,
    name: str = "model",
    dataset: str = "images",
    progress: bool = True,
) -> Measurement:
    """The error rate by direction of the Fourier basis that is added to the pixels (Yin et al., NeurIPS 2019), and what a single
    gradient says of all directions. ``norm`` is the length v of a direction (4 at 32×32, 15.7 at 224×224), ``window`` the largest part
    of a frequency that is measured (31 for images above 64 pixels, all below)."""
    request = _request(model_fn, gradient_fn, images, labels, batch_size, name, dataset, progress)
    return Measurement(_freqbias.fourier_heat_map(request, norm, window, clip, seed))


def sensitivity(
    model_fn: ModelFunction,
    gradient_fn: GradientFunction,
    images: Any,
    labels: Any,
    *,
    batch_size: int = 128,
    name: str = "model",
    dataset: str = "images",
    progress: bool = True,
) -> Measurement:
    """The share of each ring of frequencies in the energy of input gradients (Chari et al., TMLR 2022)."""
    request = _request(model_fn, gradient_fn, images, labels, batch_size, name, dataset, progress)
    return Measurement(_freqbias.sensitivity(request))


def phase_amplitude(
    model_fn: ModelFunction,
    images: Any,
    labels: Any,
    *,
    clip: bool = True,
    seed: int = 0,
    batch_size: int = 128,
    name: str = "model",
    dataset: str = "images",
    progress: bool = True,
) -> Measurement:
    """Whether a model goes by phase or by amplitude: on images with the phase of one and the amplitude of another class's image (Chen
    et al., ICCV 2021)."""
    request = _request(model_fn, None, images, labels, batch_size, name, dataset, progress)
    return Measurement(_freqbias.phase_amplitude(request, clip, seed))


def attack_spectrum(
    model_fn: ModelFunction,
    gradient_fn: GradientFunction,
    images: Any,
    labels: Any,
    *,
    constraint: str = "2",
    eps: float = 0.5,
    step: Optional[float] = None,
    steps: int = 7,
    random_start: bool = False,
    batch_size: int = 128,
    name: str = "model",
    dataset: str = "images",
    progress: bool = True,
) -> Measurement:
    """The frequencies that projected gradient ascent changes, and the error rate where it may change those of an octave alone.
    ``constraint`` is ``"2"`` or ``"inf"``; ``eps`` and ``step`` are in units of pixels in [0, 1]; a step is 2.5·eps/steps unless it is
    given."""
    step = 2.5 * eps / max(steps, 1) if step is None else step
    request = _request(model_fn, gradient_fn, images, labels, batch_size, name, dataset, progress)
    settings = {"constraint": constraint, "eps": eps, "step": step, "steps": steps, "random_start": random_start}
    return Measurement(_freqbias.attack_spectrum(request, settings))


def critical_bands(
    model_fn: ModelFunction,
    images: Any,
    labels: Any,
    *,
    criterion: float = 0.5,
    seed: int = 0,
    batch_size: int = 128,
    name: str = "model",
    dataset: str = "images",
    progress: bool = True,
) -> Measurement:
    """How much noise of each octave of frequencies a model withstands on grey images of low contrast (Subramanian et al., NeurIPS
    2023). A threshold is the strength at which accuracy falls to ``criterion``."""
    request = _request(model_fn, None, images, labels, batch_size, name, dataset, progress)
    return Measurement(_freqbias.critical_bands(request, criterion, seed))


def shortcuts(
    model_fn: ModelFunction,
    images: Any,
    labels: Any,
    *,
    of_classes: Optional[Sequence[int]] = None,
    batch_size: int = 128,
    class_names: Optional[Sequence[str]] = None,
    name: str = "model",
    dataset: str = "images",
    progress: bool = True,
) -> Measurement:
    """Few frequencies that a model takes for a class, in images of that class and of others (Wang et al., ICCV 2023); of all classes
    unless ``of_classes`` names some."""
    request = _request(model_fn, None, images, labels, batch_size, name, dataset, progress, class_names)
    classes = None if of_classes is None else [int(number) for number in of_classes]
    return Measurement(_freqbias.shortcuts(request, classes))


def corruptions(
    model_fn: ModelFunction,
    gradient_fn: GradientFunction,
    images: Any,
    labels: Any,
    *,
    corrupted: "Optional[Mapping[str, Sequence[Any]]]" = None,
    seed: int = 0,
    batch_size: int = 128,
    name: str = "model",
    dataset: str = "images",
    progress: bool = True,
) -> Measurement:
    """Errors on corrupted images, which frequencies corruptions change, and whether these say what the model fails on (Hendrycks &
    Dietterich, ICLR 2019; Yin et al., NeurIPS 2019). ``corrupted`` has of each corruption five arrays like ``images``, for severities
    1 to 5 of the same images in the same order; without it five corruptions are made, with noise drawn by ``seed``."""
    request = _request(model_fn, gradient_fn, images, labels, batch_size, name, dataset, progress)
    given = None
    if corrupted is not None:
        if not corrupted:
            raise ValueError("corrupted is empty: expected a corruption at least, or None for those that are made")
        given = [
            (str(of), [_corrupted(each, request["images"], of) for each in sets]) for of, sets in corrupted.items()
        ]
    return Measurement(_freqbias.corruptions(request, given, seed))


def _corrupted(values: Any, clean: NDArray[np.float32], of: str) -> NDArray[np.float32]:
    pixels = _arrays.pixels(values, of)
    if pixels.shape != clean.shape:
        raise ValueError(f"{of} of shape {pixels.shape}: expected {clean.shape}, as the images have it")
    return pixels


def band_accuracy(
    model_fn: ModelFunction,
    images: Any,
    labels: Any,
    *,
    sides: Sequence[str] = ("low", "high"),
    radii: Sequence[int] = (4, 8, 12, 16),
    bands: "Sequence[tuple[int, int]]" = (),
    shape: str = "radial",
    rescale: str = "minmax",
    batch_size: int = 128,
    class_names: Optional[Sequence[str]] = None,
    name: str = "model",
    dataset: str = "images",
    progress: bool = True,
) -> Measurement:
    """Accuracy on low-pass images (d < r), high-pass images (d ≥ r) and bands (r₁ ≤ d < r₂) (Lin, Gao & Sang, IJCAI 2022)."""
    request = _request(model_fn, None, images, labels, batch_size, name, dataset, progress, class_names)
    components = {
        "sides": list(sides),
        "radii": [int(radius) for radius in radii],
        "bands": [(int(inner), int(outer)) for inner, outer in bands],
        "shape": shape,
        "rescale": rescale,
    }
    return Measurement(_freqbias.band_accuracy(request, components))


def _request(
    model_fn: ModelFunction,
    gradient_fn: Optional[GradientFunction],
    images: Any,
    labels: Any,
    batch_size: int,
    name: str,
    dataset: str,
    progress: bool,
    class_names: Optional[Sequence[str]] = None,
) -> "dict[str, Any]":
    pixels = _arrays.pixels(images)
    numbers = _arrays.labels(labels, len(pixels))
    if batch_size < 1:
        raise ValueError(f"batch_size {batch_size}: expected 1 or more")

    def logits(batch: NDArray[np.float32]) -> NDArray[np.float32]:
        return _arrays.floats(model_fn(batch), "logits", "(images, classes)")

    scaled_fn = getattr(gradient_fn, "scaled", gradient_fn)

    def gradients(batch: NDArray[np.float32], of: NDArray[np.int64], scaled: bool) -> NDArray[np.float32]:
        assert gradient_fn is not None
        if scaled:
            return _arrays.scaled((scaled_fn or gradient_fn)(batch, of), "gradients")
        return _arrays.floats(gradient_fn(batch, of), "gradients")

    if len(pixels) == 0:
        raise ValueError("no images: expected one at least")
    # A copy: models that work in place must not change the caller's images.
    classes = logits(pixels[:1].copy()).shape[1]
    if numbers and max(numbers) >= classes:
        raise ValueError(f"label {max(numbers)}: expected 0 to {classes - 1}, for the model has {classes} classes")
    names = [str(number) for number in range(classes)] if class_names is None else list(class_names)
    if len(names) != classes:
        raise ValueError(f"{len(names)} class_names: expected {classes}, as the model has classes")
    return {
        "images": pixels,
        "labels": numbers,
        "classes": names,
        "model_fn": logits,
        "gradient_fn": gradients if gradient_fn is not None else None,
        # No more than there is: memory is taken for whole batches.
        "batch_size": min(int(batch_size), len(pixels)),
        "name": name,
        "dataset": dataset,
        "progress": reporter(progress),
    }
