"""Gradient spectra of PyTorch modules, at once or while they are trained.

A module maps images (N, C, H, W) to logits (N, classes); of outputs that have ``logits``, as those of Hugging Face do, these are taken.
It is measured in evaluation mode, and every submodule is put back into the mode that it was in. No parameter's gradient is computed.
Autocast counts as for the caller. Where the module is sure of a class, the gradient of its cross-entropy would be zero in float32: each
image's gradient of the logits is first multiplied by a power of two, which no profile depends on.
"""

from __future__ import annotations

import contextlib
import os
import threading
import warnings
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Optional, Union

import numpy as np
import torch
from numpy.typing import NDArray

from . import _arrays, _freqbias
from ._arguments import batches, flag, mean_and_std, parts, repeatable, text, whole
from ._gradient import GradientSpectrum, Spectrum
from ._progress import reporter

__all__ = ["Functions", "SpectrumRecorder", "evaluating", "functions", "gradient_spectrum"]

Normaliser = Union[None, "tuple[Any, Any]", Callable[[Any], Any]]
"""None, (mean, std) per channel, or a function of pixels in [0, 1]."""
LARGEST_NUMBER = 10**12
"""Beyond every epoch and step."""

_LOCK = threading.Lock()
_MEASURED: "dict[int, tuple[int, bool]]" = {}
"""How often a module is measured just now, and whether it was training before: by its identity."""


@contextlib.contextmanager
def evaluating(model: Any) -> Iterator[None]:
    """Evaluation mode for a while: then each submodule is in the mode again that it was in. Threads may measure one module, or parts
    of one, at once: the last one puts each back."""
    _check_norms(model)
    modules = list(_module(model).modules())
    with _LOCK:
        for module in modules:
            count, mode = _MEASURED.get(id(module), (0, module.training))
            _MEASURED[id(module)] = (count + 1, mode)
    try:
        with _LOCK:
            model.eval()
        yield
    finally:
        with _LOCK:
            for module in modules:
                count, mode = _MEASURED.pop(id(module))
                if count > 1:
                    _MEASURED[id(module)] = (count - 1, mode)
                else:
                    module.training = mode


def _module(model: Any) -> Any:
    if not isinstance(model, torch.nn.Module):
        raise TypeError(f"model of type {type(model).__name__}: expected a torch.nn.Module")
    return model


def _check_norms(model: Any) -> None:
    for module in _module(model).modules():
        # Such a norm takes the statistics of the batch in any mode: an image's gradient would be one of others, too.
        if "BatchNorm" in type(module).__name__ and getattr(module, "running_mean", 0) is None:
            raise ValueError(
                f"{type(module).__name__} without running statistics: the logits of an image depend on its batch, "
                "so that it has no gradient of its own; expected track_running_stats=True"
            )


class Functions:
    """A module as two functions of NumPy arrays, for ``freqbias.fourier_heat_map`` and the other measures."""

    def __init__(self, model: Any, normaliser: Normaliser = None, device: Any = None) -> None:
        self.model = _module(model)
        first = next(iter(model.parameters()), None)
        self.takes_pixels = normaliser is not None
        self._dtype = first.dtype if first is not None and first.is_floating_point() else torch.float32
        self._device = torch.device(device) if device is not None else (first.device if first is not None else "cpu")
        self._normalise = _normalise(normaliser)

    def logits(self, images: Any) -> NDArray[np.float32]:
        """The logits (N, classes) of images in [0, 1]."""
        with evaluating(self.model), torch.inference_mode(False), torch.no_grad():
            return self._host(self._logits(self._pixels(images)))

    def gradient(self, images: Any, labels: Any) -> NDArray[np.float32]:
        """The gradient of each image's own cross-entropy with respect to its pixels."""
        with evaluating(self.model):
            _, gradient = self._gradients(images, labels, scaled=False)
            return self._host(gradient)

    def scaled(self, images: Any, labels: Any) -> NDArray[np.float32]:
        """The same times a power of two of each image's own."""
        with evaluating(self.model):
            _, gradient = self._gradients(images, labels, scaled=True)
            return self._host(gradient)

    def check_pixels(self, images: Any) -> None:
        """That images are numbers; with a normaliser, pixels in [0, 1]."""
        if isinstance(images, torch.Tensor) and images.is_floating_point() and images.numel():
            least, most = (float(value) for value in torch.aminmax(images.detach()))
            if np.isfinite(least + most) and not (self.takes_pixels and (least < 0 or most > 1)):
                return  # looked at where they are; only what is wrong is copied
        _arrays.check_pixels(images, self.takes_pixels)

    def _pixels(self, images: Any) -> Any:
        images = images if isinstance(images, torch.Tensor) else torch.as_tensor(_arrays.host(images))
        if images.ndim != 4:
            raise ValueError(f"images of shape {tuple(images.shape)}: expected (images, channels, height, width)")
        if images.dtype == torch.uint8:
            return images.detach().to(self._device, torch.float32) / 255
        if not images.is_floating_point():
            raise TypeError(f"images of type {images.dtype}: expected numbers in [0, 1], or uint8")
        return images.detach().to(self._device, torch.promote_types(self._dtype, torch.float32))

    def _logits(self, pixels: Any) -> Any:
        found = self.model(self._normalise(pixels).to(self._dtype))
        found = getattr(found, "logits", found)
        found = found[0] if isinstance(found, (tuple, list)) else found
        if not isinstance(found, torch.Tensor) or found.ndim != 2:
            shape = tuple(found.shape) if isinstance(found, torch.Tensor) else type(found).__name__
            raise ValueError(f"the model gave {shape}: expected logits (images, classes)")
        return found

    def _gradients(self, images: Any, labels: Any, scaled: bool) -> "tuple[Any, Any]":
        """Logits, and the gradient of the pixels."""
        with torch.inference_mode(False), torch.enable_grad():
            pixels = self._pixels(images).clone().requires_grad_()
            logits = self._logits(pixels)
            if not logits.requires_grad:
                raise ValueError("the logits do not depend on the pixels, so that there is no gradient")
            slopes = self._slopes(logits.detach(), labels, scaled).to(logits.device, logits.dtype)
            (gradient,) = torch.autograd.grad(logits, pixels, slopes)
        return logits.detach(), gradient

    def _slopes(self, logits: Any, labels: Any, scaled: bool) -> Any:
        """∂ cross-entropy / ∂ logits of each image."""
        numbers = _arrays.labels(labels, len(logits))
        if numbers and max(numbers) >= logits.shape[1]:
            classes = logits.shape[1]
            raise ValueError(f"label {max(numbers)}: expected 0 to {classes - 1}, for the model has {classes} classes")
        if scaled:
            return torch.as_tensor(_freqbias.logit_gradient(self._host(logits), numbers))
        shares = torch.softmax(logits.double().cpu(), 1)
        at = (torch.arange(len(numbers)), torch.as_tensor(numbers))
        shares[at] = 0
        shares[at] = -shares.sum(1)  # p − 1 would be zero as soon as the model is sure
        return shares

    @staticmethod
    def _host(values: Any) -> NDArray[np.float32]:
        return np.require(_arrays.host(values), np.float32, ["C", "A"])


def functions(model: Any, normaliser: Normaliser = None, device: Any = None) -> "tuple[Any, Any]":
    """``model_fn`` and ``gradient_fn`` of a module, for the measures."""
    found = Functions(model, normaliser, device)

    class Gradient:
        """The gradients as a function."""

        scaled = staticmethod(found.scaled)

        def __call__(self, images: Any, labels: Any) -> NDArray[np.float32]:
            return found.gradient(images, labels)

    return found.logits, Gradient()


def gradient_spectrum(
    model: Any,
    loader: Iterable[Any],
    normaliser: Normaliser = None,
    device: Any = None,
    *,
    convention: str = "reference",
    progress: bool = True,
) -> Spectrum:
    """The gradient spectrum of a module on the images of a loader.

    Batches are (images, labels), or dictionaries with ``pixel_values`` or ``images`` and ``labels`` or ``label``. With a normaliser,
    images are pixels in [0, 1] (or bytes), and the gradient is with respect to these; without one they are what the module takes, as
    loaders of torchvision give them, and the gradient is with respect to that. (A normaliser changes a gradient by a factor for each channel,
    and with it the sum over channels.) ``device`` is where the images go; that of the first parameter unless it is given. The accuracy is in
    percent; logits of which one is not a number are never right.
    """
    spectrum, accuracy = _measure(Functions(model, normaliser, device), loader, convention, progress)
    return spectrum.result(accuracy)


def _measure(
    functions: Functions,
    loader: Iterable[Any],
    convention: str,
    progress: bool,
    see: Callable[[Any], None] = lambda images: None,
) -> "tuple[GradientSpectrum, float]":
    spectrum: Optional[GradientSpectrum] = None
    seen = correct = 0
    report = reporter(progress)
    if report is not None:
        report("begin", "gradients", len(getattr(loader, "dataset", ()) or ()))
    with evaluating(functions.model):
        for images, labels in map(parts, batches(loader)):
            if len(images) == 0:
                continue
            functions.check_pixels(images)
            see(images)
            logits, gradient = functions._gradients(images, labels, scaled=True)
            if spectrum is None:
                channels, height, width = gradient.shape[1:]
                spectrum = GradientSpectrum(height, width, channels, convention)
            spectrum.update(gradient)
            numbers = _arrays.labels(labels, len(logits))
            correct += _arrays.hits(logits, numbers)
            seen += len(numbers)
            if report is not None:
                report("advance", "", len(numbers))
    if report is not None:
        report("end", "", 0)
    if spectrum is None:
        raise ValueError("the loader gave no images: expected one batch at least")
    return spectrum, 100.0 * correct / seen


def _normalise(normaliser: Normaliser) -> Callable[[Any], Any]:
    if normaliser is None:
        return lambda pixels: pixels
    if callable(normaliser):
        return normaliser
    mean, std = mean_and_std(normaliser)

    def normalise(pixels: Any) -> Any:
        if pixels.shape[1] != len(mean):
            raise ValueError(f"images of {pixels.shape[1]} channels: expected {len(mean)}, as the normaliser has")
        numbers = (torch.as_tensor(part, dtype=pixels.dtype, device=pixels.device) for part in (mean, std))
        of_mean, of_std = (part.reshape(1, -1, 1, 1) for part in numbers)
        return (pixels - of_mean) / of_std

    return normalise


class SpectrumRecorder:
    """Records the spectrum of a module while it is trained, in a run folder as the programs know it: ``{folder}/spectrum`` with the
    heat map over epochs, all numbers and events for TensorBoard.

    ``step()`` after each step (or epoch) measures at every ``every``-th; ``record(number)`` measures now. ``checkpoints`` also keeps the
    weights of each, which ``freqbias inspect`` and, of architectures that it has, ``freqbias grad --run`` read (with ``name`` and
    ``dataset`` as the programs spell them). A normaliser of three means and deviations is kept with them; one that is a function is not,
    and without any it is unknown: ``--mean`` and ``--std`` name it then. The folder has one writer: another one is refused until
    ``close()``, or the end of a ``with``.

    A folder that has spectra or checkpoints is refused, unless ``resume``: then it must be of the same ``name``, ``dataset``, normaliser, and
    size and number of images. ``step()`` counts on from the last number that is there; a number that is recorded again takes the place of
    the earlier one.
    """

    def __init__(
        self,
        folder: "str | os.PathLike[str]",
        model: Any,
        loader: Iterable[Any],
        *,
        every: int = 1,
        normaliser: Normaliser = None,
        device: Any = None,
        name: Optional[str] = None,
        dataset: str = "images",
        checkpoints: bool = False,
        resume: bool = False,
        progress: bool = False,
    ) -> None:
        self.folder = os.fsdecode(folder)
        self.spectra: dict[int, Spectrum] = {}
        self._forget_from: Optional[int] = None
        self._model, self._loader, self._every = _module(model), repeatable(loader), whole(every, "every", 1)
        self._normaliser, self._device = normaliser, device
        self._name = type(model).__name__ if name is None else text(name, "name")
        self._dataset = text(dataset, "dataset")
        _normalise(normaliser)
        self._checkpoints, self._progress = flag(checkpoints, "checkpoints"), progress
        self._steps = self._first_step(flag(resume, "resume"))
        self._native: Optional[_freqbias.Recorder] = None

    def _first_step(self, resume: bool) -> int:
        named, normaliser, epochs, kept = _freqbias.recorded(self.folder)
        if named is None and not epochs and not kept:
            return 0
        if not resume:
            what = f"there are spectra of {_few(epochs)}" if epochs else f"there are checkpoints of {_few(kept)}"
            what = what if epochs or kept else "another run has begun"
            raise ValueError(f"{self.folder}: {what} here; resume=True adds to what is there, or name another folder")
        found, own = named or (self._dataset, self._name), (self._dataset, self._name)
        if found != own:
            raise ValueError(
                f"{self.folder}: this is the run of the network {found[1]} on {found[0]}, and the recorder is given name={own[1]!r}, "
                f"dataset={own[0]!r}; name another folder, or these"
            )
        # Of a function nobody knows what it is.
        if normaliser is not None and not callable(self._normaliser) and not _is_same(normaliser, _kept(self._normaliser)):
            raise ValueError(
                f"{self.folder}: the normaliser of this run is {_numbers(normaliser)}, and the recorder is given "
                f"{_numbers(_kept(self._normaliser))}; name another folder, or this normaliser"
            )
        return max(epochs + kept, default=-1) + 1

    def begin_at(self, number: int) -> None:
        """Says, before the first measurement, from which epoch on the module is trained: rows and checkpoints of the folder from there on are of
        a run that was given up, and go with the first row. Not from the beginning: another folder is for that."""
        if self._steps > 0 and whole(number, "number") == 0:
            raise ValueError(f"{self.folder}: resume=True, and training begins at epoch 0; go on from a checkpoint, or name another folder")
        self._forget_from = self._steps = number

    def step(self) -> Optional[Spectrum]:
        """Counts a step; the spectrum of every so-manieth, numbered from 0, or on from where the folder was. A step that was interrupted
        is counted."""
        number, self._steps = self._steps, self._steps + 1
        return self.record(number) if number % self._every == 0 else None

    def record(self, number: int) -> Optional[Spectrum]:
        """Measures now, as the epoch (or step) of this number, and writes all files. Where no gradient has a profile, as of a network that has
        diverged, it warns and writes none: training goes on."""
        number = whole(number, "number", most=LARGEST_NUMBER)
        # Built anew: the module may have moved to another device meanwhile.
        functions = Functions(self._model, self._normaliser, self._device)
        is_begun = self._native is not None and self._native.is_begun()
        if self._native is not None and not is_begun:
            self._native.forget()
        spectrum, accuracy = _measure(
            functions, self._loader, "reference", self._progress, (lambda images: None) if is_begun else self._see
        )
        assert self._native is not None
        if spectrum.count == 0:
            what = f"{self.folder}: none of the {spectrum.skipped} images of epoch {number} has a gradient with a profile"
            warnings.warn(f"{what}, and no row is written: the network has diverged, or its output is always the same", stacklevel=2)
            return None
        self._native.record(number, spectrum._native, accuracy)
        if self._checkpoints:
            self._native.save_checkpoint(number, _weights(self._model), accuracy)
        self.spectra[number] = found = spectrum.result(accuracy)
        return found

    def close(self) -> None:
        """Lets go of the folder."""
        if self._native is not None:
            self._native.close()
            self._native = None

    def __enter__(self) -> "SpectrumRecorder":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _see(self, images: Any) -> None:
        pixels = _arrays.pixels(images)
        if pixels.shape[1] == 1:
            pixels = np.repeat(pixels, 3, 1)
        if self._native is None:
            _, _, height, width = pixels.shape
            normaliser = _kept(self._normaliser)
            self._native = _freqbias.Recorder(
                self.folder, self._dataset, self._name, normaliser, (height, width), self._forget_from
            )
        self._native.see(pixels)


def _kept(normaliser: Normaliser) -> "Optional[tuple[list[float], list[float]]]":
    """The numbers of a normaliser of three channels, which a run folder can say."""
    if normaliser is None or callable(normaliser):
        return None
    mean, std = mean_and_std(normaliser)
    return (mean, std) if len(mean) == 3 else None


def _is_same(one: "tuple[list[float], list[float]]", other: "Optional[tuple[list[float], list[float]]]") -> bool:
    return other is not None and bool(np.array_equal(np.asarray(one, np.float32), np.asarray(other, np.float32)))


def _numbers(normaliser: "Optional[tuple[list[float], list[float]]]") -> str:
    if normaliser is None:
        return "none (or one of other channels)"
    mean, std = ([f"{number:.4g}" for number in part] for part in normaliser)
    return f"mean {', '.join(mean)}, std {', '.join(std)}"


def _few(numbers: "list[int]") -> str:
    first, last = min(numbers), max(numbers)
    return f"epoch {first}" if len(numbers) == 1 else f"{len(numbers)} epochs from {first} to {last}"


def _weights(model: Any) -> "list[tuple[str, NDArray[np.float32]]]":
    """Parameters and buffers of real numbers."""
    state = model.state_dict().items()
    return [
        (name, np.array(_arrays.host(values), np.float32))
        for name, values in state
        if isinstance(values, torch.Tensor) and values.is_floating_point()
    ]
