"""The measures of two functions: values that are known on paper, and what is refused."""

import numpy as np
import pytest

import freqbias


def wave(k, size=32):
    return np.cos(2 * np.pi * k * np.arange(size) / size).astype(np.float32)


class Linear:
    """Two classes by one wave of eight periods: its gradient is that wave, whatever the image."""

    direction = np.broadcast_to(wave(8), (3, 32, 32)) / 50

    def logits(self, images):
        score = (images * self.direction).sum((1, 2, 3))
        return np.stack([np.zeros_like(score), score], 1).astype(np.float32)

    def gradient(self, images, labels):
        share = 1 / (1 + np.exp(-self.logits(images)[:, 1].astype(np.float64)))
        return ((share - labels)[:, None, None, None] * self.direction).astype(np.float32)


@pytest.fixture
def linear():
    images, labels = freqbias.synthetic(24)
    return Linear().logits, Linear().gradient, images, labels % 2


def test_a_linear_model_looks_at_its_own_wave(linear):
    found = freqbias.sensitivity(*linear)
    assert abs(found.row["mean"][7] - 1) < 1e-6 and abs(found.row["centre"] - 8) < 1e-5
    attack = freqbias.attack_spectrum(*linear, eps=0.5, steps=2)
    change = attack.arrays["change"][0]
    assert change.argmax() == 7
    heat = freqbias.fourier_heat_map(*linear, window=9)
    first = heat.arrays["first_order"][0]
    # The only direction that the loss depends on is (0, ±8).
    places = np.argwhere(first > first[np.isfinite(first)].max() / 2)
    assert sorted(map(tuple, places - 9)) == [(0, -8), (0, 8)]


def test_given_corruptions_are_measured_as_they_are(linear):
    model, gradient, images, labels = linear
    # Waves of one frequency each: only that of the model's own can change what it says.
    waves = {k: [np.clip(images + s * 0.02 * wave(k), 0, 1) for s in range(1, 6)] for k in (3, 8)}
    found = freqbias.corruptions(*linear, corrupted={f"wave {k}": sets for k, sets in waves.items()})
    assert found.data["corruptions"] == ["wave 3", "wave 8"]
    far = np.rint(np.hypot(*np.meshgrid(*[np.fft.fftfreq(32, 1 / 32)] * 2)))
    for errors, changes, sets in zip(found.row["error"], found.row["change"], waves.values(), strict=True):
        for error, change, pixels in zip(errors, changes, sets, strict=True):
            assert error == (model(pixels).argmax(1) != labels).mean()
            size = np.abs(np.fft.fft2(pixels.astype(np.float64) - images, norm="ortho"))
            rings = [size[..., far == r].mean() for r in found.data["radii"]]
            assert np.allclose(change, rings, rtol=1e-5, atol=1e-7)
    assert found.row["error"][0] != found.row["error"][1]
    assert found.row["ce"] == [None, None] and found.row["mce"] is None
    # Errors of a model in proportion to its own.
    again = freqbias.corruptions(*linear, corrupted={f"wave {k}": sets for k, sets in waves.items()}, beside=found)
    assert again.row["ce"] == [1.0 if error > 0 else None for error in found.row["mean_error"]]
    assert again.data["settings"]["reference"] == "model on images"
    with pytest.raises(TypeError, match="beside of type dict: expected what corruptions"):
        freqbias.corruptions(*linear, beside=found.data)
    with pytest.raises(freqbias.Error, match="beside: results of sensitivity"):
        freqbias.corruptions(*linear, beside=freqbias.sensitivity(*linear))
    for corrupted, error, words in [
        ({"few": [images] * 3}, freqbias.Error, "few: images of 3 severities"),
        ({"small": [images[:3]] * 5}, ValueError, "small of shape"),
        ({}, ValueError, "corrupted is empty"),
        ({"dark": [images - 1] * 5}, ValueError, "expected numbers from 0 to 1"),
    ]:
        with pytest.raises(error, match=words):
            freqbias.corruptions(*linear, corrupted=corrupted)


def test_accuracies_on_components_by_name(linear):
    model, _, images, labels = linear
    found = freqbias.band_accuracy(model, images, labels, radii=[4], bands=[(4, 12)])
    assert list(found.row) == ["original", "rescaled only", "low r = 4", "high r = 4", "band 4-12"]
    right = 100 * (model(images).argmax(1) == labels).mean()
    assert np.isclose(found.row["original"]["prec1"], right) and np.isclose(found.arrays["prec1"][0], right)
    assert found.arrays["loss"].shape == (5,)
    only = freqbias.band_accuracy(model, images, labels, radii=[], bands=[(4, 12)])
    assert list(only.row) == ["original", "rescaled only", "band 4-12"]


def test_settings_of_the_program(linear):
    model, gradient, images, labels = linear
    pale, strong = (freqbias.critical_bands(model, images, labels, contrast=contrast) for contrast in (0.1, 1.0))
    assert (pale.arrays["accuracy"] != strong.arrays["accuracy"]).any()
    drawn = freqbias.fourier_heat_map(model, gradient, images, labels, window=2, precision_goal=0.4, batch_size=2)
    assert drawn.arrays["images_drawn"].max() < len(images)


def test_what_is_not_a_number_is_never_right(linear):
    _, gradient, images, labels = linear
    broken = lambda x: np.full((len(x), 2), [np.nan, 0.0], np.float32)  # noqa: E731
    assert freqbias.sensitivity(broken, gradient, images, labels).row["accuracy"] == 0


def test_progress_and_notebooks(linear, capsys):
    found = freqbias.phase_amplitude(linear[0], *linear[2:], progress=True)
    assert found.data["n_images"] == 24 and "by phase" in repr(found)
    named = freqbias.phase_amplitude(linear[0], *linear[2:], name="<b>mine</b>")
    assert "<b>mine" not in named._repr_html_()
    assert found._repr_html_().startswith("<pre>") and found._repr_png_().startswith(b"\x89PNG")
    pandas = pytest.importorskip("pandas")
    assert isinstance(found.to_pandas(), pandas.DataFrame)


def test_batches_make_no_difference(linear):
    for measure in [freqbias.band_accuracy, freqbias.phase_amplitude]:
        one, other = (measure(linear[0], *linear[2:], batch_size=size).data for size in (5, 24))
        strip = lambda data: {key: value for key, value in data.items() if key != "settings"}  # noqa: E731
        for data in (one, other):
            for part in data.get("checkpoints", [{}])[0].get("components", []):
                part["loss"] = round(part["loss"], 6)
        assert strip(one) == strip(other)


def test_a_model_may_work_in_place_and_a_batch_be_larger_than_all(linear):
    model, _, images, labels = linear
    before = images.copy()

    def in_place(batch):
        batch *= 0.5
        return model(batch)

    found = freqbias.critical_bands(in_place, images, labels, batch_size=10**12)
    pure = freqbias.critical_bands(lambda batch: model(batch * np.float32(0.5)), images, labels)
    assert found.arrays["accuracy"].tolist() == pure.arrays["accuracy"].tolist()
    assert np.array_equal(images, before)


def test_what_cannot_be_measured_is_an_exception(linear):
    model, gradient, images, labels = linear
    refused = [
        (model, images * 3 - 1, labels, ValueError, "expected numbers from 0 to 1; a normaliser belongs"),
        (model, np.where(images > 2, 0, np.nan).astype(np.float32), labels, ValueError, "pixel of NaN"),
        (model, images[:0], labels[:0], ValueError, "no images"),
        (model, images[:, :1], labels, ValueError, r"expected \(images, 3, height, width\)"),
        (model, images, labels[:3], ValueError, "one for each image"),
        (model, images, labels + 5, ValueError, "expected 0 to 1"),
        (model, images, -labels, ValueError, "labels from -1"),
        (lambda x: x, images, labels, ValueError, "logits of shape"),
        (lambda x: "no", images, labels, TypeError, "logits of type"),
        (lambda x: model(x)[:, :1] if len(x) > 1 else model(x), images, labels, freqbias.Error, "expected"),
        (lambda x: model(x)[:1], images, labels, freqbias.Error, r"the network gave logits of shape \[1, 2\]"),
    ]
    for model_fn, pixels, numbers, error, words in refused:
        with pytest.raises(error, match=words):
            freqbias.band_accuracy(model_fn, pixels, numbers)
    with pytest.raises(freqbias.Error, match="pixel gradient of shape"):
        freqbias.sensitivity(model, lambda x, y: gradient(x, y)[:, :, :5], images, labels)
    with pytest.raises(freqbias.Error, match="none of the 24 images"):
        freqbias.sensitivity(model, lambda x, y: 0 * x, images, labels)
    with pytest.raises(ValueError, match='"2" or "inf"'):
        freqbias.attack_spectrum(model, gradient, images, labels, constraint="1")
    for wrong, error, words in [
        ({"radii": []}, ValueError, "no bands: expected some of the first two, or bands"),
        ({"sides": []}, ValueError, "no bands: expected some of the first two, or bands"),
        ({"radii": [4.5]}, TypeError, "radii 4.5: expected a whole number"),
        ({"radii": [-1]}, ValueError, "radii -1: expected a whole number from 0 on"),
        ({"sides": "low"}, TypeError, "sides 'low': expected a list of strings"),
        ({"bands": [4]}, ValueError, r"band 4: expected two radii"),
        ({"bands": 4}, TypeError, r"bands 4: expected a list of \(inner, outer\)"),
        ({"shape": 5}, TypeError, "shape 5: expected a string"),
        ({"rescale": None}, TypeError, "rescale None: expected a string"),
        ({"batch_size": 2.5}, TypeError, "batch_size 2.5: expected a whole number from 1 on"),
        ({"name": 5}, TypeError, "name 5: expected a string"),
        ({"class_names": "ab"}, TypeError, "class_names 'ab': expected a list of strings"),
    ]:
        with pytest.raises(error, match=words):
            freqbias.band_accuracy(model, images, labels, **wrong)
    with pytest.raises(ValueError, match="seed -1: expected a whole number from 0 on"):
        freqbias.critical_bands(model, images, labels, seed=-1)
    with pytest.raises(ValueError, match="of_classes is empty"):
        freqbias.shortcuts(model, images, labels, of_classes=[])
    with pytest.raises(TypeError, match="corrupted of type list: expected a dictionary"):
        freqbias.corruptions(model, gradient, images, labels, corrupted=[images])
    for wrong, words in [({"a": 5}, "a 5: expected a list of five arrays"), ({5: [images] * 5}, "corruption 5: expected a string")]:
        with pytest.raises(TypeError, match=words):
            freqbias.corruptions(model, gradient, images, labels, corrupted=wrong)
    with pytest.raises(ValueError, match="of_classes 1099511627776: expected 0 to"):
        freqbias.shortcuts(model, images, labels, of_classes=[2**40])
    with pytest.raises(TypeError, match="clip 'no': expected True or False"):
        freqbias.phase_amplitude(model, images, labels, clip="no")
    with pytest.raises(TypeError, match="clip 2.5: expected True or False"):
        freqbias.fourier_heat_map(model, gradient, images, labels, clip=2.5)
    with pytest.raises(TypeError, match="random_start 1: expected True or False"):
        freqbias.attack_spectrum(model, gradient, images, labels, random_start=1)
    with pytest.raises(ValueError, match=r"norm 1e\+300: expected a finite number"):
        freqbias.fourier_heat_map(model, gradient, images, labels, norm=1e300)
    with pytest.raises(TypeError, match="gradient_fn of type str"):
        freqbias.sensitivity(model, "gradient", images, labels)
    with pytest.raises(ValueError, match="gradients that are not finite, of 24 of 24 images"):
        freqbias.fourier_heat_map(model, lambda x, y: gradient(x, y) * np.nan, images, labels, window=1)
    with pytest.raises(ValueError, match="eps"):
        freqbias.attack_spectrum(model, gradient, images, labels, eps=-1)
    with pytest.raises(ValueError, match="window 0"):
        freqbias.fourier_heat_map(model, gradient, images, labels, window=0)
    with pytest.raises(ValueError, match="batch_size 0"):
        freqbias.phase_amplitude(model, images, labels, batch_size=0)
    with pytest.raises(ValueError, match="3 class_names: expected 2"):
        freqbias.shortcuts(model, images, labels, class_names=["a", "b", "c"])
    with pytest.raises(ValueError, match="rescale"):
        freqbias.band_accuracy(model, images, labels, rescale="maybe")
    with pytest.raises(freqbias.Error, match="band 9-3|ring from 9"):
        freqbias.band_accuracy(model, images, labels, bands=[(9, 3)])
    with pytest.raises(freqbias.Error):
        freqbias.phase_amplitude(model, images, labels * 0)
