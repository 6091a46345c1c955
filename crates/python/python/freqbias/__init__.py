"""Which image frequencies a neural network learns.

* ``GradientSpectrum`` takes input gradients of anybody's model; ``freqbias.torch``, ``freqbias.jax`` and ``freqbias.lightning``
  loop over a model for you, and record spectra while it is trained.
* ``fourier_heat_map``, ``sensitivity``, ``phase_amplitude``, ``attack_spectrum``, ``critical_bands``, ``shortcuts``,
  ``corruptions`` and ``band_accuracy`` measure a model that is two functions of arrays.
* ``load`` and ``load_onnx`` run networks out of files on freqbias' own engine.
* ``freqbias.spectral`` and ``freqbias.cdes`` are profiles, filters, hybrids, and kernels that change spectra.

Images are (N, C, H, W) with pixels in [0, 1]. What cannot be used is a ``TypeError`` or a ``ValueError``; of the latter ``freqbias.Error`` is
what the library itself reports.
"""

import atexit as _atexit

from . import cdes, spectral
from ._figures import Figure, curves, heat_map
from ._freqbias import VERSION as _VERSION, Error, close as _close, threads
from ._gradient import Bands, GradientSpectrum, Spectrum
from ._images import synthetic
from ._measures import (
    Measurement,
    attack_spectrum,
    band_accuracy,
    corruptions,
    critical_bands,
    fourier_heat_map,
    phase_amplitude,
    sensitivity,
    shortcuts,
)
from ._networks import Network, load, load_onnx

__version__ = _VERSION

_atexit.register(_close)

__all__ = [
    "Bands",
    "Error",
    "Figure",
    "GradientSpectrum",
    "Measurement",
    "Network",
    "Spectrum",
    "attack_spectrum",
    "band_accuracy",
    "cdes",
    "corruptions",
    "critical_bands",
    "curves",
    "fourier_heat_map",
    "heat_map",
    "load",
    "load_onnx",
    "phase_amplitude",
    "sensitivity",
    "shortcuts",
    "spectral",
    "synthetic",
    "threads",
]
