"""JAX functions against the definition in float64."""

import numpy as np
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


def test_measures_of_a_function(images):
    model_fn, gradient_fn = freqbias.jax.functions(network())
    found = freqbias.band_accuracy(model_fn, *images, radii=[4], progress=False)
    logits = np.asarray(network()(images[0].transpose(0, 2, 3, 1)))
    assert found.data["checkpoints"][0]["components"][0]["correct"] == (logits.argmax(1) == images[1]).sum()
    row = freqbias.sensitivity(model_fn, gradient_fn, *images, progress=False).row
    spectrum = freqbias.GradientSpectrum(32, 32)
    spectrum.update(gradient_fn(*images))
    assert np.abs(spectrum.result().sensitivity.mean - row["mean"]).max() < 1e-5


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
