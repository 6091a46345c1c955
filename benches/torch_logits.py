"""Logits of a network in PyTorch, in images a second, in turn with ours: the peer of `cargo bench -p benches --bench layers -- NAME IMAGES SIDE logits`.

    pip install torch torchvision
    cargo bench -p benches --bench layers --no-run        # says where the program is
    python benches/torch_logits.py resnet18 128 32 --ours target/release/deps/layers-… [--threads 2] [--rounds 5]

Inference mode, channels-last, batch-norm folded into convolutions. Each round runs both, one after the other; medians and the ratio of
medians are printed, and the spread of rounds. `--cpu` divides by the processor time of one thread instead of the clock's, which other programs
on the machine disturb less: give it `--threads 1`. ResNet-18 at 32×32 is that for small images, others are torchvision's.
"""

import argparse
import os
import pathlib
import re
import statistics
import subprocess
import sys
import time

import torch
from torch.fx.experimental.optimization import fuse

sys.path.insert(0, str(pathlib.Path(__file__).parent / "gpu"))


def network(name, side):
    if name == "resnet18" and side == 32:
        from torch_speed import ResNet18

        return ResNet18()
    import torchvision

    return getattr(torchvision.models, name)()


def theirs(run, images, passes, cpu):
    clock = time.process_time if cpu else time.perf_counter
    started = clock()
    for _ in range(passes):
        run()
    return passes * images / (clock() - started)


def ours(command, threads, cpu):
    said = subprocess.run(command, capture_output=True, text=True, check=True, env=os.environ | {"RAYON_NUM_THREADS": str(threads)})
    of = " of processor time" if cpu else ","
    return float(re.search(rf"([\d.]+) images/s{of}", said.stdout)[1])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name")
    parser.add_argument("images", type=int)
    parser.add_argument("side", type=int)
    parser.add_argument("--ours", required=True)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--cpu", action="store_true")
    arguments = parser.parse_args()
    name, images, side, passes = arguments.name, arguments.images, arguments.side, 3
    torch.set_num_threads(arguments.threads)
    net = fuse(network(name, side).eval()).to(memory_format=torch.channels_last)
    pixels = torch.rand(images, 3, side, side).to(memory_format=torch.channels_last)
    command = [arguments.ours, name, str(images), str(side), "logits"]
    rates = {"PyTorch": [], "freqbias": []}
    with torch.inference_mode():
        net(pixels)
        for _ in range(arguments.rounds):
            rates["PyTorch"].append(theirs(lambda: net(pixels), images, passes, arguments.cpu))
            rates["freqbias"].append(ours(command, arguments.threads, arguments.cpu))
    for who, found in rates.items():
        print(f"{who:8} {name} {images}×{side}×{side}: {statistics.median(found):.2f} images/s ({min(found):.2f} to {max(found):.2f})")
    print(f"ratio {statistics.median(rates['freqbias']) / statistics.median(rates['PyTorch']):.2f}")


if __name__ == "__main__":
    main()
