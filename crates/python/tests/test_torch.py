"""PyTorch modules against autograd in float64, image by image."""

import threading

import numpy as np
import pytest
from conftest import needs, profiles, shares

torch = needs("torch")

import freqbias  # noqa: E402
import freqbias.torch  # noqa: E402
from modules import MEAN, OWN_MEAN, OWN_STD, STD, Small, cifar_resnet, lambda_module, loader  # noqa: E402


def gradients(model, images, labels, normalise):
    """∂ cross-entropy / ∂ pixels in float64, each image alone."""
    model = model.double().eval()
    found = []
    for image, label in zip(images, labels):
        pixels = torch.as_tensor(image[None], dtype=torch.float64).requires_grad_()
        logits = model(normalise(pixels))
        logits = getattr(logits, "logits", logits)
        torch.nn.functional.cross_entropy(logits, torch.as_tensor([label])).backward()
        found.append(pixels.grad.numpy())
    return np.concatenate(found)


def resize(images, size):
    return torch.nn.functional.interpolate(torch.as_tensor(images), size, mode="bilinear").numpy()


def timm_vit():
    timm = needs("timm")
    return timm.create_model("vit_tiny_patch16_224", num_classes=10, img_size=64, patch_size=8), 64


def torchvision_resnet():
    models = needs("torchvision.models")
    return models.resnet18(num_classes=10), 64


def hugging_face():
    transformers = needs("transformers")
    size = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}
    config = transformers.ViTConfig(image_size=32, patch_size=4, num_labels=10, **size)
    return transformers.ViTForImageClassification(config), 32


@pytest.mark.parametrize("make", [timm_vit, torchvision_resnet, hugging_face])
def test_models_of_the_libraries(make, images):
    torch.manual_seed(0)
    model, size = make()
    pixels, labels = resize(images[0][:12], size), images[1][:12]
    model = model.double().train()
    modes = [module.training for module in model.modules()]
    found = freqbias.torch.gradient_spectrum(model, loader(pixels, labels), (MEAN, STD), progress=False)
    assert [module.training for module in model.modules()] == modes and all(modes)
    assert all(parameter.grad is None and parameter.requires_grad for parameter in model.parameters())
    of_mean, of_std = (torch.tensor(part).double().reshape(1, 3, 1, 1) for part in (MEAN, STD))
    expected = gradients(model, pixels, labels, lambda x: (x - of_mean) / of_std)
    assert np.abs(found.mean - profiles(expected).mean(0)).max() < 1e-6
    assert np.abs(found.std - profiles(expected).std(0)).max() < 1e-6
    assert np.abs(found.sensitivity.mean - shares(expected).mean(0)).max() < 1e-6
    assert found.count == 12 and 0 <= found.accuracy <= 100


def test_batches_modes_and_contexts_make_no_difference(images):
    model, (pixels, labels) = Small(), images
    model.body[0].eval()
    expected = freqbias.torch.gradient_spectrum(model, loader(pixels, labels, 32), progress=False)
    assert model.training and not model.body[0].training and model.body[1].training
    with torch.no_grad():
        found = freqbias.torch.gradient_spectrum(model, loader(pixels, labels, 7), progress=False)
    with torch.inference_mode():
        again = freqbias.torch.gradient_spectrum(model, loader(pixels, labels, 32), progress=False)
    assert np.abs(found.mean - expected.mean).max() < 1e-5 and np.abs(again.mean - expected.mean).max() < 1e-5
    dictionary = [{"pixel_values": pixels, "labels": labels}]
    assert np.abs(freqbias.torch.gradient_spectrum(model, dictionary).mean - expected.mean).max() < 1e-5
    bytes_ = [(torch.as_tensor((pixels * 255).round()).byte(), labels)]
    assert np.abs(freqbias.torch.gradient_spectrum(model, bytes_).mean - expected.mean).max() < 1e-3


def test_a_sure_model_has_the_gradient_of_float64(images):
    pixels, labels = images[0][:8], images[1][:8]
    model = Small(scale=3000.0)
    found = freqbias.torch.gradient_spectrum(model, [(pixels, labels)], progress=False)
    naive = torch.as_tensor(pixels).requires_grad_()
    torch.nn.functional.cross_entropy(model.eval()(naive), torch.as_tensor(labels), reduction="sum").backward()
    zero = (naive.grad.flatten(1).abs().amax(1) == 0).numpy()
    # Where the model is sure and right, float32 has no gradient; the direction is that of its two best classes.
    right = model(torch.as_tensor(pixels)).argmax(1).numpy() == labels
    assert (zero == (zero & right)).all() and found.skipped == 0 and found.count == 8


def test_autocast_is_the_callers(images):
    model = Small()
    seen = []
    model.body[7].register_forward_hook(lambda _, __, output: seen.append(output.dtype))
    with torch.autocast("cpu", torch.bfloat16):
        half = freqbias.torch.gradient_spectrum(model, loader(*images), progress=False)
        freqbias.band_accuracy(freqbias.torch.functions(model)[0], *images, radii=[4], progress=False)
    assert set(seen) == {torch.bfloat16}
    whole = freqbias.torch.gradient_spectrum(model, loader(*images), progress=False)
    assert 0 < np.abs(half.mean - whole.mean).max() < 0.05
    bf16 = freqbias.torch.gradient_spectrum(Small().bfloat16(), loader(*images), progress=False)
    assert np.abs(bf16.mean - whole.mean).max() < 0.05


def test_tensors_are_read_where_they_lie():
    values = torch.randn(4, 3, 32, 32)
    from freqbias import _arrays

    assert np.shares_memory(_arrays.scaled(values, "gradients"), values.numpy())
    spectra = []
    for tensor in [
        values,
        values.clone().requires_grad_(),
        values.double(),
        values.to(memory_format=torch.channels_last),
        -(-values),
        torch.nn.Parameter(values),
    ]:
        spectrum = freqbias.GradientSpectrum(32, 32)
        spectrum.update(tensor)
        spectra.append(spectrum.result().mean)
    assert all(np.abs(other - spectra[0]).max() < 1e-6 for other in spectra)
    for tensor in [values.bfloat16(), values.half()]:
        spectrum = freqbias.GradientSpectrum(32, 32)
        spectrum.update(tensor)
        assert np.abs(spectrum.result().mean - spectra[0]).max() < 0.02
    for tensor in [values.long(), values.to(torch.complex64), values.to_sparse(), torch.empty(2, 3, device="meta")]:
        with pytest.raises((TypeError, ValueError, RuntimeError)):
            freqbias.GradientSpectrum(32, 32).update(tensor)


def test_measures_of_a_module(images):
    pixels, labels = images
    model = Small()
    model_fn, gradient_fn = freqbias.torch.functions(model, (MEAN, STD))
    found = freqbias.sensitivity(model_fn, gradient_fn, pixels, labels, progress=False)
    of_mean, of_std = (torch.tensor(part).double().reshape(1, 3, 1, 1) for part in (MEAN, STD))
    plain = gradients(Small(), pixels, labels, lambda x: (x - of_mean) / of_std)
    assert np.abs(np.array(found.row["mean"]) - shares(plain).mean(0)).max() < 1e-5
    assert np.abs(gradient_fn(pixels, labels) - plain).max() < 1e-5 * np.abs(plain).max()
    heat = freqbias.fourier_heat_map(model_fn, gradient_fn, pixels, labels, window=2, progress=False)
    # The first order by its definition: v² Σ_c ⟨g_c, U_k⟩², of the mean over images.
    norm, first = 4.0, heat.arrays["first_order"][0]
    i, j = np.mgrid[:32, :32]
    u = np.cos(2 * np.pi * (1 * i + 2 * j) / 32)
    u /= np.linalg.norm(u)
    expected = norm**2 * ((plain * u).sum((2, 3)) ** 2).sum(1).mean()
    assert np.isclose(first[2 + 1, 2 + 2], expected, rtol=1e-4)
    assert model.training


def test_what_cannot_be_measured_is_an_exception(images):
    pixels, labels = images
    measure = freqbias.torch.gradient_spectrum
    model = Small()
    for batches, error, words in [
        ([], ValueError, "no images"),
        ([pixels], ValueError, r"expected \(images, labels\)"),
        ([(pixels[0], labels)], ValueError, "expected \\(images, channels"),
        ([(pixels, labels[:3])], ValueError, "one for each image"),
        ([(pixels, labels + 5)], ValueError, "for the model has 10 classes"),
        ([(torch.as_tensor(pixels).long(), labels)], TypeError, "int64"),
    ]:
        with pytest.raises(error, match=words):
            measure(model, batches, progress=False)
        assert model.training and model.body[1].training
    with pytest.raises(ValueError, match="logits"):
        measure(torch.nn.Identity(), [(pixels, labels)])
    with pytest.raises(ValueError, match="do not depend"):
        measure(lambda_module(lambda x: torch.zeros(len(x), 10)), [(pixels, labels)])
    with pytest.raises(ValueError, match="without running statistics"):
        measure(torch.nn.Sequential(torch.nn.BatchNorm2d(3, track_running_stats=False), Small()), [(pixels, labels)])
    with pytest.raises(ValueError, match="deviations above 0"):
        measure(model, [(pixels, labels)], ([0.5], [0.0]))
    with pytest.raises(ValueError, match="expected 1"):
        measure(model, [(pixels, labels)], ([0.5], [1.0]))
    for normaliser, error in [("imagenet", TypeError), (([0.5],), ValueError), ((["a"], ["b"]), TypeError)]:
        with pytest.raises(error, match=r"expected \(mean, std\)"):
            measure(model, [(pixels, labels)], normaliser)
    with pytest.raises(ValueError, match="image 1 has a pixel of 2.0: expected numbers from 0 to 1, which the normaliser"):
        measure(model, [(np.stack([pixels[0], pixels[1] * 0 + 2]), labels[:2])], (MEAN, STD))
    with pytest.raises(ValueError, match="image 0 has a pixel of nan: expected finite"):
        measure(model, [(pixels * np.float32("nan"), labels)])
    with pytest.raises(TypeError, match="model of type NoneType: expected a torch.nn.Module"):
        measure(None, [(pixels, labels)])
    with pytest.raises(TypeError, match="loader of type NoneType: expected batches"):
        measure(model, None)
    for wrong, words in [
        ({"name": 5}, "name 5: expected a string"),
        ({"every": 1.5}, "every 1.5: expected a whole number"),
        ({"resume": "yes"}, "resume 'yes': expected True or False"),
        ({"model": None}, "model of type NoneType"),
        ({"loader": 5}, "loader of type int"),
    ]:
        with pytest.raises(TypeError, match=words):
            freqbias.torch.SpectrumRecorder("nowhere", **{"model": model, "loader": [(pixels, labels)], **wrong})


def test_a_loader_with_forked_workers(images):
    pairs = torch.utils.data.TensorDataset(*(torch.as_tensor(part) for part in images))
    freqbias.threads()
    batches = torch.utils.data.DataLoader(
        pairs, batch_size=8, num_workers=2, multiprocessing_context="fork", collate_fn=filtering
    )
    found = freqbias.torch.gradient_spectrum(Small(), batches, progress=False)
    assert found.count == len(images[0])


def filtering(pairs):
    """Uses the package's threads in a forked process."""
    images = np.stack([image.numpy() for image, _ in pairs])
    low = freqbias.spectral.low_pass(images, 8)
    return torch.as_tensor(low), torch.stack([label for _, label in pairs])


def test_a_module_that_cannot_be_put_into_evaluation_is_as_it_was(images):
    class Refuses(Small):
        def eval(self):
            raise RuntimeError("not now")

    model, calls = Refuses().train(), [(images[0][:4], images[1][:4])]
    with pytest.raises(RuntimeError, match="not now"):
        freqbias.torch.gradient_spectrum(model, calls)
    assert model.training and not freqbias.torch._MEASURED


def test_threads_that_measure_one_module_leave_it_as_it_was(images):
    model, barrier = Small().train(), threading.Barrier(2)

    def batches():
        barrier.wait()
        yield images
        barrier.wait()
        yield images

    measure = lambda: freqbias.torch.gradient_spectrum(model, batches(), progress=False)  # noqa: E731
    threads = [threading.Thread(target=measure) for _ in range(2)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert all(module.training for module in model.modules())


def test_what_is_not_a_number_is_never_right(images):
    pixels, labels = images[0][:8], np.zeros(8, np.int64)
    broken = lambda_module(lambda x: torch.where(torch.arange(10) == 0, torch.nan, x.mean((1, 2, 3))[:, None] * torch.ones(10)))
    with pytest.raises(freqbias.Error, match="no gradient|none of"):
        freqbias.torch.gradient_spectrum(broken, [(pixels, labels)])
    first = torch.nn.functional.one_hot(torch.zeros(4).long(), 10)
    half = lambda_module(lambda x: torch.cat([broken(x[:4]), first * x[4:, :, ::2, :5].mean((1, 2, 3))[:, None]]))
    assert freqbias.torch.gradient_spectrum(half, [(pixels, labels)]).accuracy == 50.0


def test_our_engine_computes_what_torch_computes(images, tmp_path):
    torch.manual_seed(0)
    model = cifar_resnet().eval()
    torch.save(model.state_dict(), tmp_path / "weights.pt")
    network = freqbias.load(tmp_path / "weights.pt", normaliser=(OWN_MEAN, OWN_STD))
    assert network.arch == "resnet18"
    pixels, labels = images[0][:8], images[1][:8]
    of_mean, of_std = (torch.tensor(part).double().reshape(1, 3, 1, 1) for part in (OWN_MEAN, OWN_STD))
    expected = gradients(model, pixels, labels, lambda x: (x - of_mean) / of_std)
    logits = model((torch.as_tensor(pixels).double() - of_mean) / of_std).detach().numpy()
    assert np.abs(network.logits(pixels) - logits).max() < 1e-4
    found = network.input_gradient(pixels, labels)
    assert np.median(np.abs(found - expected)) < 1e-4 * np.abs(expected).max()


def test_an_onnx_file(images, tmp_path):
    needs("onnx", "onnxscript")
    model = Small().eval()
    torch.onnx.export(model, (torch.zeros(1, 3, 32, 32),), tmp_path / "small.onnx", dynamo=True, verbose=False)
    network = freqbias.load_onnx(tmp_path / "small.onnx", (32, 32), normaliser=([0] * 3, [1] * 3))
    pixels, labels = images
    with torch.no_grad():
        expected = model(torch.as_tensor(pixels)).numpy()
    assert np.abs(network.logits(pixels) - expected).max() < 1e-4
    plain = gradients(Small(), pixels, labels, lambda x: x)
    found = network.input_gradient(pixels, labels)
    assert np.abs(found - plain).max() < 1e-4 * np.abs(plain).max()
    with pytest.warns(UserWarning, match="small: the normaliser is the usual one of cifar10.*normaliser= names another"):
        square = freqbias.load_onnx(tmp_path / "small.onnx", 32)
    assert square.logits(pixels).shape == (32, 10)
    with pytest.raises(TypeError, match="size 32.5: expected a whole number from 1 on"):
        freqbias.load_onnx(tmp_path / "small.onnx", 32.5)
    with pytest.raises(freqbias.Error):
        freqbias.load_onnx(tmp_path / "small.onnx", (30, 32))
