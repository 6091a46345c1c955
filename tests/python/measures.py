"""Compares what `measure` says of the golden ResNet-18, and of a small ViT, with the definitions, computed with NumPy and PyTorch in float64.

    pip install torch timm numpy
    cargo build -p bins --bin measure
    python tests/python/measures.py target/debug/measure ../shared/golden ../shared/data

The ViT is timm's with patches of 4×4 for 32×32 pixels. It is fitted here to the golden images, so that rates are neither 0 nor 1.

A line a measure: what differs, and `ok` or what is wrong. Exit status 1 if one is wrong.

Images whose two highest logits are nearer than TIE may be taken for the one class by f32 and for the other by float64: counts may
differ by as many. Gradients in f32 differ from float64's by up to 1e-3 of their length (README of the golden values).
"""

import json
import pathlib
import subprocess
import sys
import tempfile

import numpy as np
import torch
from torch import nn
from timm.models.vision_transformer import VisionTransformer
from torch.nn import functional as F

TIE, FIRST_ORDER, SHARE = 1e-3, 5e-3, 2e-4
COUNT, WINDOW, NORM = 16, 1, 4.0


class Block(nn.Module):
    def __init__(self, inputs, width, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, width, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.shortcut = nn.Sequential()
        if stride != 1 or inputs != width:
            self.shortcut = nn.Sequential(nn.Conv2d(inputs, width, 1, stride, bias=False), nn.BatchNorm2d(width))

    def forward(self, x):
        out = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        return F.relu(out + self.shortcut(x))


MEAN, STD = [0.4914, 0.4822, 0.4465], [0.2023, 0.1994, 0.2010]


def normalised(x):
    mean, std = (torch.tensor(of, dtype=x.dtype)[:, None, None] for of in (MEAN, STD))
    return (x - mean) / std


class ResNet18(nn.Module):
    arch = "resnet18"

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        inputs = 64
        for stage, (width, stride) in enumerate([(64, 1), (128, 2), (256, 2), (512, 2)], 1):
            layers = nn.Sequential(Block(inputs, width, stride), Block(width, width, 1))
            setattr(self, f"layer{stage}", layers)
            inputs = width
        self.linear = nn.Linear(512, 10)

    def forward(self, x):
        x = F.relu(self.bn1(self.conv1(normalised(x))))
        for stage in range(1, 5):
            x = getattr(self, f"layer{stage}")(x)
        return self.linear(F.avg_pool2d(x, 4).flatten(1))

    def watch(self, keep):
        """Hooks that hand over each residual sum, (N, C, H, W), in the order of the network."""
        blocks = [block for stage in range(1, 5) for block in getattr(self, f"layer{stage}")]
        return [block.register_forward_hook(lambda _module, _inputs, out: keep(out)) for block in blocks]


class ViT(nn.Module):
    arch = "vit_tiny_patch4_32"

    def __init__(self):
        super().__init__()
        size = {"img_size": 32, "patch_size": 4, "embed_dim": 192, "depth": 12, "num_heads": 3}
        self.vit = VisionTransformer(num_classes=10, **size)

    def forward(self, x):
        return self.vit(normalised(x))

    def watch(self, keep):
        """The same: of a block the sum after its attention, which its second norm is given, and that after its MLP; (N, C, 8, 8), without
        the token of the class."""

        def planes(tokens):
            keep(tokens[:, 1:].transpose(1, 2).reshape(len(tokens), -1, 8, 8))

        hooks = []
        for block in self.vit.blocks:
            hooks.append(block.norm2.register_forward_pre_hook(lambda _module, inputs: planes(inputs[0])))
            hooks.append(block.register_forward_hook(lambda _module, _inputs, out: planes(out)))
        return hooks


def fitted_vit(images, labels, path):
    """Fits a ViT to images that noise is added to, and leaves its weights in a file."""
    torch.manual_seed(0)
    found = ViT()
    optimiser = torch.optim.AdamW(found.parameters(), 5e-4)
    pixels, truth = torch.from_numpy(images).float(), torch.from_numpy(labels)
    for _ in range(60):
        loss = F.cross_entropy(found(pixels + 0.05 * torch.randn_like(pixels)), truth)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    torch.save(found.vit.state_dict(), path)
    return found.double().eval()


def resnet18(path):
    stored = torch.load(path, map_location="cpu", weights_only=False)["model"]
    prefix = "module.model."
    weights = {key[len(prefix):]: value for key, value in stored.items() if key.startswith(prefix)}
    found = ResNet18()
    found.load_state_dict(weights)
    return found.double().eval()


def chacha8(key, stream):
    """The first block of ChaCha (D. J. Bernstein, 2008) with 8 rounds: 16 words."""
    words = [0x61707865, 0x3320646E, 0x79622D32, 0x6B206574]
    words += [int.from_bytes(key[at:at + 4], "little") for at in range(0, 32, 4)]
    words += [0, 0, stream & 0xFFFFFFFF, stream >> 32]
    state = list(words)

    def turn(word, by):
        return ((word << by) | (word >> (32 - by))) & 0xFFFFFFFF

    def quarter(a, b, c, d):
        for first, second, third, by in [(a, b, d, 16), (c, d, b, 12), (a, b, d, 8), (c, d, b, 7)]:
            state[first] = (state[first] + state[second]) & 0xFFFFFFFF
            state[third] = turn(state[third] ^ state[first], by)

    for _ in range(4):
        for column in range(4):
            quarter(column, 4 + column, 8 + column, 12 + column)
        for column in range(4):
            quarter(column, 4 + (column + 1) % 4, 8 + (column + 2) % 4, 12 + (column + 3) % 4)
    return [(now + then) & 0xFFFFFFFF for now, then in zip(state, words)]


def signs(seed, direction, image):
    """Of the three channels: the stream of purpose 1, domain `four`, keyed by direction and image."""
    key = b"".join(number.to_bytes(8, "little") for number in (seed, 1, direction)) + b"four" + bytes(4)
    return [1.0 if word >> 31 else -1.0 for word in chacha8(key, image)[:3]]


def wrong(model, images, labels):
    """How many are taken for another class, and how many are too near to call."""
    with torch.no_grad():
        logits = model(torch.from_numpy(images)).numpy()
    ordered = np.sort(logits, axis=1)
    return (logits.argmax(1) != labels).sum(), (ordered[:, -1] - ordered[:, -2] < TIE).sum()


def gradients(model, images, labels):
    pixels = torch.from_numpy(images).requires_grad_()
    loss = F.cross_entropy(model(pixels), torch.from_numpy(labels), reduction="sum")
    return torch.autograd.grad(loss, pixels)[0].numpy()


def heat_map(model, images, labels, found):
    side = images.shape[-1]
    gradient = gradients(model, images, labels)
    worst, far = 0, 0.0
    for row in range(2 * WINDOW + 1):
        for column in range(2 * WINDOW + 1):
            frequency = np.array([row - WINDOW, column - WINDOW])
            if tuple(frequency) > (0, 0):
                continue  # measured as its mirror image
            spectrum = np.zeros((side, side))
            spectrum[tuple(frequency % side)] = spectrum[tuple(-frequency % side)] = 1.0
            wave = np.fft.ifft2(spectrum).real
            wave /= np.linalg.norm(wave)
            key = int(frequency[0] % side * side + frequency[1] % side)
            chosen = np.array([signs(0, key, image) for image in range(len(images))])
            noisy = np.clip(images + NORM * chosen[:, :, None, None] * wave, 0.0, 1.0)
            errors, ties = wrong(model, noisy, labels)
            for place in [(row, column), (2 * WINDOW - row, 2 * WINDOW - column)]:
                worst = max(worst, abs(found["error_rate"][0][place] * len(images) - errors) - ties)
                first_order = ((gradient * wave).sum((2, 3)) ** 2).sum(1).mean() * NORM**2
                far = max(far, abs(found["first_order"][0][place] / first_order - 1.0))
    return f"errors {max(worst, 0):.2g} apart beyond ties, first order {far:.1e}", worst < 0.5 and far < FIRST_ORDER


def sensitivity(model, images, labels, found):
    gradient = gradients(model, images, labels).mean(1)
    power = np.abs(np.fft.fftshift(np.fft.fft2(gradient), axes=(1, 2))) ** 2
    side = images.shape[-1]
    places = np.arange(side) - side // 2
    radius = np.rint(np.hypot(places[:, None], places[None, :])).astype(int)
    rings = np.stack([power[:, radius == r].sum(1) for r in range(1, radius.max() + 1)], 1)
    shares = rings / rings.sum(1, keepdims=True)
    mean, half = shares.mean(0), 2.1314495 * shares.std(0, ddof=1) / np.sqrt(len(shares))  # t(15)
    far = np.abs(found["mean"][0] - mean).max()
    ends = max(np.abs(found["low"][0] - mean + half).max(), np.abs(found["high"][0] - mean - half).max())
    return f"shares {far:.1e}, ends of intervals {ends:.1e}", len(mean) == 23 and max(far, ends) < SHARE


def phase_amplitude(model, images, labels, found):
    donors = found["amplitude_of"].astype(int)
    assert sorted(donors) == list(range(len(images))) and (labels[donors] != labels).all()
    phase, amplitude = np.angle(np.fft.fft2(images)), np.abs(np.fft.fft2(images[donors]))
    mixed = np.clip(np.fft.ifft2(amplitude * np.exp(1j * phase)).real, 0.0, 1.0)
    worst = 0.0
    for name, truth in [("by_phase", labels), ("by_amplitude", labels[donors])]:
        errors, ties = wrong(model, mixed, truth)
        worst = max(worst, abs(found[name][0][0] * len(images) - (len(images) - errors)) - ties)
    return f"counts {max(worst, 0.0):.2g} apart beyond ties", worst < 0.5


EPS, STEPS = 0.5, 7


def attack_spectrum(model, images, labels, found):
    """Only what is not decided by rounding on the way: the gradient's profile exactly, the change's and the errors nearly."""
    side = images.shape[-1]
    places = np.arange(side) - side // 2
    radius = np.rint(np.hypot(places[:, None], places[None, :])).astype(int)
    step = 2.5 * EPS / STEPS

    def length(values):
        return np.sqrt((values**2).sum((1, 2, 3), keepdims=True))

    def limited(values, mask):
        spectrum = np.fft.fftshift(np.fft.fft2(values), axes=(2, 3)) * mask
        return np.fft.ifft2(np.fft.ifftshift(spectrum, axes=(2, 3))).real

    def profile(values):
        amplitude = np.abs(np.fft.fftshift(np.fft.fft2(values, norm="ortho"), axes=(2, 3))).mean(1)
        return np.stack([amplitude[:, radius == r].mean(1) for r in range(1, radius.max() + 1)], 1).mean(0)

    def losses(pixels):
        with torch.no_grad():
            return F.cross_entropy(model(torch.from_numpy(pixels)), torch.from_numpy(labels), reduction="none").numpy()

    now, best, highest = images.copy(), images.copy(), np.full(len(images), -np.inf)
    for _ in range(STEPS + 1):
        loss = losses(now)
        better = loss > highest
        best[better], highest[better] = now[better], loss[better]
        gradient = gradients(model, now, labels)
        change = now + step * gradient / length(gradient) - images
        now = np.clip(images + change * np.minimum(1.0, EPS / np.maximum(length(change), 1e-30)), 0.0, 1.0)
    change, clean = best - images, gradients(model, images, labels)
    far = np.abs(found["change"][0] / profile(change) - 1.0).max()
    clean_far = np.abs(found["gradient"][0] / profile(clean * length(change) / length(clean)) - 1.0).max()
    worst = 0.0
    for at, (first, last) in enumerate([(1, 1), (2, 3), (4, 7), (8, 15), (16, 23)]):
        mask, change = (first <= radius) & (radius <= last), np.zeros_like(images)
        for _ in range(STEPS):
            way = limited(gradients(model, np.clip(images + change, 0.0, 1.0), labels), mask)
            change += step * way / length(way)
            change *= np.minimum(1.0, EPS / length(change))
        errors, ties = wrong(model, np.clip(images + change, 0.0, 1.0), labels)
        worst = max(worst, abs(found["octave_error"][0][at] * len(images) - errors) - ties)
    words = f"change {far:.1e}, gradient {clean_far:.1e}, errors {max(worst, 0.0):.2g} apart beyond ties"
    return words, far < 5e-3 and clean_far < 5e-3 and worst < 1.5


def normals(purpose, domain, seed, epoch, image, count):
    """Of a stream: Box and Muller's pairs of numbers of 53 bits."""
    key = b"".join(number.to_bytes(8, "little") for number in (seed, purpose, epoch)) + domain + bytes(4)
    words = chacha8_words(key, image, 2 * (count + count % 2))
    even = ((words[1::2].astype(np.uint64) << np.uint64(32) | words[0::2]) >> np.uint64(11)) / 2.0**53
    radius, turn = np.sqrt(-2.0 * np.log(1.0 - even[0::2])), 2.0 * np.pi * even[1::2]
    return np.stack([radius * np.cos(turn), radius * np.sin(turn)], 1).ravel()[:count]


def chacha8_words(key, stream, count):
    """So many words of ChaCha8, all blocks at once."""
    blocks = -(-count // 16)
    state = np.zeros((16, blocks), np.uint32)
    state[:4] = np.array([0x61707865, 0x3320646E, 0x79622D32, 0x6B206574], np.uint32)[:, None]
    state[4:12] = np.frombuffer(key, "<u4")[:, None]
    state[12] = np.arange(blocks)
    state[14], state[15] = stream & 0xFFFFFFFF, stream >> 32
    start = state.copy()

    def quarter(a, b, c, d):
        for first, second, third, by in [(a, b, d, 16), (c, d, b, 12), (a, b, d, 8), (c, d, b, 7)]:
            state[first] += state[second]
            word = state[third] ^ state[first]
            state[third] = word << np.uint32(by) | word >> np.uint32(32 - by)

    for _ in range(4):
        for column in range(4):
            quarter(column, 4 + column, 8 + column, 12 + column)
        for column in range(4):
            quarter(column, 4 + (column + 1) % 4, 8 + (column + 2) % 4, 12 + (column + 3) % 4)
    return (state + start).T.ravel()[:count]


def critical_bands(model, images, labels, found):
    side = images.shape[-1]
    places = np.minimum(np.arange(side), side - np.arange(side))
    radius = np.hypot(places[:, None], places[None, :])
    grey = 0.449 + CONTRAST * (np.tensordot([0.299, 0.587, 0.114], images, (0, 1)) - 0.449)
    worst = 0.0
    for octave in range(4):
        low, high = 1.75 * 2.0 ** (octave - 0.5), 1.75 * 2.0 ** (octave + 0.5)
        mask = (low <= radius) & (radius < high)
        noise = []
        for image in range(len(images)):
            white = normals(1, b"band", 0, octave, image, side * side).reshape(side, side)
            own = np.fft.ifft2(np.fft.fft2(white) * mask).real
            noise.append(own / np.sqrt((own**2).mean()))
        for at, strength in enumerate([0.0, 0.02, 0.04, 0.08, 0.16]):
            pixels = np.clip(grey + strength * np.array(noise), 0.0, 1.0)
            errors, ties = wrong(model, np.repeat(pixels[:, None], 3, 1), labels)
            rate = found["accuracy"][0][octave][at] * len(images)
            worst = max(worst, abs(rate - (len(images) - errors)) - ties)
    return f"counts {max(worst, 0.0):.2g} apart beyond ties", worst < 0.5


def layer_spectra(model, images, labels, found):
    outputs = []
    hooks = model.watch(lambda out: outputs.append(out.numpy()))
    with torch.no_grad():
        model(torch.from_numpy(images))
    [hook.remove() for hook in hooks]
    far = 0.0
    assert len(outputs) == found["delta"].shape[1], "as many sums as the program finds"
    for at, out in enumerate(outputs):
        amplitude = np.abs(np.fft.fft2(out)).mean((0, 1))
        diagonal = np.log([amplitude[t, t] for t in range(out.shape[-1] // 2 + 1)])
        far = max(far, np.abs(found[f"log_amplitude_{at}"][0] - diagonal + diagonal[0]).max())
        far = max(far, abs(found["delta"][0][at] - diagonal[-1] + diagonal[0]))
    return f"{len(outputs)} blocks, log amplitudes {far:.1e} apart", far < 1e-4


def shortcuts(model, images, labels, found):
    side = images.shape[-1]
    spectrum = np.fft.fft2(images)

    def losses(pixels):
        with torch.no_grad():
            return F.cross_entropy(model(torch.from_numpy(pixels)), torch.from_numpy(labels), reduction="none").numpy()

    def only(mask):
        return np.fft.ifft2(spectrum * np.fft.ifftshift(mask)).real

    clean, classes = losses(images), found["classes"].astype(int)
    of_class = [labels == one for one in classes]
    far, middle = 0.0, side // 2
    for row, column in [(0, 0), (0, 1), (3, 2), (16, 5), (7, -9), (-1, -1)]:
        mask = np.ones((side, side))
        for sign in (1, -1):
            mask[(middle + sign * row) % side, (middle + sign * column) % side] = 0.0
        rise = losses(only(mask)) - clean
        for at, own in enumerate(of_class):
            far = max(far, abs(found["loss_rise"][0][at][(middle + row) % side, (middle + column) % side] - rise[own].mean()))
    worst = 0.0
    for at, one in enumerate(classes):
        rises = found["loss_rise"][0][at]
        # Each direction once: the first of its two places, row by row.
        mirror = np.roll(np.arange(side)[::-1], 1 - side % 2)
        first = np.arange(side * side).reshape(side, side) <= np.arange(side * side).reshape(side, side)[mirror][:, mirror]
        order = np.flatnonzero(first.ravel())
        order = order[np.argsort(-rises.ravel()[order], kind="stable")]
        for share, percent in enumerate([1, 5, 10, 20]):
            mask = np.zeros(side * side)
            mask[order[: -(-len(order) * percent // 100)]] = 1.0
            mask = mask.reshape(side, side)
            mask = np.maximum(mask, mask[mirror][:, mirror])
            with torch.no_grad():
                logits = model(torch.from_numpy(only(mask))).numpy()
            ordered = np.sort(logits, axis=1)
            ties = (ordered[:, -1] - ordered[:, -2] < TIE).sum()
            taken = logits.argmax(1) == one
            own = labels == one
            worst = max(worst, abs(found["tpr"][0][at][share] * own.sum() - (taken & own).sum()) - ties)
            worst = max(worst, abs(found["fpr"][0][at][share] * (~own).sum() - (taken & ~own).sum()) - ties)
    return f"rises {far:.1e}, counts {max(worst, 0.0):.2g} apart beyond ties", far < 2e-3 and worst < 0.5


def corruptions(model, images, labels, found):
    side, worst, far = images.shape[-1], 0.0, 0.0
    places = np.arange(side) - side // 2
    radius = np.rint(np.hypot(places[:, None], places[None, :])).astype(int)

    def profile(change):
        amplitude = np.abs(np.fft.fftshift(np.fft.fft2(change, norm="ortho"), axes=(2, 3))).mean((0, 1))
        return np.array([amplitude[radius == r].mean() for r in range(1, radius.max() + 1)])

    def contrast(severity):
        mean = images.mean((2, 3), keepdims=True)
        return np.clip([0.75, 0.5, 0.4, 0.3, 0.15][severity] * (images - mean) + mean, 0.0, 1.0)

    def noise(severity):
        strength = [0.04, 0.06, 0.08, 0.09, 0.10][severity]
        drawn = [normals(1, b"corr", 0, 3 << 8 | severity + 1, image, images[0].size) for image in range(len(images))]
        return np.clip(images + strength * np.array(drawn).reshape(images.shape), 0.0, 1.0)

    gradient = gradients(model, images, labels).mean(1)
    power = np.abs(np.fft.fftshift(np.fft.fft2(gradient), axes=(1, 2))) ** 2
    rings = np.stack([power[:, radius == r].sum(1) for r in range(1, radius.max() + 1)], 1)
    sensitivity = (rings / rings.sum(1, keepdims=True)).mean(0)
    for at, corrupt in [(1, contrast), (3, noise)]:
        for severity in range(5):
            pixels = corrupt(severity)
            errors, ties = wrong(model, pixels, labels)
            worst = max(worst, abs(found["error"][0][at][severity] * len(images) - errors) - ties)
            change = profile(pixels - images)
            far = max(far, np.abs(found["change"][0][at][severity] / change - 1.0).max())
            far = max(far, abs(found["predicted"][0][at][severity] / (change * sensitivity).sum() - 1.0))
    return f"change {far:.1e}, errors {max(worst, 0.0):.2g} apart beyond ties", far < 2e-3 and worst < 0.5


CONTRAST = 0.6
MEASURES = {
    "fourier-heat-map": (heat_map, ["--window", str(WINDOW)]),
    "sensitivity": (sensitivity, []),
    "phase-amplitude": (phase_amplitude, []),
    "corruptions": (corruptions, []),
    "shortcuts": (shortcuts, ["--classes", "3,5,8"]),
    "critical-bands": (critical_bands, ["--contrast", str(CONTRAST)]),
    "layer-spectra": (layer_spectra, []),
    "attack-spectrum": (attack_spectrum, ["--constraint", "2", "--eps", str(EPS), "--attack-steps", str(STEPS)]),
}


def agrees(name, program, data, model, checkpoint, images, labels):
    """Whether the program finds what a measure is by its definition; says what differs."""
    compare, flags = MEASURES[name]
    with tempfile.TemporaryDirectory() as folder:
        line = [program, name, "--dataset", "cifar10", "--data", data, "--limit-test", str(COUNT), "--quiet"]
        line += ["--checkpoints", checkpoint, "--arch", model.arch, *flags]
        subprocess.run(line, cwd=folder, check=True, stdout=subprocess.DEVNULL)
        results = pathlib.Path(folder) / f"runs/cifar10/{model.arch}_checkpoints/measure" / name
        report = json.loads((results / f"{name}.json").read_text())
        assert report["n_images"] == COUNT and len(report["rows"]) == 1
        words, fits = compare(model, images, labels, dict(np.load(results / f"{name}.npz")))
    print(f"{model.arch}, {name}: {words}: {'ok' if fits else 'WRONG'}", flush=True)
    return fits


def main():
    program, golden, data = (pathlib.Path(argument).resolve() for argument in sys.argv[1:4])
    images = np.load(golden / "images64_u8.npy") / 255.0
    labels = np.load(golden / "labels64_u8.npy").astype(np.int64)
    with tempfile.TemporaryDirectory() as folder:
        of_vit, of_resnet = pathlib.Path(folder) / "vit.pt", golden / "resnet18_robustness.pt"
        networks = [(resnet18(of_resnet), of_resnet), (fitted_vit(images, labels, of_vit), of_vit)]
        first = (images[:COUNT], labels[:COUNT])
        is_right = [agrees(name, program, data, *network, *first) for network in networks for name in MEASURES]
    sys.exit(0 if all(is_right) else 1)


main()
