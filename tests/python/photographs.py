"""Photographs are decoded and resized as Pillow and torchvision do it: kept out of `cargo test`, because it needs Python with pillow and
torchvision, and photographs, of which none may be committed.

    cargo build --release -p examples --examples
    python tests/python/photographs.py FOLDER [--programs target/release/examples] [--most 60]

FOLDER is searched for .jpg, .jpeg and .png files of at least 256 pixels. Decoding: the middle of each is written by Pillow in ways that
people have (JPEG of three qualities, of full and of halved colours, progressive; PNG; WebP) and read by both. Framing: the photographs
themselves through Resize(256) and CenterCrop(224) of torchvision, and through ours. The mean absolute difference of each image must stay
below 1/255 and 2/255. The last run, 22 photographs, pillow 13.0.0, torchvision 0.29.2: at most 0.32/255 of an image (JPEG of quality 75; none of
PNG and WebP) and 0.27/255.
"""

import argparse
import pathlib
import subprocess
import tempfile

import numpy
from PIL import Image
from torchvision import transforms

SIDE = 224
WAYS = {
    "jpeg of quality 95, full colours": ("jpg", dict(quality=95, subsampling=0)),
    "jpeg of quality 75": ("jpg", dict(quality=75)),
    "jpeg of quality 50, progressive": ("jpg", dict(quality=50, progressive=True)),
    "png": ("png", {}),
    "webp": ("webp", dict(quality=80)),
}


def photographs(folder, most):
    """Natural photographs: large enough, with colours."""
    found = []
    for path in sorted(pathlib.Path(folder).rglob("*")):
        if path.suffix.lower() not in (".jpg", ".jpeg", ".png") or not path.is_file():
            continue
        try:
            image = Image.open(path).convert("RGB")
        except OSError:
            continue
        if min(image.size) >= 256:
            found.append((path, image))
        if len(found) == most:
            break
    return found


def ours(programs, root, side=None):
    """What the program makes of a folder, (N, H, W, 3)."""
    array = root / "images.npy"
    command = [programs / "photographs_to_array", root, array] + ([str(side)] if side else [])
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return numpy.load(array)


def difference(one, other):
    """The mean absolute difference of each image, in steps of 1/255."""
    return numpy.abs(one.astype(int) - other.astype(int)).mean(axis=(1, 2, 3))


def report(name, found, bound):
    print(f"{name:36} {len(found):4} images  mean {found.mean():.4f}/255  worst {found.max():.4f}/255")
    assert found.max() < bound, f"{name}: {found.max()} of 255, expected less than {bound}"


def decoding(programs, images):
    middle = transforms.CenterCrop(256)
    for name, (suffix, options) in WAYS.items():
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder)
            (root / "train/x").mkdir(parents=True)
            theirs = []
            for index, (_, image) in enumerate(images):
                path = root / f"train/x/{index:05}.{suffix}"
                middle(image).save(path, **options)
                theirs.append(numpy.asarray(Image.open(path).convert("RGB")))
            report(name, difference(ours(programs, root), numpy.stack(theirs)), 1)


def framing(programs, images):
    theirs = transforms.Compose([transforms.Resize(SIDE * 256 // 224), transforms.CenterCrop(SIDE)])
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        (root / "train/x").mkdir(parents=True)
        for index, (path, _) in enumerate(images):
            (root / f"train/x/{index:05}{path.suffix.lower()}").write_bytes(path.read_bytes())
        found = ours(programs, root, SIDE)
    expected = numpy.stack([numpy.asarray(theirs(image)) for _, image in images])
    report("resized and cut out", difference(found, expected), 2)


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("folder")
    arguments.add_argument("--programs", default="target/release/examples", type=pathlib.Path)
    arguments.add_argument("--most", default=60, type=int)
    arguments = arguments.parse_args()
    images = photographs(arguments.folder, arguments.most)
    assert images, f"{arguments.folder}: no photographs of at least 256 pixels"
    programs = arguments.programs.resolve()
    decoding(programs, images)
    framing(programs, images)


if __name__ == "__main__":
    main()
