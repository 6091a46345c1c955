"""Transforms of real planes in PyTorch and here, in turn: the peer of `cargo bench -p benches --bench fft -- "fft of real planes"`.

    pip install torch
    cargo bench -p benches --bench fft --no-run           # says where the program is
    python benches/torch_fft.py --ours target/release/deps/fft-… [--threads 2] [--rounds 5] [3072x32x32 96x224x224 …]

Each round runs both, one after the other; printed are the medians in milliseconds, the time for a pixel, and the median and the range of the
rounds' ratios, above 1 where ours is faster. glibc is told to keep large blocks, without which PyTorch is slower.
"""

import argparse
import os
import re
import statistics
import subprocess
import sys
import time

# What the benchmark has.
SIZES = ["3072x32x32", "768x64x64", "96x224x224", "96x256x256", "64x299x299", "64x331x331", "64x384x384", "1024x33x33", "256x96x100"]
KEEP = {"MALLOC_MMAP_THRESHOLD_": "4294967296", "MALLOC_TRIM_THRESHOLD_": "4294967296"}
UNITS = {"ns": 1e-6, "µs": 1e-3, "us": 1e-3, "ms": 1.0, "s": 1e3}


def theirs(planes, runs=40):
    """Milliseconds of a transform, the median."""
    import torch

    times = []
    for _ in range(runs):
        started = time.perf_counter()
        torch.fft.rfft2(planes)
        times.append(time.perf_counter() - started)
    return 1e3 * statistics.median(times)


def ours(program, size, threads):
    planes, sides = size.split("x", 1)
    name = f"^fft of real planes/{sides}/{planes} planes$"
    command = [program, "--bench", name, "--warm-up-time", "0.5", "--measurement-time", "1"]
    said = subprocess.run(command, capture_output=True, text=True, check=True, env=os.environ | {"RAYON_NUM_THREADS": str(threads)})
    value, unit = re.search(r"time:\s+\[\S+ \S+ (\S+) (\S+)", said.stdout).groups()
    return float(value) * UNITS[unit]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sizes", nargs="*", default=SIZES)
    parser.add_argument("--ours", required=True)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    if any(os.environ.get(name) != value for name, value in KEEP.items()):
        os.execve(sys.executable, [sys.executable, *sys.argv], os.environ | KEEP)
    import torch

    torch.set_num_threads(arguments.threads)
    for size in arguments.sizes:
        shape = [int(side) for side in size.split("x")]
        planes = torch.rand(shape)
        theirs(planes, 3)
        rounds = [(ours(arguments.ours, size, arguments.threads), theirs(planes)) for _ in range(arguments.rounds)]
        own, other = (statistics.median(times) for times in zip(*rounds))
        ratios = [other / own for own, other in rounds]
        print(
            f"{size}: ours {own:.2f} ms ({1e6 * own / planes.numel():.2f} ns a pixel), PyTorch {other:.2f} ms, "
            f"ratio {statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})",
            flush=True,
        )


if __name__ == "__main__":
    main()
