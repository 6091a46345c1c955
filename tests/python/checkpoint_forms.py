"""Makes files of weights in every form that people have, with the libraries that write them, and compares what the programs say of
them with PyTorch in float64: loss, accuracy and gradient spectrum.

    pip install torch torchvision numpy pillow safetensors timm transformers lightning accelerate
    cargo build --release
    python tests/python/checkpoint_forms.py target/release [FORM ...]    # all of them without names

A line a form: what differs, and `ok` or what is wrong. Forms whose library is not installed are named as left out. Exit status 1 if
a form is wrong.
"""

import copy
import json
import pathlib
import subprocess
import sys
import tempfile

import numpy as np
import torch
from PIL import Image
from torch import nn
from torch.nn import functional as F
from torch.nn.utils import prune

CLASSES, EACH = 10, 3
CIFAR10 = ([0.4914, 0.4822, 0.4465], [0.2023, 0.1994, 0.2010])
# The usual one of the data set `folder`, which files without a normaliser get.
IMAGENET = ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])
# Half-precision files hold other weights: those are compared as the file has them.
LOSS, PROFILE = 2e-5, 4e-4


class Block(nn.Module):
    def __init__(self, inputs, width, stride, option="A", names=("shortcut",)):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, width, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.stride, self.pad, self.name = stride, width - inputs, names[0]
        if option == "B" and (stride != 1 or inputs != width):
            layers = nn.Sequential(nn.Conv2d(inputs, width, 1, stride, bias=False), nn.BatchNorm2d(width))
            setattr(self, self.name, layers)

    def forward(self, x):
        out = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        if hasattr(self, self.name):
            return F.relu(out + getattr(self, self.name)(x))
        if self.pad:
            x = F.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, self.pad // 2, self.pad // 2))
        return F.relu(out + x)


class ResNet20(nn.Module):
    """He et al. 2016, section 4.2."""

    def __init__(self, option="A", shortcut="shortcut", head="linear"):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 16, 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(16)
        inputs = 16
        for stage, width in enumerate([16, 32, 64], 1):
            blocks = []
            for index in range(3):
                stride = 2 if stage > 1 and index == 0 else 1
                blocks.append(Block(inputs, width, stride, option, (shortcut,)))
                inputs = width
            setattr(self, f"layer{stage}", nn.Sequential(*blocks))
        self.head = head
        setattr(self, head, nn.Linear(64, CLASSES))

    def forward(self, x):
        x = F.relu(self.bn1(self.conv1(x)))
        x = self.layer3(self.layer2(self.layer1(x)))
        return getattr(self, self.head)(x.mean((2, 3)))


def drawn(network, seed=0):
    """Weights as a trained network may have them, the same everywhere."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, value in network.state_dict().items():
            if value.dim() > 1:
                value.copy_(torch.randn(value.shape, generator=generator) * (2 / value[0].numel()) ** 0.5)
            elif name.endswith("running_var"):
                value.copy_(0.5 + torch.rand(value.shape, generator=generator))
            elif value.dim() == 1 and value.is_floating_point():
                centre = 0.75 if name.endswith("weight") else 0.0
                value.copy_(centre + 0.2 * torch.randn(value.shape, generator=generator))
    return network.eval()


class Normalise(nn.Module):
    def __init__(self, mean, std, names=("mean", "std"), shape=(3, 1, 1)):
        super().__init__()
        self.names = names
        self.register_buffer(names[0], torch.tensor(mean).reshape(shape))
        self.register_buffer(names[1], torch.tensor(std).reshape(shape))

    def forward(self, x):
        mean, std = [getattr(self, name).reshape(1, 3, 1, 1) for name in self.names]
        return (x - mean) / std


# What each form is: a file, flags, the network in PyTorch and its normaliser.
FORMS = {}


def form(function):
    FORMS[function.__name__] = function
    return function


def saved(folder, content, name="x.pt", **options):
    path = folder / name
    torch.save(content, path, **options)
    return path


@form
def bare(folder):
    network = drawn(ResNet20())
    return saved(folder, network.state_dict()), [], network, IMAGENET


@form
def before_1_6(folder):
    network = drawn(ResNet20())
    return saved(folder, network.state_dict(), _use_new_zipfile_serialization=False), [], network, IMAGENET


@form
def stem_of_21_letters(folder):
    network = drawn(ResNet20())
    return saved(folder, network.state_dict(), "checkpoint_epoch_0010.pt"), [], network, IMAGENET


@form
def without_checksums(folder):
    network = drawn(ResNet20())
    before = torch.serialization.get_crc32_options()
    torch.serialization.set_crc32_options(False)
    try:
        return saved(folder, network.state_dict()), [], network, IMAGENET
    finally:
        torch.serialization.set_crc32_options(before)


@form
def float8(folder):
    network = drawn(ResNet20())
    state = {key: value.to(torch.float8_e4m3fn) if value.dim() > 1 else value for key, value in network.state_dict().items()}
    network.load_state_dict({key: value.to(torch.float32) if value.is_floating_point() else value for key, value in state.items()})
    return saved(folder, state), [], network, IMAGENET


@form
def bfloat16_safetensors(folder):
    from safetensors.torch import save_file

    network = drawn(ResNet20()).to(torch.bfloat16)
    path = folder / "x.safetensors"
    save_file(network.state_dict(), path)
    return path, [], network.float(), IMAGENET


@form
def tied_safetensors(folder):
    from safetensors.torch import save_model

    network = drawn(ResNet20())
    network.layer1[1].bn1.bias = network.layer1[0].bn1.bias
    path = folder / "x.safetensors"
    save_model(network, str(path))
    return path, [], network, IMAGENET


@form
def other_normaliser(folder):
    network = drawn(ResNet20())
    return saved(folder, {"state_dict": network.state_dict()}, "x.th"), ["--mean", "cifar10"], network, CIFAR10


@form
def numbers_of_a_normaliser(folder):
    network = drawn(ResNet20())
    flags = ["--mean", "0.1,0.2,0.3", "--std", "0.5,0.6,0.7"]
    return saved(folder, network.state_dict()), flags, network, ([0.1, 0.2, 0.3], [0.5, 0.6, 0.7])


def wrapped(folder, wrap, name="x.pt"):
    network = drawn(ResNet20())
    return saved(folder, wrap(network).state_dict(), name), [], network, IMAGENET


@form
def data_parallel(folder):
    return wrapped(folder, nn.DataParallel)


@form
def compiled(folder):
    return wrapped(folder, torch.compile)


@form
def averaged_and_parallel(folder):
    return wrapped(folder, lambda network: torch.optim.swa_utils.AveragedModel(nn.DataParallel(network)))


@form
def in_another_module(folder):
    class Outer(nn.Module):
        def __init__(self, network):
            super().__init__()
            self.model = nn.ModuleDict({"resnet": network})
            self.criterion = nn.CrossEntropyLoss(weight=torch.ones(CLASSES))

    return wrapped(folder, Outer)


@form
def sequential_with_normaliser(folder):
    network = drawn(ResNet20())
    whole = nn.Sequential(Normalise(*CIFAR10), network)
    return saved(folder, whole.state_dict()), [], network, CIFAR10


@form
def mu_and_sigma(folder):
    network = drawn(ResNet20())
    network.normalise = Normalise(*CIFAR10, names=("mu", "sigma"), shape=(1, 3, 1, 1))
    path = saved(folder, network.state_dict())
    del network.normalise
    return path, [], network, CIFAR10


@form
def robustness_as_safetensors(folder):
    from safetensors.torch import save_file

    network = drawn(ResNet20())
    state = {f"module.model.{key}": value for key, value in network.state_dict().items()}
    state |= {f"module.attacker.model.{key}": value.clone() for key, value in network.state_dict().items()}
    state["module.normalizer.new_mean"] = torch.tensor(CIFAR10[0]).reshape(3, 1, 1)
    state["module.normalizer.new_std"] = torch.tensor(CIFAR10[1]).reshape(3, 1, 1)
    path = folder / "x.safetensors"
    save_file(state, path)
    return path, [], network, CIFAR10


@form
def averages_beside(folder):
    network, other = drawn(ResNet20()), drawn(ResNet20(), 1)
    content = {"epoch": 3, "state_dict": network.state_dict(), "state_dict_ema": other.state_dict()}
    return saved(folder, content, "x.pth.tar"), [], network, IMAGENET


@form
def averages_chosen(folder):
    network, other = drawn(ResNet20()), drawn(ResNet20(), 1)
    content = {"epoch": 3, "state_dict": other.state_dict(), "state_dict_ema": network.state_dict()}
    return saved(folder, content, "x.pth.tar"), ["--weights", "state_dict_ema"], network, IMAGENET


@form
def last_or_best(folder):
    network, other = drawn(ResNet20()), drawn(ResNet20(), 1)
    content = {"last": other.state_dict(), "best": network.state_dict()}
    return saved(folder, content), ["--weights", "best"], network, IMAGENET


@form
def unusual_key(folder):
    network = drawn(ResNet20())
    return saved(folder, {"student": network.state_dict(), "step": torch.tensor(7)}, "noending"), [], network, IMAGENET


@form
def list_of_two(folder):
    network = drawn(ResNet20())
    return saved(folder, [12, network.state_dict()], "x.CKPT"), [], network, IMAGENET


@form
def with_optimiser(folder):
    network = drawn(ResNet20())
    training = copy.deepcopy(network).train()
    optimiser = torch.optim.SGD(training.parameters(), 0.1, momentum=0.9)
    training(torch.rand(2, 3, 32, 32)).sum().backward()
    optimiser.step()
    content = {"epoch": np.int64(4), "model": network.state_dict(), "optimizer": optimiser.state_dict(), "best_acc": torch.tensor(71.5)}
    return saved(folder, content), [], network, IMAGENET


@form
def other_head(folder):
    network = drawn(ResNet20(head="fc"))
    return saved(folder, network.state_dict()), [], network, IMAGENET


@form
def option_b(folder):
    network = drawn(ResNet20("B", "downsample", "fc"))
    return saved(folder, network.state_dict()), [], network, IMAGENET


@form
def weight_norm_old(folder):
    network = drawn(ResNet20())
    for module in list(network.modules()):
        if isinstance(module, nn.Conv2d):
            nn.utils.weight_norm(module)
    return saved(folder, network.state_dict()), [], network, IMAGENET


@form
def weight_norm_new(folder):
    network = drawn(ResNet20())
    for module in list(network.modules()):
        if isinstance(module, (nn.Conv2d, nn.Linear)):
            nn.utils.parametrizations.weight_norm(module)
    return saved(folder, network.state_dict()), [], network, IMAGENET


@form
def spectral_norm_old(folder):
    network = drawn(ResNet20())
    for module in list(network.modules()):
        if isinstance(module, nn.Conv2d):
            nn.utils.spectral_norm(module)
    network.train()
    for _ in range(20):
        network(torch.rand(2, 3, 32, 32))
    return saved(folder, network.eval().state_dict()), [], network, IMAGENET


@form
def spectral_norm_new(folder):
    network = drawn(ResNet20())
    for module in list(network.modules()):
        if isinstance(module, nn.Conv2d):
            nn.utils.parametrizations.spectral_norm(module)
    return saved(folder, network.eval().state_dict()), [], network, IMAGENET


@form
def pruned(folder):
    network = drawn(ResNet20())
    for module in list(network.modules()):
        if isinstance(module, nn.Conv2d):
            prune.l1_unstructured(module, "weight", 0.5)
    return saved(folder, network.state_dict()), [], network, IMAGENET


@form
def lightning_checkpoint(folder):
    import lightning

    class Module(lightning.LightningModule):
        def __init__(self, network):
            super().__init__()
            self.net = network

        def training_step(self, batch, _):
            return 0.0 * self.net(batch[0]).sum()

        def configure_optimizers(self):
            return torch.optim.SGD(self.parameters(), 0.0)

    network = drawn(ResNet20())
    module = Module(copy.deepcopy(network))
    trainer = lightning.Trainer(max_epochs=1, logger=False, enable_checkpointing=False, enable_progress_bar=False, accelerator="cpu")
    data = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(torch.rand(4, 3, 32, 32)))
    trainer.fit(module, data)
    path = folder / "x.ckpt"
    trainer.save_checkpoint(path)
    return path, [], module.net.eval(), IMAGENET


@form
def accelerate_shards(folder):
    import accelerate

    network = drawn(ResNet20())
    accelerate.Accelerator(cpu=True).save_model(network, folder / "shelf", max_shard_size="300KB")
    return folder / "shelf", [], network, IMAGENET


def of_imagenet(folder, network, path, flags, normaliser=IMAGENET):
    return path, [*flags, "--image-size", "64", "--arch-family", "imagenet"], network, normaliser


@form
def timm_folder(folder):
    import timm

    network = drawn(timm.create_model("resnet18", num_classes=CLASSES))
    path = folder / "shelf"
    timm.models.save_for_hf(network, path, model_config={"num_classes": CLASSES})
    normaliser = (list(network.pretrained_cfg["mean"]), list(network.pretrained_cfg["std"]))
    return of_imagenet(folder, network, path, [], normaliser)


@form
def hugging_face_resnet(folder):
    import transformers

    config = transformers.ResNetConfig(layer_type="basic", depths=[2, 2, 2, 2], hidden_sizes=[64, 128, 256, 512], num_labels=CLASSES)
    network = drawn(transformers.ResNetForImageClassification(config))
    network.save_pretrained(folder / "shelf")
    preprocessor = {"image_mean": [0.5] * 3, "image_std": [0.25] * 3, "size": {"shortest_edge": 64}}
    (folder / "shelf/preprocessor_config.json").write_text(json.dumps(preprocessor))

    class Logits(nn.Module):
        def __init__(self):
            super().__init__()
            self.network = network

        def forward(self, x):
            return self.network(x).logits

    return of_imagenet(folder, Logits(), folder / "shelf", [], ([0.5] * 3, [0.25] * 3))


@form
def images_as_timm_says(folder):
    import timm

    overlay = {"input_size": (3, 64, 64), "interpolation": "bicubic", "crop_pct": 0.9}
    network = drawn(timm.create_model("resnet18", num_classes=CLASSES, pretrained_cfg_overlay=overlay))
    path = folder / "shelf"
    timm.models.save_for_hf(network, path, model_config={"num_classes": CLASSES})
    normaliser = (list(network.pretrained_cfg["mean"]), list(network.pretrained_cfg["std"]))
    whole = timm.data.create_transform(**timm.data.resolve_data_config(network.pretrained_cfg), is_training=False)
    return path, ["--arch-family", "imagenet"], network, normaliser, (90, whole.transforms[:2])


@form
def cache_of_the_hub(folder):
    import timm

    network = drawn(timm.create_model("resnet18", num_classes=CLASSES))
    cache = folder / "models--someone--resnet18"
    path = cache / "snapshots/0123456789abcdef"
    timm.models.save_for_hf(network, path, model_config={"num_classes": CLASSES})
    (cache / "refs").mkdir()
    (cache / "refs/main").write_text(path.name)
    normaliser = (list(network.pretrained_cfg["mean"]), list(network.pretrained_cfg["std"]))
    return of_imagenet(folder, network, cache, ["--arch", "resnet18"], normaliser)


@form
def student_and_teacher(folder):
    network, other = drawn(ResNet20()), drawn(ResNet20(), 1)
    both = nn.ModuleDict(
        {
            "teacher": nn.Sequential(Normalise(*IMAGENET), other),
            "student": nn.Sequential(Normalise(*CIFAR10), network),
        }
    )
    return saved(folder, both.state_dict()), ["--weights", "student.1"], network, CIFAR10


@form
def densenet_of_old_torchvision(folder):
    import re

    import torchvision

    network = drawn(torchvision.models.densenet121(num_classes=CLASSES))
    dotted = lambda key: re.sub(r"(denselayer\d+\.(?:norm|conv))([12])\.", r"\1.\2.", key)
    state = {dotted(key): value for key, value in network.state_dict().items()}
    return of_imagenet(folder, network, saved(folder, state, "x.pth"), ["--arch", "densenet121"])


@form
def vgg_of_timm(folder):
    import timm

    network = drawn(timm.create_model("vgg11", num_classes=CLASSES))
    path, flags, network, normaliser = of_imagenet(folder, network, saved(folder, network.state_dict()), ["--arch", "vgg11", "--mean", "imagenet"])
    flags[flags.index("64")] = "224"
    return path, flags, network, normaliser


def photographs(folder, size, steps=()):
    """A folder of images, and the pixels that the programs see."""
    generator = np.random.default_rng(0)
    pixels, labels = [], []
    for label in range(CLASSES):
        place = folder / f"val/{label}"
        place.mkdir(parents=True)
        for index in range(EACH):
            noise = generator.normal(size=(size, size, 3))
            frequencies = np.hypot(*np.meshgrid(np.fft.fftfreq(size), np.fft.fftfreq(size)))
            smooth = np.fft.ifft2(np.fft.fft2(noise, axes=(0, 1)) / (0.02 + frequencies)[..., None], axes=(0, 1)).real
            scaled = (smooth - smooth.min()) / (smooth.max() - smooth.min())
            image = (255 * scaled).round().astype(np.uint8)
            image = Image.fromarray(image)
            image.save(place / f"{index}.png")
            for step in steps:
                image = step(image)
            pixels.append(np.asarray(image))
            labels.append(label)
    images = torch.from_numpy(np.stack(pixels)).permute(0, 3, 1, 2).double() / 255
    return images, torch.tensor(labels)


def profiles(gradients):
    """Mean over images of the radial profiles of |DFT| of the gradients' sums over channels, each scaled to [0, 1]."""
    size = gradients.shape[-1]
    spectra = torch.fft.fftshift(torch.fft.fft2(gradients.sum(1)), dim=(1, 2)).abs()
    axis = torch.arange(size, dtype=torch.float64) - (size - 1) / 2
    radii = torch.sqrt(axis[:, None] ** 2 + axis[None] ** 2).floor().long()
    rows = torch.stack([spectra[:, radii == radius].mean(1) for radius in range(1, int(radii.max()))], 1)
    low, high = rows.min(1, keepdim=True).values, rows.max(1, keepdim=True).values
    return ((rows - low) / (high - low)).mean(0)


def reference(network, normaliser, images, labels, numbers=torch.float64):
    network = network.to(numbers).eval()
    mean, std = [torch.tensor(np.float32(values)).to(numbers).reshape(1, 3, 1, 1) for values in normaliser]
    images = images.to(numbers).clone().requires_grad_(True)
    logits = network((images - mean) / std)
    loss = F.cross_entropy(logits, labels)
    (gradients,) = torch.autograd.grad(loss, images)
    correct = int((logits.argmax(1) == labels).sum())
    return float(loss.detach()), 100 * correct / len(labels), profiles(gradients.double())


def run(binaries, program, flags):
    command = [str(binaries / program), *map(str, flags), "--format", "json"]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(done.stderr.strip().splitlines()[-1])
    return json.loads(done.stdout), done.stderr


def check(binaries, name, folder):
    torch.manual_seed(0)
    path, flags, network, normaliser, *resized = FORMS[name](folder)
    size = int(flags[flags.index("--image-size") + 1]) if "--image-size" in flags else 32
    size, steps = resized[0] if resized else (size, ())
    images, labels = photographs(folder / "images", size, steps)
    *_, single = reference(network, normaliser, images, labels, torch.float32)
    loss, accuracy, spectrum = reference(network, normaliser, images, labels)
    # Where rounding turns ReLUs and maxima, PyTorch's own single precision says how much that may be.
    most = max(PROFILE, 2 * float((single - spectrum).abs().max()))
    flags = ["--dataset", "folder", "--data", folder / "images", "--checkpoints", path, "--out-dir", folder / "runs", *flags]
    flags += [] if resized else ["--image-size", size]
    is_named = "--arch" in flags or (path.is_dir() and (path / "config.json").exists())
    flags += [] if is_named else ["--arch", "resnet20"]
    found, _ = run(binaries, "evaluate", flags)
    component = found["checkpoints"][0]["components"][0]
    table, _ = run(binaries, "grad", flags)
    bands = json.loads(pathlib.Path(next(f for f in table["files"] if f.endswith("spectrum.json"))).read_text())["mean"][0]
    apart = [abs(component["loss"] - loss), abs(component["prec1"] - accuracy), float((torch.tensor(bands) - spectrum).abs().max())]
    words = found["checkpoints"][0]["network"]
    is_right = apart[0] < LOSS * max(1, loss) and apart[1] < 1e-6 and apart[2] < most
    said = "; ".join([*words["notes"], "normaliser " + words["normaliser"]["from"]])
    return is_right, f"loss {apart[0]:.1e}, accuracy {apart[1]:.2f}, spectrum {apart[2]:.1e}  ({said})"


def main():
    binaries, names = pathlib.Path(sys.argv[1]), sys.argv[2:] or list(FORMS)
    wrong = 0
    for name in names:
        with tempfile.TemporaryDirectory() as folder:
            try:
                is_right, said = check(binaries, name, pathlib.Path(folder))
            except ImportError as error:
                print(f"{name:28} left out: {error}", flush=True)
                continue
            except Exception as error:
                is_right, said = False, f"{type(error).__name__}: {error}"
        wrong += not is_right
        print(f"{name:28} {'ok   ' if is_right else 'WRONG'} {said}", flush=True)
    print(f"{len(names)} forms, {wrong} wrong")
    sys.exit(wrong > 0)


if __name__ == "__main__":
    main()
