"""Weights go from here to PyTorch and back: kept out of `cargo test`, because it needs Python with torch and numpy.

    cargo build --release -p bins --bins
    python tests/python/round_trip.py [--programs target/release] [--golden ../shared/golden]

Torch writes the checkpoint of a ResNet-18 (seeded by a formula, and the trained one of --golden, where that folder is) in both of
its formats; `inspect --convert` turns each into .safetensors and into .pt of both styles; torch loads those with
weights_only=True, and its network must give the same state dict and the same logits, bit for bit. Files that torch writes of
.safetensors that we wrote close the circle. The last run: torch 2.15, numpy 2.
"""

import argparse
import collections
import json
import pathlib
import struct
import subprocess
import tempfile

import numpy
import torch
from torch import nn
from torch.nn import functional


class Block(nn.Module):
    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.shortcut = nn.Sequential()
        if stride != 1 or inputs != outputs:
            self.shortcut = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x):
        y = self.bn2(self.conv2(functional.relu(self.bn1(self.conv1(x)))))
        return functional.relu(y + self.shortcut(x))


class ResNet18(nn.Module):
    """The CIFAR ResNet-18 under the names that the robustness library gives its parameters."""

    def __init__(self, classes=10):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        widths, inputs = (64, 128, 256, 512), 64
        for stage, width in enumerate(widths, 1):
            blocks = [Block(inputs, width, 1 if stage == 1 else 2), Block(width, width, 1)]
            setattr(self, f"layer{stage}", nn.Sequential(*blocks))
            inputs = width
        self.linear = nn.Linear(512, classes)

    def forward(self, x):
        x = functional.relu(self.bn1(self.conv1(x)))
        for stage in range(1, 5):
            x = getattr(self, f"layer{stage}")(x)
        return self.linear(x.mean((2, 3)))


def fill(network):
    """Weights by a formula of their place."""
    for order, (name, tensor) in enumerate(network.state_dict().items()):
        if tensor.is_floating_point():
            index = torch.arange(tensor.numel(), dtype=torch.float64)
            values = torch.sin(index * 0.37 + order) * (0.5 if name.endswith("running_var") else 0.05)
            values = values + (1.0 if name.endswith(("running_var", "bn1.weight", "bn2.weight")) else 0.0)
            tensor.copy_(values.reshape(tensor.shape))


def robustness_style(network):
    """The dictionary that the robustness library saves, without its optimizer."""
    model = collections.OrderedDict()
    for suffix, values in (("new_mean", (0.4914, 0.4822, 0.4465)), ("new_std", (0.2023, 0.1994, 0.2010))):
        model[f"module.normalizer.{suffix}"] = torch.tensor(values).reshape(3, 1, 1)
    state = network.state_dict()
    model.update((f"module.model.{name}", tensor) for name, tensor in state.items())
    model.update((f"module.attacker.model.{name}", tensor) for name, tensor in state.items())
    return {"model": model, "epoch": 5, "amp": None, "nat_prec1": torch.tensor(43.5)}


def read_safetensors(path):
    with open(path, "rb") as file:
        header = json.loads(file.read(struct.unpack("<Q", file.read(8))[0]))
        start = file.tell()
        tensors = {}
        for name, entry in header.items():
            if name != "__metadata__":
                assert entry["dtype"] == "F32", (name, entry)
                file.seek(start + entry["data_offsets"][0])
                raw = file.read(entry["data_offsets"][1] - entry["data_offsets"][0])
                values = numpy.frombuffer(raw, dtype="<f4").reshape(entry["shape"])
                tensors[name] = torch.from_numpy(values.copy())
    return tensors, header.get("__metadata__", {})


def same(found, network):
    wanted = {name: value for name, value in network.state_dict().items() if value.is_floating_point()}
    found = {name: value for name, value in found.items() if value.is_floating_point()}
    assert found.keys() == wanted.keys(), found.keys() ^ wanted.keys()
    for name, value in wanted.items():
        assert torch.equal(found[name], value), name


def same_logits(found, network, images):
    other = ResNet18()
    other.load_state_dict(found)
    with torch.no_grad():
        assert torch.equal(other.eval()(images), network.eval()(images))


def inspect(programs, *arguments):
    command = [programs / "inspect", *arguments, "--format", "json"]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def round_trip(network, programs, folder, images):
    for new in (True, False):
        kind = "zip" if new else "legacy"
        contents = {"nested": robustness_style(network), "bare": network.state_dict()}
        for name, content in contents.items():
            source = folder / f"{name}_{kind}.pt"
            torch.save(content, source, _use_new_zipfile_serialization=new)
            targets = [folder / f"{name}_{kind}.{ending}" for ending in ("safetensors", "plain.pt", "robust.pth")]
            seen = inspect(programs, source, "--convert", targets[0])["checkpoints"][0]
            assert {"arch": "resnet18", "classes": 10} in seen["architectures"], seen["architectures"]
            assert kind in seen["format"], seen["format"]
            assert name == "bare" or (seen["epoch"], seen["nat_prec1"]) == (4, 43.5), seen
            inspect(programs, source, "--convert", targets[1])
            inspect(programs, source, "--convert", targets[2], "--style", "robustness", "--dataset", "cifar10")
            tensors, _ = read_safetensors(targets[0])
            same(tensors, network)
            plain = torch.load(targets[1], weights_only=True)
            same(plain, network)
            same_logits(plain, network, images)
            robust = torch.load(targets[2], weights_only=True)
            model = robust["model"]
            same({k.removeprefix("module.model."): v for k, v in model.items() if k.startswith("module.model.")}, network)
            for key, value in model.items():
                if key.startswith("module.attacker.model."):
                    original = model["module.model." + key.removeprefix("module.attacker.model.")]
                    assert value.data_ptr() == original.data_ptr(), key
            assert name == "bare" or (robust["epoch"], robust["nat_prec1"]) == (5, 43.5)
            # And from ours back through .safetensors: the same bytes again.
            again = folder / f"{name}_{kind}.again.pt"
            inspect(programs, targets[0], "--convert", again)
            assert again.read_bytes() == targets[1].read_bytes()
            print(f"{name}, {kind} format: state dict and logits are the same, bit for bit")


def half(network, programs, folder):
    """Half precision is widened exactly, and so is what torch stores the other way round."""
    for dtype in (torch.float16, torch.bfloat16, torch.float64):
        narrowed = {name: value.to(dtype) if value.is_floating_point() else value for name, value in network.state_dict().items()}
        narrowed["linear.weight"] = narrowed["linear.weight"].t().contiguous().t()
        for new in (True, False):
            source, target = folder / f"{dtype}_{new}.pt", folder / f"{dtype}_{new}.safetensors"
            torch.save(narrowed, source, _use_new_zipfile_serialization=new)
            inspect(programs, source, "--convert", target)
            for name, value in read_safetensors(target)[0].items():
                assert torch.equal(value, narrowed[name].float()), name
        print(f"{dtype}: exact")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--programs", type=pathlib.Path, default="target/release")
    parser.add_argument("--golden", type=pathlib.Path, default="../shared/golden")
    flags = parser.parse_args()
    torch.set_num_threads(1)
    network = ResNet18()
    fill(network)
    networks = [network]
    trained = flags.golden / "resnet18_robustness.pt"
    if trained.exists():
        model = torch.load(trained, weights_only=True)["model"]
        networks.append(ResNet18())
        networks[1].load_state_dict({k[13:]: v for k, v in model.items() if k.startswith("module.model.")})
    images = torch.sin(torch.arange(2 * 3 * 32 * 32).float()).reshape(2, 3, 32, 32)
    for network in networks:
        with tempfile.TemporaryDirectory() as folder:
            round_trip(network, flags.programs, pathlib.Path(folder), images)
            half(network, flags.programs, pathlib.Path(folder))
    print("all the same")


if __name__ == "__main__":
    main()
