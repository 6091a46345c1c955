"""Networks in PyTorch and here, in turn, in images a second: the peer of `cargo bench -p benches --bench layers -- NAME IMAGES SIDE WHAT`.

    pip install torch torchvision
    cargo bench -p benches --bench layers --no-run        # says where the program is
    python benches/torch_networks.py --ours target/release/deps/layers-… training,pixels timm/resnet50:32:224 alexnet:32:224

WHAT is `logits` (inference mode, batch-norm folded into convolutions), `pixels` (the gradient of the pixels, no weight's) or `training` (the
gradients of all weights; the optimiser's step is left out of both). Each network is NAME:IMAGES:SIDE. They are torchvision's; ResNets and DenseNets
at 32 pixels are those for small images. Of names that mean such a network here, a prefix `timm/` means torchvision's. PyTorch runs in channels-last, with `--bf16` in autocast,
with `--compile` compiled (not counted) as well as eager; glibc is told to keep large blocks, without which PyTorch is slower. Each round runs both,
one after the other. Printed are the medians of the rates and of the rounds' ratios, and their range; `--memory` adds the peaks of memory.
`--cpu` divides by the processor time of one thread instead of the clock's, which other programs disturb less: give it `--threads 1`.
"""

import argparse
import os
import re
import statistics
import subprocess
import sys
import time

# What tells glibc to keep the memory of large blocks.
KEEP = {"MALLOC_MMAP_THRESHOLD_": "4294967296", "MALLOC_TRIM_THRESHOLD_": "4294967296", "MALLOC_TOP_PAD_": "268435456"}


def network(name, side):
    """The network of a name, for images of a side."""
    plain = name.removeprefix("timm/")
    import torch.nn as nn
    import torchvision

    net = getattr(torchvision.models, plain)()
    if plain == name and side == 32:
        # Those for small images begin with a 3×3 convolution, and without pooling.
        if hasattr(net, "conv1"):
            net.conv1, net.maxpool = nn.Conv2d(3, 64, 3, 1, 1, bias=False), nn.Identity()
        else:
            net.features.conv0 = nn.Conv2d(3, 64, 3, 1, 1, bias=False)
            net.features.norm0 = net.features.relu0 = net.features.pool0 = nn.Identity()
    return net


def passes(what, name, images, side, bf16, is_compiled):
    """What PyTorch is to run again and again."""
    import torch
    import torch.nn.functional as F

    net = network(name, side).to(memory_format=torch.channels_last)
    pixels = torch.rand(images, 3, side, side).to(memory_format=torch.channels_last)
    autocast = torch.autocast("cpu", torch.bfloat16, enabled=bf16)
    if what == "logits":
        from torch.fx.experimental.optimization import fuse

        net = fuse(net.eval())
    if what == "pixels":
        net.eval().requires_grad_(False)
        pixels.requires_grad_(True)
    with torch.no_grad():
        classes = net.eval()(pixels).shape[1]
    net.train(what == "training")
    labels = torch.arange(images) % classes
    run = torch.compile(net) if is_compiled else net

    def once():
        if what == "logits":
            with torch.inference_mode(), autocast:
                return run(pixels)
        with autocast:
            loss = F.cross_entropy(run(pixels).float(), labels)
        if what == "pixels":
            return torch.autograd.grad(loss, pixels)
        net.zero_grad(set_to_none=True)
        return loss.backward()

    return once


def theirs(arguments):
    """Of a process of its own, so that its peak of memory is its own: prints images a second and bytes."""
    import torch

    torch.set_num_threads(arguments.threads)
    name, images, side = arguments.theirs.split(":")
    images, side = int(images), int(side)
    once = passes(arguments.what, name, images, side, arguments.bf16, arguments.compile)
    once()
    clock = time.process_time if arguments.cpu else time.perf_counter
    started, count = clock(), 3
    for _ in range(count):
        once()
    print(count * images / (clock() - started))


def rate_of(command, environment, pattern):
    """The rate that a program prints, and its peak of memory in GB."""
    before = time.time()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=os.environ | environment)
    text = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"{' '.join(command)}: failed after {time.time() - before:.0f} s")
    return float(re.search(pattern, text)[1]), usage.ru_maxrss * 1024 / 1e9


def compare(arguments, what, of):
    """One line: medians and the range of ratios."""
    name, images, side = of.split(":")
    flags = [flag for flag in ("--bf16", "--cpu") if getattr(arguments, flag[2:])]
    peer = [sys.executable, __file__, "--ours", "", "--threads", str(arguments.threads), *flags, "--theirs", of, what]
    own = [arguments.ours, name, images, side, what, *(["bf16"] if arguments.bf16 else [])]
    pattern = r"([\d.]+) images/s" + (" of processor time" if arguments.cpu else ",")
    sides = {"ours": (own, {"RAYON_NUM_THREADS": str(arguments.threads)}, pattern), "PyTorch": (peer, KEEP, r"([\d.]+)")}
    if arguments.compile:
        sides["compiled"] = (peer[:2] + ["--compile"] + peer[2:], KEEP, r"([\d.]+)")
    found = {side: [] for side in sides}
    for _ in range(arguments.rounds):
        for side, run in sides.items():
            found[side].append(rate_of(*run))
    words = [f"{what} {of}" + (" bf16" if arguments.bf16 else "")]
    for side in sides:
        memory = f" {max(gb for _, gb in found[side]):.2f} GB" if arguments.memory else ""
        words.append(f"{side} {statistics.median(rate for rate, _ in found[side]):.2f}{memory}")
        if side != "ours":
            ratios = [own / other for (own, _), (other, _) in zip(found["ours"], found[side])]
            words.append(f"ratio {statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})")
    print(", ".join(words), flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", help="logits, pixels, training, or several with commas")
    parser.add_argument("networks", nargs="*", metavar="NAME:IMAGES:SIDE")
    parser.add_argument("--ours", required=True)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--bf16", action="store_true")
    parser.add_argument("--compile", action="store_true")
    parser.add_argument("--memory", action="store_true")
    parser.add_argument("--cpu", action="store_true")
    parser.add_argument("--theirs", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.theirs:
        return theirs(arguments)
    for of in arguments.networks:
        for what in arguments.what.split(","):
            compare(arguments, what, of)


if __name__ == "__main__":
    main()
