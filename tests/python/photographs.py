"""Photographs are decoded and resized as Pillow and torchvision do it, value by value: kept out of `cargo test`, because it needs Python with
pillow and torchvision, and photographs, of which none may be committed.

    cargo build --release -p examples --examples
    python tests/python/photographs.py FOLDER [--programs target/release/examples] [--most 1000]

FOLDER is searched for .jpg, .jpeg, .png and .webp files of at least 512 pixels. Pieces of them, at scales from the whole picture down to its own
pixels, are written by Pillow in ways that people have: JPEG of several qualities, samplings, sizes odd and even, baseline and progressive;
PNG; WebP. Decoding: both programs' pixels must be equal. Framing: Resize and CenterCrop of torchvision, with every filter, and ours must be
equal. A line a way: how many values differ, and by how much at most. Exit status 1 if one does by more than a level, or more than one in a
thousand does.
"""

import argparse
import pathlib
import random
import subprocess
import sys
import tempfile

import numpy
from PIL import Image
from torchvision import transforms
from torchvision.transforms import InterpolationMode

SIDE = 224
SIZES = [16, 33, 34, 40, 41, 250]
SAMPLINGS = {0: "4:4:4", 1: "4:2:2", 2: "4:2:0"}


def photographs(folder):
    """Natural photographs: large enough, with colours."""
    for path in sorted(pathlib.Path(folder).rglob("*")):
        if path.suffix.lower() not in (".jpg", ".jpeg", ".png", ".webp") or not path.is_file():
            continue
        try:
            image = Image.open(path)
            image.draft("RGB", (2048, 2048))
            image = image.convert("RGB")
        except OSError:
            continue
        if min(image.size) >= 512:
            image.thumbnail((2048, 2048))
            yield image


def pieces(folder, most):
    """So many pieces of 500 × 375 pixels, or 375 × 500."""
    images, chosen = list(photographs(folder)), random.Random(0)
    assert images, f"{folder}: no photographs of at least 512 pixels"
    for index in range(most):
        image, size = images[index % len(images)], chosen.choice([(500, 375), (375, 500)])
        largest = min(image.width / size[0], image.height / size[1])
        scale = chosen.uniform(1, largest) if largest > 1 else largest
        width, height = int(size[0] * scale), int(size[1] * scale)
        left, top = chosen.randint(0, image.width - width), chosen.randint(0, image.height - height)
        yield image.crop((left, top, left + width, top + height)).resize(size, Image.Resampling.LANCZOS)


def ours(programs, root, *flags):
    """What the program makes of a folder, (N, H, W, 3)."""
    array = root / "images.npy"
    command = [programs / "photographs_to_array", root, array, *flags]
    subprocess.run([str(part) for part in command], check=True, stdout=subprocess.DEVNULL)
    return numpy.load(array)


class Report:
    wrong = 0

    def line(self, name, found, expected):
        apart = numpy.abs(found.astype(int) - expected.astype(int))
        share, most = (apart > 0).mean(), apart.max()
        bad = most > 1 or share > 1e-3
        self.wrong += int(bad)
        print(f"{name:44} {len(found):5} images  {100 * share:8.4f} % of values differ, by {most} at most{'  WRONG' if bad else ''}", flush=True)


def compared(programs, report, name, suffix, images, options):
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        (root / "train/x").mkdir(parents=True)
        theirs = []
        for index, image in enumerate(images):
            path = root / f"train/x/{index:05}.{suffix}"
            image.save(path, **options)
            theirs.append(numpy.asarray(Image.open(path).convert("RGB")))
        report.line(name, ours(programs, root), numpy.stack(theirs))


def decoding(programs, report, images):
    for size in SIZES:
        middle = [transforms.CenterCrop(size)(image) for image in images[:: 1 if size > 200 else 10]]
        for sampling, name in SAMPLINGS.items():
            for quality, progressive in [(95, False), (75, False), (50, True)]:
                words = f"JPEG {name}, quality {quality}{', progressive' * progressive}, {size}"
                options = {"quality": quality, "subsampling": sampling, "progressive": progressive}
                compared(programs, report, words, "jpg", middle, options)
        compared(programs, report, f"JPEG grey, {size}", "jpg", [image.convert("L") for image in middle], {})
        compared(programs, report, f"JPEG CMYK, {size}", "jpg", [image.convert("CMYK") for image in middle], {})
        compared(programs, report, f"PNG, {size}", "png", middle, {})
        compared(programs, report, f"WebP, {size}", "webp", middle, {"quality": 80})


def framing(programs, report, images):
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        (root / "train/x").mkdir(parents=True)
        for index, image in enumerate(images):
            suffix, options = ("png", {}) if index % 10 == 0 else ("jpg", {"quality": 60 + index % 40, "subsampling": index % 3})
            image.save(root / f"train/x/{index:05}.{suffix}", **options)
        paths = sorted((root / "train/x").iterdir())
        for mode in ["nearest", "box", "bilinear", "hamming", "bicubic", "lanczos"]:
            for to in [256, 235]:
                theirs = transforms.Compose([transforms.Resize(to, InterpolationMode(mode)), transforms.CenterCrop(SIDE)])
                expected = numpy.stack([numpy.asarray(theirs(Image.open(path).convert("RGB"))) for path in paths])
                report.line(f"{mode}, {to} to {SIDE}", ours(programs, root, SIDE, to, mode), expected)


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("folder")
    arguments.add_argument("--programs", default="target/release/examples", type=pathlib.Path)
    arguments.add_argument("--most", default=1000, type=int)
    arguments = arguments.parse_args()
    images, report = list(pieces(arguments.folder, arguments.most)), Report()
    programs = arguments.programs.resolve()
    decoding(programs, report, images)
    framing(programs, report, images)
    sys.exit(1 if report.wrong else 0)


if __name__ == "__main__":
    main()
