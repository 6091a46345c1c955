"""JAX functions against the definition in float64."""

import numpy as np
import pytest
from conftest import needs, profiles

jax = needs("jax")

import freqbias  # noqa: E402
import freqbias.jax  # noqa: E402

jnp = jax.numpy


def network(seed=0):
    """Two convolutions and a mean, on images (N, H, W, C), in numbers of the images' type."""
    keys = np.random.default_rng(seed)
    first, second = keys.standard_normal((3, 3, 3, 8)) / 5, keys.standard_normal((3, 3, 8, 10)) / 5

    def function(images):
        convolve = lambda x, w: jax.lax.conv_general_dilated(  # noqa: E731
            x, jnp.asarray(w, x.dtype), (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC")
        )
        return jnp.square(convolve(jnp.tanh(convolve(images, first)), second)).mean((1, 2)) * 5

    return function


def test_a_small_network(images):
    pixels, labels = images
    function, last = network(), pixels.transpose(0, 2, 3, 1)
    batches = [(last[start : start + 9], labels[start : start + 9]) for start in range(0, len(last), 9)]
    found = freqbias.jax.gradient_spectrum(function, batches, progress=False)
    with jax.enable_x64(True):
        loss = lambda x, y: -jax.nn.log_softmax(function(x[None]))[0, y]  # noqa: E731
        gradient = np.stack([jax.grad(loss)(jnp.asarray(x, "float64"), y) for x, y in zip(last, labels)])
    expected = profiles(np.asarray(gradient, np.float64).transpose(0, 3, 1, 2))
    assert np.abs(found.mean - expected.mean(0)).max() < 1e-6
    assert np.abs(found.std - expected.std(0)).max() < 1e-6
    first = freqbias.jax.gradient_spectrum(
        lambda x: function(x.transpose(0, 2, 3, 1)), [(pixels, labels)], layout="NCHW", progress=False
    )
    assert np.abs(first.mean - found.mean).max() < 1e-6
    dictionary = freqbias.jax.gradient_spectrum(function, [{"images": last, "labels": labels}], progress=False)
    assert np.abs(dictionary.mean - found.mean).max() < 1e-6


def test_measures_of_a_function(images):
    model_fn, gradient_fn = freqbias.jax.functions(network())
    found = freqbias.band_accuracy(model_fn, *images, radii=[4], progress=False)
    logits = np.asarray(network()(images[0].transpose(0, 2, 3, 1)))
    assert found.data["checkpoints"][0]["components"][0]["correct"] == (logits.argmax(1) == images[1]).sum()
    row = freqbias.sensitivity(model_fn, gradient_fn, *images, progress=False).row
    spectrum = freqbias.GradientSpectrum(32, 32)
    spectrum.update(gradient_fn(*images))
    assert np.abs(spectrum.result().sensitivity.mean - row["mean"]).max() < 1e-5


def test_what_cannot_be_measured_is_an_exception(images):
    pixels, labels = images[0].transpose(0, 2, 3, 1), images[1]
    unknown = np.where(np.arange(32)[:, None, None, None] == 3, np.nan, pixels).astype(np.float32)
    for loader, settings, error, words in [
        ([(unknown, labels)], {}, ValueError, "image 3 has a pixel of nan: expected finite numbers"),
        ([(jnp.asarray(unknown, "bfloat16"), labels)], {}, ValueError, "image 3 has a pixel of nan: expected finite"),
        ([pixels], {}, ValueError, r"a batch of type ndarray: expected \(images, labels\)"),
        (None, {}, TypeError, "loader of type NoneType: expected batches"),
        ([], {"layout": []}, TypeError, r"layout \[\]: expected a string"),
        ([], {"layout": "nhwc"}, ValueError, "layout 'nhwc': expected"),
        ([], {}, ValueError, "the loader gave no images"),
    ]:
        with pytest.raises(error, match=words):
            freqbias.jax.gradient_spectrum(network(), loader, **settings)
    with pytest.raises(TypeError, match="function of type NoneType"):
        freqbias.jax.gradient_spectrum(None, [(pixels, labels)])


def test_what_is_not_a_number_is_never_right(images):
    pixels, labels = images[0].transpose(0, 2, 3, 1), np.zeros(32, np.int64)
    # Class 0 is right of all images, but every second has a score that is not a number.
    odd = jnp.arange(32)[:, None] % 2 == 1

    def function(x):
        scores = network()(x) + 100 * (jnp.arange(10) == 0)
        return jnp.where(odd & (jnp.arange(10) == 9), jnp.nan, scores)

    assert freqbias.jax.gradient_spectrum(function, [(pixels, labels)], progress=False).accuracy == 50


def test_arrays_of_jax():
    values = jax.random.normal(jax.random.key(0), (4, 3, 32, 32))
    spectra = []
    for array in [values, np.asarray(values)]:
        spectrum = freqbias.GradientSpectrum(32, 32)
        spectrum.update(array)
        spectra.append(spectrum.result().mean)
    assert np.array_equal(*spectra)
    spectrum = freqbias.GradientSpectrum(32, 32)
    spectrum.update(values.astype("bfloat16"))
    assert np.abs(spectrum.result().mean - spectra[0]).max() < 0.02
