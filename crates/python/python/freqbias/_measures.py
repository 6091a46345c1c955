"""The measures of a model that is two functions of arrays: the same code that the program ``measure`` runs on networks in files."""

from __future__ import annotations

import html
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Optional

import numpy as np
from numpy.typing import NDArray

from . import _arrays, _freqbias
from ._arguments import flag, real, several, text, texts, whole, wholes
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
        content, self._parts, arrays, pictures, table = found
        self.data: dict[str, Any] = json.loads(content)
        self.arrays: dict[str, NDArray[np.float64]] = {
            name: values.reshape(shape) for name, values, shape in arrays
        }
        self.figures: dict[str, Figure] = {name: Figure(png) for name, png in pictures}
        self.table = "\n".join(table)

    @property
    def row(self) -> "dict[str, Any]":
        """The numbers of the model; of accuracies on components a dictionary for each, by its name."""
        if self._parts:
            return dict(zip(self._parts, self.data["checkpoints"][0]["components"]))
        rows: list[dict[str, Any]] = self.data["rows"]
        return rows[0]

    def to_pandas(self) -> Any:
        """A table: of accuracies on components a row each, of other measures a row with all single numbers; needs pandas."""
        pandas = _pandas()
        rows = self.row.values() if self._parts else [self.row]
        plain = [{key: value for key, value in row.items() if not isinstance(value, (list, dict))} for row in rows]
        return pandas.DataFrame(plain)

    def __repr__(self) -> str:
        return self.table

    def _repr_png_(self) -> Optional[bytes]:
        main = self.figures.get("")
        return main.png if main else None

    def _repr_html_(self) -> str:
        figures = "".join(figure._repr_html_() for figure in self.figures.values())
        return f"<pre>{html.escape(self.table)}</pre>{figures}"


def fourier_heat_map(
    model_fn: ModelFunction,
    gradient_fn: GradientFunction,
    images: Any,
    labels: Any,
    *,
    norm: Optional[float] = None,
    window: Optional[int] = None,
    clip: bool = True,
    precision_goal: Optional[float] = None,
    seed: int = 0,
    batch_size: int = 128,
    name: str = "model",
    dataset: str = "images",
    progress: bool = True,
) -> Measurement:
    """The error rate by direction of the Fourier basis that is added to the pixels (Yin et al., NeurIPS 2019), and what a single
    gradient says of all directions. ``norm`` is the length v of a direction (4 at 32×32, 15.7 at 224×224), ``window`` the largest part
    of a frequency that is measured (31 for images above 64 pixels, all below). ``precision_goal=0.02`` draws images for each direction
    only until its error rate is known to ±0.02, at 95 %."""
    request = _request(model_fn, gradient_fn, images, labels, batch_size, name, dataset, progress)
    settings = {
        "norm": None if norm is None else real(norm, "norm"),
        "window": None if window is None else whole(window, "window", 1),
        "clip": flag(clip, "clip"),
        "seed": whole(seed, "seed"),
        "precision_goal": None if precision_goal is None else real(precision_goal, "precision_goal"),
    }
    return Measurement(_freqbias.fourier_heat_map(request, settings))


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
    return Measurement(_freqbias.phase_amplitude(request, flag(clip, "clip"), whole(seed, "seed")))


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
    eps, steps = real(eps, "eps"), whole(steps, "steps", 1)
    step = 2.5 * eps / steps if step is None else real(step, "step")
    text(constraint, "constraint")
    request = _request(model_fn, gradient_fn, images, labels, batch_size, name, dataset, progress)
    start = flag(random_start, "random_start")
    settings = {"constraint": constraint, "eps": eps, "step": step, "steps": steps, "random_start": start}
    return Measurement(_freqbias.attack_spectrum(request, settings))


def critical_bands(
    model_fn: ModelFunction,
    images: Any,
    labels: Any,
    *,
    criterion: float = 0.5,
    contrast: Optional[float] = None,
    seed: int = 0,
    batch_size: int = 128,
    name: str = "model",
    dataset: str = "images",
    progress: bool = True,
) -> Measurement:
    """How much noise of each octave of frequencies a model withstands on grey images of low contrast (Subramanian et al., NeurIPS
    2023). A threshold is the strength at which accuracy falls to ``criterion``, a share of the images; ``contrast`` is that of the grey
    images, of which photographs have 1 (0.2 unless it is given)."""
    request = _request(model_fn, None, images, labels, batch_size, name, dataset, progress)
    contrast = None if contrast is None else real(contrast, "contrast")
    return Measurement(_freqbias.critical_bands(request, real(criterion, "criterion"), contrast, whole(seed, "seed")))


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
    classes = None if of_classes is None else wholes(of_classes, "of_classes", most=_arrays.LARGEST_CLASS)
    if classes == []:
        raise ValueError("of_classes is empty: expected a class at least, or None for all")
    return Measurement(_freqbias.shortcuts(request, classes))


def corruptions(
    model_fn: ModelFunction,
    gradient_fn: GradientFunction,
    images: Any,
    labels: Any,
    *,
    corrupted: "Optional[Mapping[str, Sequence[Any]]]" = None,
    beside: Optional[Measurement] = None,
    seed: int = 0,
    batch_size: int = 128,
    name: str = "model",
    dataset: str = "images",
    progress: bool = True,
) -> Measurement:
    """Errors on corrupted images, which frequencies corruptions change, and whether these say what the model fails on (Hendrycks &
    Dietterich, ICLR 2019; Yin et al., NeurIPS 2019). ``corrupted`` has of each corruption five arrays like ``images``, for severities
    1 to 5 of the same images in the same order; without it five corruptions are made, with noise drawn by ``seed``. ``beside`` is what this
    function has found of another model on the same ``dataset``: the errors in proportion to that one's are ``ce`` and ``mce``."""
    request = _request(model_fn, gradient_fn, images, labels, batch_size, name, dataset, progress)
    given = None
    if corrupted is not None:
        if not isinstance(corrupted, Mapping):
            found = type(corrupted).__name__
            raise TypeError(f"corrupted of type {found}: expected a dictionary, of each corruption's name five arrays like the images")
        if not corrupted:
            raise ValueError("corrupted is empty: expected a corruption at least, or None for those that are made")
        given = [
            (text(of, "corruption"), [_corrupted(each, request["images"], of) for each in several(sets, of, "five arrays")])
            for of, sets in corrupted.items()
        ]
    if beside is not None and not isinstance(beside, Measurement):
        raise TypeError(f"beside of type {type(beside).__name__}: expected what corruptions() has found of another model")
    reference = None if beside is None else json.dumps(beside.data)
    return Measurement(_freqbias.corruptions(request, given, whole(seed, "seed"), reference))


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
    """Accuracy in percent on low-pass images (d < r), high-pass images (d ≥ r) and bands (r₁ ≤ d < r₂) (Lin, Gao & Sang, IJCAI 2022).
    ``rescale`` says how filtered numbers become pixels again: ``"minmax"`` per channel in 256 steps, as published (``spectral.low_pass``
    clips unless it is told otherwise), ``"clip"`` or ``"none"``."""
    request = _request(model_fn, None, images, labels, batch_size, name, dataset, progress, class_names)
    chosen = {"sides": texts(sides, "sides"), "radii": wholes(radii, "radii")}
    rings, is_both = [_ring(band) for band in several(bands, "bands", "(inner, outer)")], all(chosen.values())
    if not is_both and not rings:
        raise ValueError(f"sides {chosen['sides']}, radii {chosen['radii']}, no bands: expected some of the first two, or bands")
    components = {
        **(chosen if is_both else {"sides": [], "radii": []}),
        "bands": rings,
        "shape": text(shape, "shape"),
        "rescale": text(rescale, "rescale"),
    }
    return Measurement(_freqbias.band_accuracy(request, components))


def _ring(band: Any) -> "tuple[int, int]":
    if not hasattr(band, "__len__") or len(band) != 2:
        raise ValueError(f"band {band!r}: expected two radii, (inner, outer)")
    return whole(band[0], "band", 0), whole(band[1], "band", 0)


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
    batch_size = whole(batch_size, "batch_size", 1)
    for what, function in (("model_fn", model_fn), ("gradient_fn", gradient_fn)):
        if not callable(function) and not (function is None and what == "gradient_fn"):
            raise TypeError(f"{what} of type {type(function).__name__}: expected a function of arrays")

    def logits(batch: NDArray[np.float32]) -> NDArray[np.float32]:
        return _arrays.logits(model_fn(batch))

    scaled_fn = getattr(gradient_fn, "scaled", gradient_fn)

    def gradients(batch: NDArray[np.float32], of: NDArray[np.int64], scaled: bool) -> NDArray[np.float32]:
        assert gradient_fn is not None
        if scaled:
            return _arrays.scaled((scaled_fn or gradient_fn)(batch, of), "gradients")
        found = _arrays.floats(gradient_fn(batch, of), "gradients")
        finite = np.isfinite(found).all(tuple(range(1, found.ndim)))
        if not finite.all():
            count = len(found) - int(finite.sum())
            raise ValueError(f"gradients that are not finite, of {count} of {len(found)} images of a batch: expected numbers")
        return found

    if len(pixels) == 0:
        raise ValueError("no images: expected one at least")
    if pixels.shape[1] != 3:
        raise ValueError(f"images of shape {pixels.shape}: expected (images, 3, height, width)")
    # A copy: models that work in place must not change the caller's images.
    classes = logits(pixels[:1].copy()).shape[1]
    if numbers and max(numbers) >= classes:
        raise ValueError(f"label {max(numbers)}: expected 0 to {classes - 1}, for the model has {classes} classes")
    names = [str(number) for number in range(classes)] if class_names is None else texts(class_names, "class_names")
    if len(names) != classes:
        raise ValueError(f"{len(names)} class_names: expected {classes}, as the model has classes")
    return {
        "images": pixels,
        "labels": numbers,
        "classes": names,
        "model_fn": logits,
        "gradient_fn": gradients if gradient_fn is not None else None,
        # No more than there is: memory is taken for whole batches.
        "batch_size": min(batch_size, len(pixels)),
        "name": text(name, "name"),
        "dataset": text(dataset, "dataset"),
        "progress": reporter(flag(progress, "progress")),
    }
