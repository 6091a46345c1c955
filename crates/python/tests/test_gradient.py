"""GradientSpectrum against the definition, and what it refuses."""

import multiprocessing
import pickle
import threading
import zlib

import numpy as np
import pytest
from conftest import gradients, profiles, shares

import freqbias


def spectrum_of(values, convention="reference"):
    _, channels, height, width = values.shape
    spectrum = freqbias.GradientSpectrum(height, width, channels, convention)
    spectrum.update(values)
    return spectrum


@pytest.mark.parametrize("shape", [(3, 32, 32), (1, 28, 28), (3, 33, 24), (4, 64, 64), (3, 224, 224)])
@pytest.mark.parametrize("convention", ["reference", "textbook", "nearest"])
def test_it_is_the_definition(shape, convention):
    values = gradients(9 if shape[1] > 100 else 70, shape)
    found = spectrum_of(values, convention).result()
    expected = profiles(values, convention)
    assert np.abs(found.mean - expected.mean(0)).max() < 1e-6
    assert np.abs(found.std - expected.std(0)).max() < 1e-6
    energies = shares(values)
    assert np.abs(found.sensitivity.mean - energies.mean(0)).max() < 1e-6
    assert np.abs(found.sensitivity.std - energies.std(0)).max() < 1e-6
    assert (found.count, found.skipped) == (len(values), 0)


def test_intervals_are_students():
    scipy = pytest.importorskip("scipy.stats")
    values = gradients(12)
    found, expected = spectrum_of(values).result(), profiles(values)
    half = scipy.t.ppf(0.975, 11) * expected.std(0, ddof=1) / np.sqrt(12)
    assert np.abs(found.interval - np.stack([expected.mean(0) - half, expected.mean(0) + half], 1)).max() < 1e-6
    assert spectrum_of(values[:1]).result().interval is None


def test_batches_threads_processes_and_merges_make_no_difference():
    values = gradients(200)
    whole = spectrum_of(values).result()
    batches = freqbias.GradientSpectrum(32, 32)
    for start in range(0, 200, 33):
        batches.update(values[start : start + 33])
    assert np.array_equal(batches.result().mean, whole.mean) and np.array_equal(batches.result().std, whole.std)

    shared = freqbias.GradientSpectrum(32, 32)
    threads = [threading.Thread(target=shared.update, args=(values[at::8],)) for at in range(8)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert shared.count == 200
    assert np.abs(shared.result().mean - whole.mean).max() < 1e-12

    with multiprocessing.get_context("spawn").Pool(2) as pool:
        parts = pool.map(spectrum_of, [values[:120], values[120:]])
    merged = freqbias.GradientSpectrum(32, 32)
    [merged.merge(part) for part in parts]
    merged.merge(freqbias.GradientSpectrum(32, 32).sums())
    assert merged.count == 200 and np.abs(merged.result().std - whole.std).max() < 1e-12
    again = pickle.loads(pickle.dumps(merged))
    assert np.array_equal(again.result().mean, merged.result().mean)


def test_gradients_without_a_profile_are_counted():
    values = gradients(6)
    values[0], values[1], values[2, 0, 3, 3], values[3, 1, 0, 0] = 0, 0.25, np.nan, np.inf
    spectrum = spectrum_of(values)
    assert (spectrum.count, spectrum.skipped) == (2, 4)
    assert np.abs(spectrum.result().mean - profiles(values[4:]).mean(0)).max() < 1e-6
    nothing = spectrum_of(values[:4])
    with pytest.raises(freqbias.Error, match="none of the 4 images has an input gradient"):
        nothing.result()


def test_any_strides_types_and_scales():
    values = gradients(10)
    expected = spectrum_of(values).result().mean
    last = np.ascontiguousarray(values.transpose(0, 2, 3, 1))
    unaligned = np.frombuffer(b"x" + values.tobytes(), np.uint8)[1:].view(np.float32).reshape(values.shape)
    for other in [
        last.transpose(0, 3, 1, 2),
        np.repeat(values, 2, 0)[::2],
        np.ascontiguousarray(values[::-1])[::-1],
        unaligned,
        values.astype(np.float64),
        values.astype(np.float64) * 1e-200,
        values.astype(">f4"),
        values * np.float32(1e-30),
    ]:
        assert np.abs(spectrum_of(other).result().mean - expected).max() < 1e-6
    assert np.abs(spectrum_of(values.astype(np.float16)).result().mean - expected).max() < 1e-3
    readonly = values.copy()
    readonly.flags.writeable = False
    assert np.array_equal(spectrum_of(readonly).result().mean, expected)


def test_what_speaks_dlpack_or_the_array_interface():
    values = gradients(5)

    class Interface:
        __array_interface__ = values.__array_interface__

    class DLPack:
        def __dlpack__(self, **options):
            return values.__dlpack__(**options)

        def __dlpack_device__(self):
            return values.__dlpack_device__()

    expected = spectrum_of(values).result().mean
    for other in [Interface(), DLPack()]:
        spectrum = freqbias.GradientSpectrum(32, 32)
        spectrum.update(other)
        assert np.array_equal(spectrum.result().mean, expected)


def test_contiguous_float32_is_not_copied():
    from freqbias import _arrays

    values = gradients(2)
    assert np.shares_memory(_arrays.scaled(values, "gradients"), values)


@pytest.mark.parametrize(
    "values, error, words",
    [
        (np.zeros((2, 3, 32, 32), np.int64), TypeError, "gradients of type int64: expected float32"),
        (np.zeros((2, 3, 32, 32), np.complex64), TypeError, "complex64"),
        (np.array(["a"]), TypeError, "expected float32"),
        (np.zeros((3, 32, 32), np.float32), ValueError, r"shape \(3, 32, 32\): expected \(images, channels"),
        (np.zeros((2, 3, 32, 31), np.float32), ValueError, "3×32×31: expected 3×32×32"),
        (np.zeros((2, 1, 32, 32), np.float32), ValueError, "1×32×32: expected 3×32×32"),
        (None, TypeError, "object"),
        ([[1.0, 2.0]], ValueError, "shape"),
    ],
)
def test_what_cannot_be_used_is_an_exception(values, error, words):
    spectrum = freqbias.GradientSpectrum(32, 32)
    with pytest.raises(error, match=words):
        spectrum.update(values)
    spectrum.update(np.zeros((0, 3, 32, 32), np.float32))
    assert (spectrum.count, spectrum.skipped) == (0, 0)


def test_spectra_that_cannot_be_made_or_merged():
    with pytest.raises(freqbias.Error, match="1×1: expected at least 2×2"):
        freqbias.GradientSpectrum(1, 1)
    for sides in [(0, 32), (-1, 32), (32, 100_000), (32, 2**70)]:
        with pytest.raises(ValueError, match="expected"):
            freqbias.GradientSpectrum(*sides)
    for side in [32.5, "32", True, None]:
        with pytest.raises(TypeError, match="height .*: expected a whole number from 1 on"):
            freqbias.GradientSpectrum(side, 32)
    with pytest.raises(ValueError, match='convention "round"'):
        freqbias.GradientSpectrum(32, 32, convention="round")
    spectrum = freqbias.GradientSpectrum(32, 32)
    # As many bands, and something else all the same.
    for other in [freqbias.GradientSpectrum(16, 16), freqbias.GradientSpectrum(32, 32, 1)]:
        for sent in [other, other.sums()]:
            with pytest.raises(ValueError, match='sums of gradients of .*: expected gradients of 3×32×32, convention "reference"'):
                spectrum.merge(sent)
    with pytest.raises(TypeError, match="str to merge"):
        spectrum.merge("sums")
    for damaged in [b"", b"{}", b'{"skipped":0,"profiles":{"count":1,"mean":[1],"squares":[1]},"shares":1}']:
        with pytest.raises(ValueError, match="no sums of a gradient spectrum: expected the bytes that sums"):
            spectrum.merge(damaged)
    of = b'"channels":3,"height":32,"width":32,"convention":"reference"'
    odd = b'{"skipped":0,"profiles":{"count":5,"mean":[%s],"squares":[1]},"shares":{"count":4,"mean":[],"squares":[]}}'
    with pytest.raises(freqbias.Error, match="expected sums of"):
        sums = b'{%s,"sums":%s}' % (of, odd % b",".join([b"1"] * 20))
        spectrum.merge(sums + b"\n%08x" % zlib.crc32(sums))
    sums = spectrum_of(gradients(3)).sums()
    for at in range(0, len(sums), 7):
        with pytest.raises(ValueError, match="as they were"):
            spectrum.merge(sums[:at] + bytes([sums[at] ^ 1]) + sums[at + 1 :])
    with pytest.raises(freqbias.Error, match="no gradients yet"):
        spectrum.result()
    with pytest.raises(TypeError, match="a masked array"):
        spectrum.update(np.ma.masked_array(gradients(2), gradients(2) > 0))


def test_results_are_tables_and_figures():
    found = spectrum_of(gradients(20)).result()
    assert repr(found) == f"Spectrum of 20 gradients: 20 bands, centre {found.centre:.2f}"
    assert found == spectrum_of(gradients(20)).result() and found != spectrum_of(gradients(19)).result()
    png = found._repr_png_()
    assert png.startswith(b"\x89PNG") and "data:image/png" in found._repr_html_()
    for accuracy, error in [("x", TypeError), (np.nan, ValueError)]:
        with pytest.raises(error, match="accuracy .*: expected a"):
            spectrum_of(gradients(2)).result(accuracy)
    assert 1 <= found.peak <= 20 and 1 < found.centre < 20
    pandas = pytest.importorskip("pandas")
    table = found.to_pandas()
    assert isinstance(table, pandas.DataFrame) and list(table.index) == list(range(1, 21))
    assert np.array_equal(table["mean"], found.mean) and list(table.columns) == ["mean", "std", "low", "high"]


def test_a_heat_map_of_spectra(tmp_path):
    spectra = [spectrum_of(gradients(5, seed=seed)).result() for seed in range(3)]
    figure = freqbias.heat_map(spectra, epochs=[0, 5, 9])
    figure.save(tmp_path / "map.png")
    assert (tmp_path / "map.png").read_bytes() == figure.png and figure.png.startswith(b"\x89PNG")
    assert [path.name for path in tmp_path.iterdir()] == ["map.png"]
    with pytest.raises(ValueError, match="saved as PNG; expected a name that ends in .png, found .svg"):
        figure.save(tmp_path / "map.svg")
    with pytest.raises(IsADirectoryError):
        figure.save(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["map.png"]
    with pytest.raises(ValueError, match="no spectra"):
        freqbias.heat_map([])
    with pytest.raises(freqbias.Error, match="epoch 0 after epoch 1"):
        freqbias.heat_map(spectra[:2], epochs=[1, 0])
    for wrong, words in [
        ((spectra[0],), "spectra Spectrum of .*: expected a list of spectra"),
        (([5],), "spectra of which one is of type int"),
        ((spectra[:1], 5), "epochs 5: expected a list of whole numbers"),
        ((spectra[:1], None, 5), "title 5: expected a string"),
    ]:
        with pytest.raises(TypeError, match=words):
            freqbias.heat_map(*wrong)


@pytest.mark.parametrize(
    "radii, settings, error, words",
    [
        (5, {}, TypeError, "radii 5: expected a list of whole numbers"),
        ([1.5, 2], {}, TypeError, "radii 1.5: expected a whole number"),
        ([1, 2], {"values": [[1, 2]]}, TypeError, "values of type list: expected a dictionary"),
        ([1, 2], {"values": {5: [1, 2]}}, TypeError, "label 5: expected a string"),
        ([1, 2], {"values": {"a": ["x", "y"]}}, TypeError, "expected a list of numbers"),
        ([1, 2], {"values": {"a": [[1, 2]]}}, ValueError, r"values of shape \(1, 2\): expected a list of numbers"),
        ([1, 2], {"stds": {"b": [1, 2]}}, ValueError, "stds of 'b': expected labels of the curves, 'a'"),
        ([1, 2], {"right": None}, TypeError, "right None: expected a string"),
    ],
)
def test_curves_that_cannot_be_drawn(radii, settings, error, words):
    with pytest.raises(error, match=words):
        freqbias.curves(radii, **{"values": {"a": [1, 2]}, **settings})
