"""What the tests share: the definition in float64, and loud words where something is not installed."""

import importlib
import os
import shutil
import sys

import numpy as np
import pytest

MISSING = []

# Bars of the measures would fill the output of a test that fails.
os.environ.setdefault("TQDM_DISABLE", "1")


def needs(*names):
    """Imports what may be missing; a test that needs it is skipped, and the end of the run says so."""
    found = []
    for name in names:
        try:
            found.append(importlib.import_module(name))
        except ImportError:
            MISSING.append(name)
            pytest.skip(f"{name} is not installed", allow_module_level=True)
    return found[0] if len(found) == 1 else found


def pytest_terminal_summary(terminalreporter):
    for name in sorted(set(MISSING)):
        terminalreporter.write_line(f"NOT TESTED: what needs {name}, which is not installed here", yellow=True)


def rings(height, width, convention="reference"):
    """The ring of each coefficient of the shifted spectrum, -1 where it is in none; and the radii."""
    i, j = np.mgrid[:height, :width].astype(float)
    if convention == "reference":
        ring = np.floor(np.hypot(i - (height - 1) / 2, j - (width - 1) / 2) + 1e-9).astype(int)
        dropped = (ring.min(), ring.max())
    else:
        distance = np.hypot(i - height // 2, j - width // 2)
        ring = (np.floor(distance + 1e-9) if convention == "textbook" else np.rint(distance)).astype(int)
        dropped = () if convention == "textbook" else (0,)
    ring[np.isin(ring, dropped)] = -1
    return ring, np.unique(ring[ring >= 0])


def profiles(gradients, convention="reference"):
    """The profile of each gradient (N, C, H, W), straight from the definition, in float64."""
    plane = gradients.astype(np.float64).sum(1)
    magnitudes = np.abs(np.fft.fftshift(np.fft.fft2(plane), axes=(-2, -1)))
    ring, radii = rings(*plane.shape[1:], convention)
    means = np.stack([magnitudes[:, ring == radius].mean(1) for radius in radii], 1)
    low, high = means.min(1, keepdims=True), means.max(1, keepdims=True)
    return (means - low) / (high - low)


def shares(gradients):
    """The share of each ring in the energy of each gradient, in float64."""
    plane = gradients.astype(np.float64).mean(1)
    powers = np.abs(np.fft.fftshift(np.fft.fft2(plane), axes=(-2, -1))) ** 2
    ring, radii = rings(*plane.shape[1:], "nearest")
    sums = np.stack([powers[:, ring == radius].sum(1) for radius in radii], 1)
    return sums / sums.sum(1, keepdims=True)


def gradients(count, shape=(3, 32, 32), seed=0):
    """Gradients with more energy at low frequencies, as those of networks."""
    noise = np.random.default_rng(seed).standard_normal((count, *shape)).astype(np.float32)
    return noise + np.roll(noise, 1, -1) + np.roll(noise, 1, -2)


def program(name):
    """One of the programs: of this environment, or as cargo has built it (FREQBIAS_PROGRAMS)."""
    folder = os.environ.get("FREQBIAS_PROGRAMS")
    if folder:
        return [os.path.join(folder, name)]
    found = shutil.which("freqbias", path=os.path.dirname(sys.executable)) or shutil.which("freqbias")
    return [found, name] if found else [sys.executable, "-m", "freqbias", name]


@pytest.fixture
def images():
    import freqbias

    return freqbias.synthetic(32)
