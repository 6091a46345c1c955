"""Profiles, filters, hybrids and kernels against their definitions in float64."""

import numpy as np
import pytest
from conftest import gradients, profiles, rings

import freqbias
from freqbias import cdes, spectral

LUMA = np.array([0.2989, 0.5870, 0.1140]).reshape(1, 3, 1, 1)


def distance(height, width):
    i, j = np.mgrid[:height, :width]
    return np.hypot(i - height // 2, j - width // 2)


def filtered(images, kept):
    spectrum = np.fft.fftshift(np.fft.fft2(images.astype(np.float64)), axes=(-2, -1))
    return np.fft.ifft2(np.fft.ifftshift(spectrum * kept, axes=(-2, -1))).real


def test_profiles_are_those_of_the_definition(images):
    values = gradients(20, (3, 24, 40))
    assert np.abs(spectral.gradient_profiles(values) - profiles(values)).max() < 1e-5
    values[3] = 0
    assert np.isnan(spectral.gradient_profiles(values)[3]).all()
    luma = (images[0].astype(np.float64) * LUMA).sum(1)
    magnitude = np.abs(np.fft.fftshift(np.fft.fft2(luma), axes=(-2, -1)))
    ring, radii = rings(32, 32)
    assert np.array_equal(spectral.radii(32, 32), radii)
    for found, values in [(spectral.power(images[0]), magnitude**2), (None, 20 * np.log1p(magnitude))]:
        means = np.stack([values[:, ring == radius].mean(1) for radius in radii], 1)
        if found is None:
            low, high = means.min(1, keepdims=True), means.max(1, keepdims=True)
            assert np.abs(spectral.density(images[0]) - (means - low) / (high - low)).max() < 1e-5
        else:
            assert np.allclose(found, means, rtol=1e-5)


def test_filters_are_those_of_the_definition(images):
    pixels, d = images[0], distance(32, 32)
    for found, kept in [
        (spectral.low_pass(pixels, 6, rescale="none"), d < 6),
        (spectral.high_pass(pixels, 6, rescale="none"), d >= 6),
        (spectral.ring(pixels, 4, 9, rescale="none"), (d >= 4) & (d < 9)),
    ]:
        assert np.abs(found - filtered(pixels, kept)).max() < 1e-6
    clipped = spectral.high_pass(pixels, 6)
    assert np.abs(clipped - np.clip(filtered(pixels, d >= 6), 0, 1)).max() < 1e-6
    both = spectral.low_pass(pixels, 6, rescale="none") + spectral.high_pass(pixels, 6, rescale="none")
    assert np.abs(both - pixels).max() < 1e-6


def test_hybrids_are_those_of_the_definition(images):
    pixels = (images[0] * 255).round().astype(np.uint8)
    high, low = pixels[:16], pixels[16:]
    mixed = filtered(low, distance(32, 32) < 12) + filtered(high, distance(32, 32) >= 12)
    least, most = (edge(mixed, axis=(2, 3), keepdims=True) for edge in (np.min, np.max))
    expected = ((mixed - least) / (most - least) * 255).astype(np.uint8)
    apart = spectral.hybrid(high, low, 12) != expected
    assert apart.mean() < 1e-3, "truncation shows rounding here and there"


def test_kernels_give_images_a_target_density(images, tmp_path):
    target = cdes.target_density(32, 32)
    k = np.arange(20)
    normal = np.exp(-((k / 3.2) ** 2) / 2) + np.exp(-(((k - 16) / 3.2) ** 2) / 2)
    assert np.abs(target - (normal - normal.min()) / (normal.max() - normal.min())).max() < 1e-12
    kernels = cdes.fit(images[0], target, number=4, kernel_size=3, epochs=3, batch_size=16, progress=False)
    assert len(kernels.losses) == 3 and kernels.losses[2] < kernels.losses[0]
    again = cdes.fit(images[0], target, number=4, kernel_size=3, epochs=3, batch_size=16, progress=False)
    made = kernels.apply(images[0], noise=0)
    assert np.array_equal(made, again.apply(images[0], noise=0))
    kernels.save(tmp_path / "kernels.safetensors")
    loaded = cdes.Kernels.load(tmp_path / "kernels.safetensors")
    assert np.array_equal(loaded.apply(images[0]), kernels.apply(images[0])) and loaded.losses.size == 0
    found = cdes.restructure(images[0], made)
    assert found.shape == images[0].shape and np.all(found.max((2, 3)) == 1) and np.all(found.min((2, 3)) == 0)


def test_what_cannot_be_used_is_an_exception(images, tmp_path):
    pixels, unknown = images[0], images[0].copy()
    bytes_ = (pixels * 255).round().astype(np.uint8)
    unknown[2, 0, 5, 5] = np.nan
    for call, error, words in [
        (lambda: spectral.low_pass(pixels[0], 4), ValueError, "expected"),
        (lambda: spectral.low_pass(pixels, -1), ValueError, "radius -1: expected a whole number from 0 on"),
        (lambda: spectral.low_pass(pixels, 7.9), TypeError, "radius 7.9: expected a whole number"),
        (lambda: spectral.low_pass(unknown, 4, rescale="minmax"), ValueError, "image 2 has a pixel of NaN"),
        (lambda: spectral.density(unknown), ValueError, "image 2 has a pixel of NaN"),
        (lambda: cdes.restructure(pixels, unknown), ValueError, "image 2 has a pixel of NaN"),
        (lambda: freqbias.synthetic(4, seed=-1), ValueError, "seed -1: expected a whole number from 0 on"),
        (lambda: freqbias.synthetic(4, seed=2**70), ValueError, "seed 1180591620717411303424: expected 0 to 9223"),
        (lambda: spectral.low_pass(pixels, 4, shape=5), TypeError, "shape 5: expected a string"),
        (lambda: spectral.hybrid(bytes_, bytes_, 4, shape=None), TypeError, "shape None: expected a string"),
        (lambda: spectral.density(pixels, 5), TypeError, "convention 5: expected a string"),
        (lambda: cdes.fit(pixels, "a"), TypeError, "target 'a': expected a list of numbers"),
        (lambda: cdes.fit(pixels, [[1.0]]), ValueError, r"target of shape \(1, 1\): expected a list"),
        (lambda: cdes.fit(pixels, cdes.target_density(32, 32), lr=True), TypeError, "lr True: expected a number"),
        (lambda: spectral.low_pass(pixels, 4, shape="round"), ValueError, "radial, square, l1 or dct"),
        (lambda: spectral.low_pass(pixels, 4, rescale="no"), ValueError, "minmax, clip or none"),
        (lambda: spectral.ring(pixels, 4, 4), freqbias.Error, "ring from 4 to 4"),
        (lambda: spectral.low_pass(pixels[:, :, :1], 4), freqbias.Error, "expected at least 2×2"),
        (lambda: spectral.density(pixels[:, :2]), freqbias.Error, "channels"),
        (lambda: spectral.hybrid(pixels, pixels, 4), TypeError, "expected uint8"),
        (lambda: spectral.radii(32, 32, "round"), ValueError, "convention"),
        (lambda: spectral.radii(10**9, 10**9), ValueError, "at most 8192"),
        (lambda: cdes.target_density(32, 32, float("nan")), ValueError, "rho nan: expected a finite"),
        (lambda: cdes.fit(pixels, [1.0]), freqbias.Error, "expected"),
        (lambda: cdes.fit(pixels, cdes.target_density(32, 32), kernel_size=4), freqbias.Error, "."),
        (lambda: cdes.fit(pixels[:0], cdes.target_density(32, 32)), freqbias.Error, "image"),
        (lambda: cdes.restructure(pixels, pixels[:3]), freqbias.Error, "."),
        (lambda: cdes.Kernels.load(tmp_path / "none"), freqbias.Error, "none"),
        (lambda: freqbias.synthetic(10**12), ValueError, "at most"),
    ]:
        with pytest.raises(error, match=words):
            call()
    assert spectral.low_pass(pixels[:0], 4).shape == (0, 3, 32, 32)
    with pytest.raises(ValueError, match="expected"):
        spectral.hybrid(bytes_, bytes_[:3], 4)
