"""Photographs decoded and resized by torchvision, in images a second: the peer of `cargo bench -p benches --bench data -- JPEG`.

    pip install torch torchvision; python benches/torchvision_photographs.py [--workers 2] [--rounds 7]

128 files like those of the benchmark: 500×375 pixels, waves with noise, JPEG of quality 92 without subsampling. The same transforms: the middle after
`Resize(256)`, and `RandomResizedCrop(224)` with a flip. The median of the rounds.
"""

import argparse
import pathlib
import statistics
import tempfile
import time

import numpy
import torch
import torchvision
from PIL import Image
from torchvision import transforms

PHOTOGRAPHS = 128


def photographs(folder):
    folder.mkdir(parents=True)
    y, x = numpy.mgrid[:375, :500].astype(numpy.float32)
    for index in range(PHOTOGRAPHS):
        noise = numpy.random.default_rng(index).uniform(-1, 1, (375, 500))
        waves = sum(size * numpy.sin((x + 0.7 * y + 31 * index) / length) for length, size in [(90, 50), (17, 25), (5, 12)])
        level = 128 + waves + 10 * noise
        pixels = numpy.stack([level, 0.8 * level + 20, 200 - 0.6 * level], -1).clip(0, 255).astype(numpy.uint8)
        Image.fromarray(pixels).save(folder / f"{index:04}.jpg", quality=92, subsampling=0)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=7)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as root:
        photographs(pathlib.Path(root) / "all")
        framings = {
            "centre": [transforms.Resize(256), transforms.CenterCrop(224)],
            "random crop": [transforms.RandomResizedCrop(224), transforms.RandomHorizontalFlip()],
        }
        for name, framing in framings.items():
            dataset = torchvision.datasets.ImageFolder(root, transforms.Compose([*framing, transforms.ToTensor()]))
            # Long enough that starting the workers does not count.
            dataset.samples *= 8
            loader = torch.utils.data.DataLoader(dataset, batch_size=64, num_workers=arguments.workers, persistent_workers=True)
            rates = []
            for _ in range(arguments.rounds + 1):
                started = time.perf_counter()
                count = sum(len(images) for images, _ in loader)
                rates.append(count / (time.perf_counter() - started))
            print(f"{name}: {statistics.median(rates[1:]):.0f} images/s ({arguments.workers} workers)", flush=True)


if __name__ == "__main__":
    main()
