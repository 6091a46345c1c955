"""What `GradientSpectrum.update` costs beside a vectorised PyTorch implementation, and beside the call of the Rust library alone.

    cargo build --release --example library
    python benches/update.py [ROUNDS [PATH OF THE EXAMPLE]]

Needs torch and a release build (`pip install .`). The example pushes as many gradients through `GradientStatistics`. Each has its turn for some tenths of a second,
round after round, so that whatever else the machine does slows all alike; medians of turns are printed, and the range, which says how quiet
the machine was.
"""

import statistics
import subprocess
import sys
import time

import numpy as np
import torch

import freqbias

# Images, side, images that PyTorch takes at once: what was fastest of 128 … 10,000.
BLOCK = 0.4
SIZES = [(10_000, 32, 1000), (256, 224, 32)]


def torch_spectrum(side):
    """Channels summed, rfft2, magnitudes, radial means as a product with a sparse-free matrix, min–max, running sums in float64."""
    i, j = np.mgrid[:side, :side].astype(float)
    ring = np.floor(np.hypot(i - (side - 1) / 2, j - (side - 1) / 2) + 1e-9).astype(int)
    ring = np.fft.ifftshift(ring)
    count = np.bincount(ring.ravel()).astype(float)
    weights = np.zeros((side, side // 2 + 1, ring.max() + 1))
    for u in range(side):
        for v in range(side // 2 + 1):
            weights[u, v, ring[u, v]] += 1 / count[ring[u, v]]
            if 0 < v < side - v:  # its mirror image is not there
                mirrored = ring[-u % side, -v % side]
                weights[u, v, mirrored] += 1 / count[mirrored]
    weights = torch.as_tensor(weights.reshape(-1, ring.max() + 1)[:, 1:-1], dtype=torch.float32)

    def update(gradients, batch):
        total, squares = 0, 0
        with torch.inference_mode():
            for part in gradients.split(batch):
                magnitudes = torch.fft.rfft2(part.sum(1)).abs().flatten(1)
                means = magnitudes @ weights
                low, high = means.amin(1, keepdim=True), means.amax(1, keepdim=True)
                profiles = ((means - low) / (high - low)).double()
                total, squares = total + profiles.sum(0), squares + profiles.square().sum(0)
        mean = total / len(gradients)
        return mean, (squares / len(gradients) - mean**2).clamp(min=0).sqrt()

    return update


def block(call):
    """The median of calls that follow each other for BLOCK seconds, of which the first is left out: cores that slept are slow at first."""
    time.sleep(0.2)  # PyTorch's threads spin for a while after their work, on the cores of whoever comes next
    call()
    begun, found = time.perf_counter(), []
    while not found or time.perf_counter() - begun < BLOCK:
        found.append(call())
    return statistics.median(found)


def timed(work):
    def call():
        begun = time.perf_counter()
        work()
        return time.perf_counter() - begun

    return call


class Library:
    """The example, which pushes gradients once for every line that it reads, and says how many seconds that took."""

    def __init__(self, path, count, side):
        command = [path, str(count), str(side)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def __call__(self):
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return float(self.process.stdout.readline())


def main():
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 15
    torch.set_num_threads(freqbias.threads())
    print(f"{freqbias.threads()} threads, {rounds} interleaved rounds")
    for count, side, batch in SIZES:
        gradients = torch.randn(count, 3, side, side)
        reference = torch_spectrum(side)

        spectrum = freqbias.GradientSpectrum(side, side)

        def ours(spectrum=spectrum, gradients=gradients):
            spectrum.update(gradients)

        library = Library(sys.argv[2], count, side) if len(sys.argv) > 2 else None
        times = {"torch": [], "ours": [], "library": []}
        ours()
        assert np.abs(spectrum.result().mean - reference(gradients, batch)[0].numpy()).max() < 1e-5
        for _ in range(rounds):
            times["torch"].append(block(timed(lambda: reference(gradients, batch))))
            times["ours"].append(block(timed(ours)))
            if library:
                times["library"].append(block(library))
        print(f"\n{count} gradients of {side}×{side}×3")
        for name, values in ((name, values) for name, values in times.items() if values):
            low, middle, high = min(values), statistics.median(values), max(values)
            print(f"  {name:6} {1e3 * middle:8.1f} ms (from {1e3 * low:.1f} to {1e3 * high:.1f})")
        ratios = [first / second for first, second in zip(times["torch"], times["ours"])]
        print(f"  {statistics.median(ratios):.1f} times as fast as torch (median of rounds)")
        if library:
            library.process.stdin.close()
            medians, least = (
                [of(times[name]) for name in ("ours", "library")] for of in (statistics.median, min)
            )
            over = [100 * (ours / alone - 1) for ours, alone in (medians, least)]
            print(f"  {over[0]:+.1f} % over the library alone (of medians; {over[1]:+.1f} % of the fastest turns)")


if __name__ == "__main__":
    main()
