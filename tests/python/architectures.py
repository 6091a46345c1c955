"""What PyTorch computes for each architecture, for crates/models/tests/suite/architectures.rs to compare with.

    pip install torch torchvision timm numpy pillow
    python tests/python/architectures.py [NAME | FAMILY/NAME ...]        # all of them without names

Weights come from a formula that the Rust test computes too, so none are stored: see `draw`. Everything is in float64: what
differs is the other side's rounding. Images are the first of drawn ones whose gradient rounding does not change by chance, see
`is_steady`; files whose "images" is a name are older, and were not chosen so. Networks for larger images are torchvision's;
those for 32x32 pixels are written down here from the papers, with the module names of the models that people have checkpoints
of.

NAME@SIZE, as swin_t@200, is the same network on images of another size, in a file of its own.

The committed files were made with Python 3.11, torch 2.15.0, torchvision 0.29.2, timm 1.0.22; those of networks in TIMM_SINCE and
of Swin v2 with timm 1.0.31.
"""

import copy
import json
import pathlib
import sys

import numpy as np
import timm
import torch
import torchvision
from torch import nn
from torch.nn import functional as F

FOLDER = pathlib.Path(__file__).parents[2] / "crates/models/tests/data/architectures"
CLASSES, LABELS = 10, [3, 7]
MEAN, STD = np.float32([0.4914, 0.4822, 0.4465]), np.float32([0.2023, 0.1994, 0.2010])
# Random signs that the input gradient is projected on: the mean square of the differences is the square of the distance.
SKETCHES = 32
# Images are looked for among so many, and tried so many times with sums that are off by so much of their size, times the root of
# the number of their terms. Of the committed files wide_resnet50_3's was made so; the others' images were tried four times, with
# 3e-7 whatever the number of terms, which for this one let a corner pass.
CANDIDATES, ROUGHLY, ROUNDING = 3000, 16, 1e-8


def draw(name, count):
    """Numbers in [0, 1): FNV-1a of the name, the index times a constant, the finaliser of MurmurHash3; 24 bits of it."""
    key = 0x811C9DC5
    for byte in name.encode():
        key = (key ^ byte) * 0x01000193 & 0xFFFFFFFF
    x = np.arange(count, dtype=np.uint32) * np.uint32(0x9E3779B1) ^ np.uint32(key)
    for shift, factor in [(16, 0x85EBCA6B), (13, 0xC2B2AE35)]:
        x ^= x >> np.uint32(shift)
        x *= np.uint32(factor)
    x ^= x >> np.uint32(16)
    return (x >> np.uint32(8)).astype(np.float64) / 2**24


def weights(name, shape, gain):
    """He-uniform filters times `gain`; the rest near what a trained network has."""
    u = draw(name, int(np.prod(shape)))
    kind = name.rsplit(".", 1)[-1]
    if len(shape) > 1:
        u = (2 * u - 1) * np.sqrt(6 / np.prod(shape[1:])) * gain
    elif kind == "weight":
        u = 0.5 + 0.5 * u
    elif kind == "running_var":
        u = 0.5 + u
    else:
        u = 0.2 * u - 0.1
    return torch.from_numpy(u.astype(np.float32).astype(np.float64).reshape(shape))


class Residual(nn.Module):
    """A block of the ResNets for 32x32 pixels; `shortcut` is `conv` or `pad` (He et al., option A)."""

    def __init__(self, inputs, width, stride, bottleneck=False, shortcut="conv"):
        super().__init__()
        out = 4 * width if bottleneck else width
        layers = [(inputs, width, 1, 1), (width, width, 3, stride), (width, out, 1, 1)]
        layers = layers if bottleneck else [(inputs, width, 3, stride), (width, width, 3, 1)]
        self.count, self.stride, self.pad = len(layers), stride, shortcut == "pad" and out - inputs
        for i, (a, b, kernel, step) in enumerate(layers, 1):
            setattr(self, f"conv{i}", nn.Conv2d(a, b, kernel, step, kernel // 2, bias=False))
            setattr(self, f"bn{i}", nn.BatchNorm2d(b))
        self.shortcut = nn.Sequential()
        if shortcut == "conv" and (stride != 1 or inputs != out):
            self.shortcut = nn.Sequential(nn.Conv2d(inputs, out, 1, stride, bias=False), nn.BatchNorm2d(out))

    def forward(self, x):
        y = x
        for i in range(1, self.count + 1):
            y = getattr(self, f"bn{i}")(getattr(self, f"conv{i}")(y))
            y = F.relu(y) if i < self.count else y
        if self.pad:
            x = F.pad(x[:, :, :: self.stride, :: self.stride], (0, 0, 0, 0, self.pad // 2, self.pad // 2))
        return F.relu(y + self.shortcut(x))


class SmallResNet(nn.Module):
    def __init__(self, depths, width, **how):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(3, width, 3, padding=1, bias=False), nn.BatchNorm2d(width)
        self.stages, inputs = len(depths), width
        for stage, depth in enumerate(depths):
            blocks = []
            for i in range(depth):
                blocks.append(Residual(inputs, width << stage, 2 if stage and not i else 1, **how))
                inputs = (width << stage) * (4 if how.get("bottleneck") else 1)
            setattr(self, f"layer{stage + 1}", nn.Sequential(*blocks))
        self.linear = nn.Linear(inputs, CLASSES)

    def forward(self, x):
        x = F.relu(self.bn1(self.conv1(x)))
        for stage in range(self.stages):
            x = getattr(self, f"layer{stage + 1}")(x)
        return self.linear(x.mean((2, 3)))


class SmallVgg(nn.Module):
    def __init__(self, depths):
        super().__init__()
        layers, inputs = [], 3
        for width, depth in zip([64, 128, 256, 512, 512], depths):
            for _ in range(depth):
                layers += [nn.Conv2d(inputs, width, 3, padding=1), nn.BatchNorm2d(width), nn.ReLU()]
                inputs = width
            layers.append(nn.MaxPool2d(2))
        self.features, self.classifier = nn.Sequential(*layers), nn.Linear(512, CLASSES)

    def forward(self, x):
        return self.classifier(self.features(x).mean((2, 3)))


class Dense(nn.Module):
    def __init__(self, inputs, growth):
        super().__init__()
        self.bn1, self.conv1 = nn.BatchNorm2d(inputs), nn.Conv2d(inputs, 4 * growth, 1, bias=False)
        self.bn2, self.conv2 = nn.BatchNorm2d(4 * growth), nn.Conv2d(4 * growth, growth, 3, padding=1, bias=False)

    def forward(self, x):
        y = self.conv1(F.relu(self.bn1(x)))
        return torch.cat([self.conv2(F.relu(self.bn2(y))), x], 1)


class Transition(nn.Module):
    def __init__(self, inputs):
        super().__init__()
        self.bn, self.conv = nn.BatchNorm2d(inputs), nn.Conv2d(inputs, inputs // 2, 1, bias=False)

    def forward(self, x):
        return F.avg_pool2d(self.conv(F.relu(self.bn(x))), 2)


class SmallDenseNet(nn.Module):
    def __init__(self, depths, growth):
        super().__init__()
        width = 2 * growth
        self.conv1 = nn.Conv2d(3, width, 3, padding=1, bias=False)
        for i, depth in enumerate(depths, 1):
            setattr(self, f"dense{i}", nn.Sequential(*[Dense(width + j * growth, growth) for j in range(depth)]))
            width += depth * growth
            if i < 4:
                setattr(self, f"trans{i}", Transition(width))
                width //= 2
        self.bn, self.linear = nn.BatchNorm2d(width), nn.Linear(width, CLASSES)

    def forward(self, x):
        x = self.conv1(x)
        for i in range(1, 5):
            x = getattr(self, f"dense{i}")(x)
            x = getattr(self, f"trans{i}")(x) if i < 4 else x
        return self.linear(F.relu(self.bn(x)).mean((2, 3)))


class WideBlock(nn.Module):
    def __init__(self, inputs, width, stride):
        super().__init__()
        self.bn1, self.conv1 = nn.BatchNorm2d(inputs), nn.Conv2d(inputs, width, 3, stride, 1, bias=False)
        self.bn2, self.conv2 = nn.BatchNorm2d(width), nn.Conv2d(width, width, 3, 1, 1, bias=False)
        if inputs != width:
            self.convShortcut = nn.Conv2d(inputs, width, 1, stride, bias=False)

    def forward(self, x):
        active = F.relu(self.bn1(x))
        shortcut = self.convShortcut(active) if hasattr(self, "convShortcut") else x
        return shortcut + self.conv2(F.relu(self.bn2(self.conv1(active))))


class PreActivation(nn.Module):
    def __init__(self, inputs, width, stride, bottleneck):
        super().__init__()
        out = 4 * width if bottleneck else width
        layers = [(inputs, width, 1, 1), (width, width, 3, stride), (width, out, 1, 1)]
        layers = layers if bottleneck else [(inputs, width, 3, stride), (width, width, 3, 1)]
        self.count = len(layers)
        for i, (a, b, kernel, step) in enumerate(layers, 1):
            setattr(self, f"bn{i}", nn.BatchNorm2d(a))
            setattr(self, f"conv{i}", nn.Conv2d(a, b, kernel, step, kernel // 2, bias=False))
        if stride != 1 or inputs != out:
            self.shortcut = nn.Sequential(nn.Conv2d(inputs, out, 1, stride, bias=False))

    def forward(self, x):
        y = active = F.relu(self.bn1(x))
        shortcut = self.shortcut(active) if hasattr(self, "shortcut") else x
        for i in range(1, self.count + 1):
            y = y if i == 1 else F.relu(getattr(self, f"bn{i}")(y))
            y = getattr(self, f"conv{i}")(y)
        return shortcut + y


class PreActivationResNet(nn.Module):
    def __init__(self, depths, bottleneck=False):
        super().__init__()
        self.conv1, inputs = nn.Conv2d(3, 64, 3, padding=1, bias=False), 64
        for stage, depth in enumerate(depths):
            blocks = []
            for i in range(depth):
                blocks.append(PreActivation(inputs, 64 << stage, 2 if stage and not i else 1, bottleneck))
                inputs = (64 << stage) * (4 if bottleneck else 1)
            setattr(self, f"layer{stage + 1}", nn.Sequential(*blocks))
        self.linear = nn.Linear(inputs, CLASSES)

    def forward(self, x):
        x = self.conv1(x)
        for stage in range(4):
            x = getattr(self, f"layer{stage + 1}")(x)
        return self.linear(x.mean((2, 3)))


class WideResNet(nn.Module):
    def __init__(self, depth=4, times=10):
        super().__init__()
        self.conv1, inputs = nn.Conv2d(3, 16, 3, padding=1, bias=False), 16
        for stage in range(3):
            layer = nn.Module()
            blocks = []
            for i in range(depth):
                blocks.append(WideBlock(inputs, 16 * times << stage, 2 if stage and not i else 1))
                inputs = 16 * times << stage
            layer.layer = nn.Sequential(*blocks)
            setattr(self, f"block{stage + 1}", layer)
        self.bn1, self.fc = nn.BatchNorm2d(inputs), nn.Linear(inputs, CLASSES)

    def forward(self, x):
        x = self.conv1(x)
        for stage in range(3):
            x = getattr(self, f"block{stage + 1}").layer(x)
        return self.fc(F.relu(self.bn1(x)).mean((2, 3)))


class SwishBlock(nn.Module):
    """Of Gowal et al. 2020: a stride pads as TensorFlow's SAME does, behind the image alone."""

    def __init__(self, inputs, width, stride):
        super().__init__()
        self.batchnorm_0, self.conv_0 = nn.BatchNorm2d(inputs), nn.Conv2d(inputs, width, 3, stride, bias=False)
        self.batchnorm_1, self.conv_1 = nn.BatchNorm2d(width), nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.padding = (0, 1, 0, 1) if stride == 2 else (1, 1, 1, 1)
        if inputs != width:
            self.shortcut = nn.Conv2d(inputs, width, 1, stride, bias=False)

    def forward(self, x):
        active = F.silu(self.batchnorm_0(x))
        shortcut = self.shortcut(active) if hasattr(self, "shortcut") else x
        y = self.conv_0(F.pad(active, self.padding))
        return shortcut + self.conv_1(F.silu(self.batchnorm_1(y)))


class SwishWideResNet(nn.Module):
    def __init__(self, depth, times):
        super().__init__()
        self.init_conv, inputs, groups = nn.Conv2d(3, 16, 3, padding=1, bias=False), 16, []
        for stage in range(3):
            group, blocks = nn.Module(), []
            for i in range(depth):
                blocks.append(SwishBlock(inputs, 16 * times << stage, 2 if stage and not i else 1))
                inputs = 16 * times << stage
            group.block = nn.Sequential(*blocks)
            groups.append(group)
        self.layer = nn.ModuleList(groups)
        self.batchnorm, self.logits = nn.BatchNorm2d(inputs), nn.Linear(inputs, CLASSES)

    def forward(self, x):
        x = self.init_conv(x)
        for group in self.layer:
            x = group.block(x)
        return self.logits(F.silu(self.batchnorm(x)).mean((2, 3)))


class Basic(nn.Module):
    def __init__(self, inputs, out, kernel=1, stride=1, padding=0):
        super().__init__()
        self.conv = nn.Conv2d(inputs, out, kernel, stride, padding, bias=False)
        self.bn = nn.BatchNorm2d(out)

    def forward(self, x):
        return F.relu(self.bn(self.conv(x)))


def row(inputs, *layers, first=()):
    """Convolutions one after the other: (channels, kernel, stride, padding)."""
    modules = list(first)
    for layer in layers:
        modules.append(Basic(inputs, *layer))
        inputs = layer[0]
    return nn.Sequential(*modules)


def smooth():
    return nn.AvgPool2d(3, 1, 1)


TALL, FLAT = ((7, 1), 1, (3, 0)), ((1, 7), 1, (0, 3))


class Mixed(nn.Module):
    """Branches side by side, by name; a pair of names continues a branch twice."""

    def __init__(self, **branches):
        super().__init__()
        self.order = list(branches)
        for name, branch in branches.items():
            setattr(self, name, branch)

    def forward(self, x):
        return torch.cat([getattr(self, name)(x) for name in self.order], 1)


class Mixed7(nn.Module):
    def __init__(self, inputs):
        super().__init__()
        self.branch1x1 = Basic(inputs, 320)
        self.branch3x3_1, self.branch3x3stack_1 = Basic(inputs, 384), Basic(inputs, 448)
        self.branch3x3stack_2 = Basic(448, 384, 3, padding=1)
        for stem in ["branch3x3_2", "branch3x3stack_3"]:
            setattr(self, f"{stem}a", Basic(384, 384, (1, 3), padding=(0, 1)))
            setattr(self, f"{stem}b", Basic(384, 384, (3, 1), padding=(1, 0)))
        self.branch_pool = row(inputs, (192,), first=[smooth()])

    def forward(self, x):
        y, z = self.branch3x3_1(x), self.branch3x3stack_2(self.branch3x3stack_1(x))
        crossed = [self.branch3x3_2a(y), self.branch3x3_2b(y), self.branch3x3stack_3a(z), self.branch3x3stack_3b(z)]
        return torch.cat([self.branch1x1(x), *crossed, self.branch_pool(x)], 1)


class SmallInception(nn.Module):
    def __init__(self):
        super().__init__()
        stem = [("1a_3x3", 3, 32, 3, 1), ("2a_3x3", 32, 32, 3, 1), ("2b_3x3", 32, 64, 3, 1), ("3b_1x1", 64, 80, 1, 0)]
        for name, inputs, out, kernel, padding in [*stem, ("4a_3x3", 80, 192, 3, 0)]:
            setattr(self, f"Conv2d_{name}", Basic(inputs, out, kernel, padding=padding))
        for name, inputs, pooled in [("5b", 192, 32), ("5c", 256, 64), ("5d", 288, 64)]:
            setattr(self, f"Mixed_{name}", Mixed(
                branch1x1=Basic(inputs, 64),
                branch5x5=row(inputs, (48,), (64, 5, 1, 2)),
                branch3x3=row(inputs, (64,), (96, 3, 1, 1), (96, 3, 1, 1)),
                branchpool=row(inputs, (pooled, 3, 1, 1), first=[smooth()]),
            ))
        self.Mixed_6a = Mixed(
            branch3x3=Basic(288, 384, 3, 2),
            branch3x3stack=row(288, (64,), (96, 3, 1, 1), (96, 3, 2)),
            branchpool=nn.MaxPool2d(3, 2),
        )
        for name, width in [("6b", 128), ("6c", 160), ("6d", 160), ("6e", 192)]:
            w = width
            setattr(self, f"Mixed_{name}", Mixed(
                branch1x1=Basic(768, 192),
                branch7x7=row(768, (w,), (w, *TALL), (192, *FLAT)),
                branch7x7stack=row(768, (w,), (w, *TALL), (w, *FLAT), (w, *TALL), (192, *FLAT)),
                branch_pool=row(768, (192,), first=[smooth()]),
            ))
        self.Mixed_7a = Mixed(
            branch3x3=row(768, (192,), (320, 3, 2)),
            branch7x7=row(768, (192,), (192, *FLAT), (192, *TALL), (192, 3, 2)),
            branchpool=nn.AvgPool2d(3, 2),
        )
        self.Mixed_7b, self.Mixed_7c = Mixed7(1280), Mixed7(2048)
        self.linear = nn.Linear(2048, CLASSES)

    def forward(self, x):
        for name, module in self.named_children():
            x = module(x.mean((2, 3)) if name == "linear" else x)
        return x


def torchvision_model(name):
    models = torchvision.models
    if name.startswith("leaky_"):
        model = models.get_model(name.removeprefix("leaky_"), num_classes=CLASSES)
        for module in list(model.modules()):
            if hasattr(module, "relu"):
                module.relu = nn.LeakyReLU()
        return model
    if name.startswith("wide_resnet50_") and not name.endswith("_2"):
        bottleneck, times = models.resnet.Bottleneck, int(name[-1])
        return models.ResNet(bottleneck, [3, 4, 6, 3], num_classes=CLASSES, width_per_group=64 * times)
    if name in ["googlenet", "inception_v3"]:
        # Ours have no auxiliary classifiers. `init_weights` takes minutes, for weights that are replaced.
        return models.get_model(name, num_classes=CLASSES, aux_logits=False, init_weights=False)
    return models.get_model(name, num_classes=CLASSES)


RESNETS = {18: (False, [2, 2, 2, 2]), 34: (False, [3, 4, 6, 3]), 50: (True, [3, 4, 6, 3]), 101: (True, [3, 4, 23, 3]), 152: (True, [3, 8, 36, 3])}
VGGS = {11: [1, 1, 2, 2, 2], 13: [2, 2, 2, 2, 2], 16: [2, 2, 3, 3, 3], 19: [2, 2, 4, 4, 4]}
REGNETS = {"x": ["400mf", "800mf", "1_6gf", "3_2gf", "8gf", "16gf", "32gf"], "y": ["400mf", "800mf", "1_6gf", "3_2gf", "8gf", "16gf", "32gf", "128gf"]}
# Pixels of a side, for networks that need more than the others.
TRANSFORMERS = [f"vit_{size}" for size in ["b_16", "b_32", "l_16", "l_32", "h_14"]] + ["swin_t", "swin_s", "swin_b", "maxvit_t"]
CONVNEXTS = [f"convnext_{size}" for size in ["tiny", "small", "base", "large"]]
TIMM = [f"convnext_{size}" for size in ["atto", "femto", "pico", "nano"]]
TIMM_VITS = [f"vit_{size}_224" for size in ["tiny_patch16", "small_patch16", "small_patch32"]]
SWINS_V2 = [f"swin_v2_{size}" for size in "tsb"]
WIDE = {f"wide_resnet{depth}_{times}": ((depth - 4) // 6, times) for depth, times in [(34, 20), (70, 16)]}
SWISH = {f"wide_resnet{depth}_{times}_swish": ((depth - 4) // 6, times) for depth, times in [(28, 10), (34, 10), (34, 20), (70, 16)]}
# timm's networks that others do not have, or not so.
TIMM_SMOOTH = [f"convnextv2_{size}" for size in ["atto", "femto", "pico", "nano", "tiny", "base"]]
TIMM_SMOOTH += [f"deit3_{size}_patch16_224" for size in ["small", "base"]]
TIMM_SMOOTH += [f"deit_{size}_distilled_patch16_224" for size in ["tiny", "small", "base"]]
TIMM_SMOOTH += [f"mixer_{size}_224" for size in ["s32", "s16", "b32", "b16"]]
TIMM_SMOOTH += [f"swinv2_{size}_window16_256" for size in ["tiny", "small", "base"]]
TIMM_SMOOTH += [f"timm_efficientnet_b{n}" for n in [5, 6, 7]]
TIMM_CORNERED = [f"resnet{n}d" for n in [18, 34, 50, 101]] + ["resnetv2_50", "resnetv2_101"]
TIMM_CORNERED += ["mobilenetv3_small_100", "mobilenetv3_large_100", *[f"regnety_{size}" for size in ["002", "006", "008", "040", "064", "080"]]]
TIMM_SINCE = TIMM_SMOOTH + TIMM_CORNERED
SIZES = {"inception_v3": 96} | {name: 224 for name in TRANSFORMERS + TIMM_VITS}
# Without ReLU and maxima there are no corners, and every image is steady.
SMOOTH = [*TRANSFORMERS, *CONVNEXTS, *TIMM, *TIMM_VITS, "vit_tiny_patch4_32", *SWINS_V2, *TIMM_SMOOTH, *SWISH]
SIZES |= {"swin_v2_t": 232, "swin_v2_s": 256, "swin_v2_b": 224}
SIZES |= {name: 256 if name.endswith("256") else 224 for name in TIMM_SMOOTH if name.endswith(("_224", "_256"))}
# A plane of nine rows, whose last means are of fewer pixels.
SIZES |= {"resnet18d": 72}
SIZES |= {name: 16 for name in [*WIDE, *SWISH]}
# What a network has besides its weights.
CONSTANTS = ("num_batches_tracked", "relative_position_index", "relative_coords_table")
# What filters are multiplied by, where a signal would be lost on the way (SiLU halves small values), or grow until rounding counts.
GAINS = {f"efficientnet_b{n}": 1.2 for n in range(7)}
GAINS |= {"mobilenetv3_small_100": 1.2, "timm_efficientnet_b5": 1.2, "timm_efficientnet_b6": 1.2, "timm_efficientnet_b7": 1.15}
GAINS |= {"efficientnet_b7": 1.15, "efficientnet_v2_m": 0.9, "efficientnet_v2_l": 0.9}
# Networks that are compared on images of another size, too: Swin's windows reach over the edge there.
OTHER_SIZES = ["imagenet/swin_t@200"]
# Networks whose weights are only counted: in double precision, with their gradients, they do not fit in 16 GB; the search for
# a steady image for wide_resnet70_16 was given up after twenty minutes.
COUNTED = ["regnet_y_128gf", "vit_h_14", "wide_resnet70_16"]
DENSE = {121: ([6, 12, 24, 16], 32), 161: ([6, 12, 36, 24], 48), 169: ([6, 12, 32, 32], 32), 201: ([6, 12, 48, 32], 32)}


def all_models():
    """(family, name) to a function that builds it."""
    found = {}
    for n, (bottleneck, depths) in RESNETS.items():
        found["cifar", f"resnet{n}"] = lambda b=bottleneck, d=depths: SmallResNet(d, 64, bottleneck=b)
    for name, width in [("thin", 48), ("wide", 320)]:
        found["cifar", f"resnet18{name}"] = lambda w=width: SmallResNet([2, 2, 2, 2], w)
    for n in [20, 32, 44, 56, 110]:
        found["cifar", f"resnet{n}"] = lambda n=n: SmallResNet([(n - 2) // 6] * 3, 16, shortcut="pad")
        found["cifar", f"resnet{n}_b"] = lambda n=n: SmallResNet([(n - 2) // 6] * 3, 16)
    for n, (bottleneck, depths) in list(RESNETS.items())[:4]:
        found["cifar", f"preact_resnet{n}"] = lambda b=bottleneck, d=depths: PreActivationResNet(d, b)
    for n, depths in VGGS.items():
        found["cifar", f"vgg{n}"] = lambda d=depths: SmallVgg(d)
    for n, (depths, growth) in DENSE.items():
        found["cifar", f"densenet{n}"] = lambda d=depths, g=growth: SmallDenseNet(d, g)
    found["cifar", "densenet_cifar"] = lambda: SmallDenseNet([6, 12, 24, 16], 12)
    found["cifar", "wide_resnet28_10"] = WideResNet
    found["cifar", "wide_resnet34_10"] = lambda: WideResNet(5)
    for name, (depth, times) in WIDE.items():
        found["cifar", name] = lambda d=depth, t=times: WideResNet(d, t)
    for name, (depth, times) in SWISH.items():
        found["cifar", name] = lambda d=depth, t=times: SwishWideResNet(d, t)
    found["cifar", "inceptionv3"] = SmallInception
    large = [f"{kind}resnet{n}" for kind in ["", "leaky_"] for n in RESNETS]
    large += ["resnext50_32x4d", "resnext101_32x8d", "wide_resnet101_2"]
    large += [f"wide_resnet50_{times}" for times in range(2, 7)]
    large += [f"densenet{n}" for n in DENSE] + [f"vgg{n}{bn}" for n in VGGS for bn in ["", "_bn"]]
    large += ["alexnet", "squeezenet1_0", "squeezenet1_1", "resnext101_64x4d", "googlenet", "inception_v3"]
    large += ["mobilenet_v2", "mobilenet_v3_small", "mobilenet_v3_large"]
    large += [f"mnasnet{width}" for width in ["0_5", "0_75", "1_0", "1_3"]]
    large += [f"efficientnet_b{n}" for n in range(8)] + [f"efficientnet_v2_{size}" for size in "sml"]
    large += [f"shufflenet_v2_x{width}" for width in ["0_5", "1_0", "1_5", "2_0"]]
    large += [f"regnet_{kind}_{size}" for kind, sizes in REGNETS.items() for size in sizes]
    found["cifar", "convnext_atto"] = lambda: timm.create_model("convnext_atto", patch_size=1, num_classes=CLASSES)
    found["cifar", "vit_tiny_patch4_32"] = lambda: timm.create_model("vit_tiny_patch16_224", img_size=32, patch_size=4, num_classes=CLASSES)
    for name in TIMM + TIMM_VITS + TIMM_SINCE:
        found["imagenet", name] = lambda name=name: timm.create_model(name.removeprefix("timm_"), num_classes=CLASSES)
    for name in large + TRANSFORMERS + CONVNEXTS + SWINS_V2:
        found["imagenet", name] = lambda name=name: torchvision_model(name)
    return found


def differentiate(model, pixels, labels):
    """Logits, loss, and the gradient with respect to the pixels, in the model's precision; parameters have theirs afterwards."""
    model.zero_grad()
    kind = next(model.parameters()).dtype
    images = torch.from_numpy(pixels).to(kind).requires_grad_()
    mean, std = [torch.from_numpy(values).to(kind).view(3, 1, 1) for values in (MEAN, STD)]
    logits = model((images - mean) / std)
    loss = F.cross_entropy(logits, torch.tensor(labels))
    loss.backward()
    return logits.detach().numpy().ravel().tolist(), loss.item(), images.grad.double().numpy().ravel()


def differentiate_roughly(model, pixels, label, draw_number):
    """The gradient where convolutions and linear layers are off as sums in single precision may be: the longer, the more."""
    random = torch.Generator().manual_seed(draw_number)

    def disturb(module, _inputs, found):
        size = module.weight[0].numel() ** 0.5 * found.detach().square().mean().sqrt()
        return found + ROUNDING * size * torch.randn(found.shape, generator=random, dtype=found.dtype)

    sums = [module for module in model.modules() if isinstance(module, (nn.Conv2d, nn.Linear))]
    hooks = [module.register_forward_hook(disturb) for module in sums]
    gradient = differentiate(model, pixels, [label])[2]
    for hook in hooks:
        hook.remove()
    return gradient


def is_steady(model, single, pixels, label):
    """Whether single precision finds the gradient of one image, and goes on finding it when sums are rounded otherwise. Else a ReLU
    or a maximum is so near its corner that which way it goes is a matter of chance, and moves the gradient by 1e-4 to 1e-2.

    Images whose class is beyond doubt have no gradient to speak of, and would not count beside the other."""
    found = differentiate(single, pixels, [label])[2]
    if np.linalg.norm(found) < 1e-3:
        return False
    near = lambda other: np.linalg.norm(other - found) < 1e-4 * np.linalg.norm(found)
    if not all(near(differentiate_roughly(single, pixels, label, k)) for k in range(ROUGHLY)):
        return False
    return near(differentiate(model, pixels, [label])[2])


def labels_in_doubt(model, size):
    """LABELS, or the next class where the network is sure of one: no gradient is left then."""
    pixels = torch.from_numpy(image(0, size)).to(next(model.parameters()).dtype)
    with torch.no_grad():
        guess = int(model(pixels).argmax())
    return [label + 1 if label == guess else label for label in LABELS]


def steady_images(model, size, labels):
    """The numbers of the first drawn images that are steady, one for each label. PyTorch alone decides."""
    single, numbers = copy.deepcopy(model).float().requires_grad_(False), []
    for label in labels:
        following = range(numbers[-1] + 1 if numbers else 0, CANDIDATES)
        steady = (k for k in following if is_steady(model, single, image(k, size), label))
        numbers.append(next(steady, None))
        if numbers[-1] is None:
            sys.exit(f"none of {CANDIDATES} images is steady for class {label}")
    return numbers


def image(number, size):
    return draw(f"image{number}", 3 * size * size).reshape(1, 3, size, size)


def count(family, name, build):
    model = build()
    state = [key for key in model.state_dict() if not key.endswith(CONSTANTS)]
    parameters = sum(p.numel() for p in model.parameters())
    return {"name": name, "family": family, "parameters": parameters, "tensors": len(state)}


def measure(family, name, build, size):
    model = build().eval().double()
    state = {key: value for key, value in model.state_dict().items() if not key.endswith(CONSTANTS)}
    gain = GAINS.get(name, 1.0)
    with torch.no_grad():
        for key, value in state.items():
            value.copy_(weights(key, tuple(value.shape), gain))
    size = size or SIZES.get(name, 32 if family == "cifar" else 64)
    labels = labels_in_doubt(model, size)
    numbers = [0, 1] if name in SMOOTH else steady_images(model, size, labels)
    pixels = np.concatenate([image(number, size) for number in numbers])
    logits, loss, gradient = differentiate(model, pixels, labels)
    squares = sum(float((p.grad**2).sum()) for p in model.parameters())
    signs = [np.where(draw(f"signs{k}", gradient.size) < 0.5, -1.0, 1.0) for k in range(SKETCHES)]
    return {
        "name": name,
        "family": family,
        "size": size,
        "gain": gain,
        "images": numbers,
        "labels": labels,
        "parameters": sum(p.numel() for p in model.parameters()),
        "tensors": len(state),
        "logits": logits,
        "loss": loss,
        "input_gradient_norm": float(np.linalg.norm(gradient)),
        "input_gradient_slice": gradient[size * (size // 2) : size * (size // 2) + 8].tolist(),
        "input_gradient_sketch": [float(gradient @ sign) for sign in signs],
        "parameter_gradient_norm": squares**0.5,
    }


def main():
    print(f"Python {sys.version.split()[0]}, torch {torch.__version__}, torchvision {torchvision.__version__}")
    FOLDER.mkdir(parents=True, exist_ok=True)
    models, wanted = all_models(), sys.argv[1:]
    asked = [name.partition("@") for name in wanted or [*map("/".join, models), *OTHER_SIZES]]
    for (family, name), build in models.items():
        for size in [size for asked_name, _, size in asked if asked_name in [name, f"{family}/{name}"]]:
            found = count(family, name, build) if name in COUNTED else measure(family, name, build, int(size or 0))
            text = json.dumps(found, indent=1)
            (FOLDER / f"{family}_{name}{'@' + size if size else ''}.json").write_text(text + "\n")
            images = found.get("images", "none")
            print(f"{family:9} {name:18} {found['parameters']:>11} parameters, images {images}", flush=True)


if __name__ == "__main__":
    main()
