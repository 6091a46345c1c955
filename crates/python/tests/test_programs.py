"""What Python measures is what the programs measure, of the same checkpoint on the same images."""

import json
import pickle
import subprocess

import numpy as np
import pytest
from conftest import program

import freqbias

ON = ["--dataset", "synthetic", "--limit-train", "256", "--limit-test", "48"]


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run of the program: two epochs of a small network."""
    folder = tmp_path_factory.mktemp("runs")
    train = ["--arch", "resnet20", "--epochs", "2", "--out-dir", str(folder), "--quiet"]
    call("easy_train", *ON, *train)
    return folder / "synthetic" / "resnet20_baseline"


def call(name, *flags):
    done = subprocess.run([*program(name), *flags], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def network(run):
    return freqbias.load(run / "1_checkpoint.safetensors")


@pytest.fixture(scope="module")
def images():
    return freqbias.synthetic(48)


def test_grad_finds_the_same_spectrum(run, network, images):
    call("grad", *ON, "--run", str(run), "--quiet")
    expected = json.loads((run / "grad/gradient_spectrum.json").read_text())
    spectrum = freqbias.GradientSpectrum(32, 32)
    for start in range(0, 48, 20):
        batch = slice(start, start + 20)
        spectrum.update(network.input_gradient(images[0][batch], images[1][batch], scaled=True))
    found = spectrum.result()
    assert expected["radii"] == found.radii.tolist()
    assert np.abs(found.mean - expected["mean"][1]).max() < 1e-6
    assert np.abs(found.std - expected["std"][1]).max() < 1e-6
    accuracy = (network.logits(images[0]).argmax(1) == images[1]).mean()
    assert abs(100 * accuracy - expected["nat_prec1"][1]) < 1e-9


@pytest.mark.parametrize(
    "name, flags, measure",
    [
        ("fourier-heat-map", ["--window", "3"], lambda n, x, y: freqbias.fourier_heat_map(n.logits, n.gradient, x, y, window=3)),
        ("sensitivity", [], lambda n, x, y: freqbias.sensitivity(n.logits, n.gradient, x, y)),
        ("critical-bands", [], lambda n, x, y: freqbias.critical_bands(n.logits, x, y)),
        ("shortcuts", ["--classes", "2,5", "--limit-test", "16"], lambda n, x, y: freqbias.shortcuts(n.logits, x[:16], y[:16], of_classes=[2, 5], class_names=n.names)),
        ("corruptions", ["--limit-test", "24"], lambda n, x, y: freqbias.corruptions(n.logits, n.gradient, x[:24], y[:24])),
        ("phase-amplitude", [], lambda n, x, y: freqbias.phase_amplitude(n.logits, x, y)),
        (
            "attack-spectrum",
            ["--constraint", "2", "--eps", "0.5", "--attack-steps", "3", "--attack-lr", "0.25"],
            lambda n, x, y: freqbias.attack_spectrum(n.logits, n.gradient, x, y, eps=0.5, step=0.25, steps=3),
        ),
    ],
)
def test_measures_find_the_same(run, network, images, name, flags, measure):
    network.names = json.loads((run / "config.json").read_text())["classes"]
    file = str(run / "1_checkpoint.safetensors")
    call("measure", name, *ON, "--arch", "resnet20", "--checkpoints", file, "--out-dir", str(run), *flags)
    path = next(run.rglob(f"{name}.json"))
    expected = json.loads(path.read_text())
    found = measure(network, *images)
    assert found.data["settings"] == expected["settings"]
    compare(found.row, expected["rows"][0])
    archive = np.load(path.with_suffix(".npz"))
    assert sorted(archive) == sorted(found.arrays)
    for key in archive:
        assert found.arrays[key].shape == archive[key].shape
        assert np.allclose(found.arrays[key], archive[key], rtol=1e-5, atol=1e-6, equal_nan=True), key
    assert found.figures[""].png.startswith(b"\x89PNG")


def compare(found, expected, where="row"):
    """Numbers are the same but for rounding, everything else exactly; paths and epochs are the program's."""
    if isinstance(expected, dict):
        assert sorted(found) == sorted(expected), where
        for key in set(expected) - {"epoch", "checkpoint"}:
            compare(found[key], expected[key], f"{where}.{key}")
    elif isinstance(expected, list):
        assert len(found) == len(expected), where
        for at, (a, b) in enumerate(zip(found, expected)):
            compare(a, b, f"{where}[{at}]")
    elif isinstance(expected, float):
        assert np.isclose(found, expected, rtol=1e-5, atol=1e-6), where
    else:
        assert found == expected, where


def test_evaluate_finds_the_same_accuracies(run, network, images):
    file = str(run / "1_checkpoint.safetensors")
    flags = ["--checkpoints", file, "--arch", "resnet20", "--out-dir", str(run), "--band", "2-9"]
    call("evaluate", *ON, *flags, "--freq", "low,high", "--r", "4,8")
    expected = json.loads(next(run.rglob("evaluation.json")).read_text())
    found = freqbias.band_accuracy(network.logits, *images, radii=[4, 8], bands=[(2, 9)])
    for a, b in zip(found.data["checkpoints"][0]["components"], expected["checkpoints"][0]["components"], strict=True):
        assert (a["correct"], a["confusion"]) == (b["correct"], b["confusion"])
        assert abs(a["loss"] - b["loss"]) < 1e-6
    assert found._repr_png_().startswith(b"\x89PNG") and "low r = 4" in found.table
    pandas = pytest.importorskip("pandas")
    assert isinstance(found.to_pandas(), pandas.DataFrame) and len(found.to_pandas()) == 7


def test_a_network_says_what_it_is(run, network, images):
    assert (network.arch, network.classes) == ("resnet20", 10)
    assert any("normaliser" in note for note in network.notes) and "resnet20" in repr(network)
    bytes_ = (images[0] * 255).round().astype(np.uint8)
    assert np.array_equal(network.logits(bytes_), network.logits(bytes_ / np.float32(255)))
    assert network.logits(images[0][:0]).shape == (0, 10)
    given = freqbias.load(run / "1_checkpoint.safetensors", "resnet20", normaliser=([0.5] * 3, [0.5] * 3))
    assert given.normaliser == ([0.5] * 3, [0.5] * 3)
    one = network.input_gradient(images[0][:1], images[1][:1])
    many = network.input_gradient(*(part[:20] for part in images))
    assert np.abs(one[0] - many[0]).max() < 1e-5 * np.abs(one).max()


def test_a_normaliser_that_is_guessed_is_warned_of(run, tmp_path, recwarn):
    own = (run / "1_checkpoint.safetensors").read_bytes()
    length = int.from_bytes(own[:8], "little")
    header = json.loads(own[8 : 8 + length])
    del header["__metadata__"]
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    path = tmp_path / "plain.safetensors"
    path.write_bytes(len(text).to_bytes(8, "little") + text + own[8 + length :])
    freqbias.load(run / "1_checkpoint.safetensors")
    freqbias.load(path, normaliser=([0.5] * 3, [0.5] * 3))
    assert not recwarn.list
    with pytest.warns(UserWarning, match="resnet20: the normaliser is the usual one of cifar10.*normaliser= names another"):
        network = freqbias.load(path)
    with pytest.raises(TypeError, match="cannot be pickled"):
        pickle.dumps(network)


def test_files_and_batches_that_cannot_be_used(tmp_path, run, network, images):
    (tmp_path / "text.pt").write_text("no weights")
    for path in [tmp_path / "missing.pt", tmp_path / "text.pt", tmp_path]:
        with pytest.raises(freqbias.Error, match=path.name):
            freqbias.load(path)
        with pytest.raises(freqbias.Error):
            freqbias.load_onnx(path, 32)
    with pytest.raises(ValueError, match="expected \\(height, width\\), or one number"):
        freqbias.load_onnx(tmp_path / "text.pt", (3, 32, 32))
    with pytest.raises(freqbias.Error, match="unknown architecture"):
        freqbias.load(run / "1_checkpoint.safetensors", "resnet2O")
    with pytest.raises(ValueError, match="expected 3 and 3"):
        freqbias.load(run / "1_checkpoint.safetensors", normaliser=([0.5], [0.5]))
    pixels, labels = images
    with pytest.raises(freqbias.Error, match="label 10"):
        network.input_gradient(pixels[:1], [10])
    with pytest.raises(ValueError, match="expected \\(48,\\)"):
        network.input_gradient(pixels, labels[:5])
    with pytest.raises(TypeError, match="labels of type float64"):
        network.input_gradient(pixels[:1], [1.5])
    with pytest.raises(freqbias.Error):
        network.logits(pixels[:1, :1])
