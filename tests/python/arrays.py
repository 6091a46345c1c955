"""Sets that are arrays in one file or a few have the images and labels that torchvision, NumPy and SciPy read, value by value: kept out of
`cargo test`, because it needs Python with torchvision and scipy, and some room on the disk.

    cargo build --release -p examples --example dataset_to_arrays
    python tests/python/arrays.py [--programs target/release/examples]

Each set is made of random numbers in the layout that people have after unpacking it, is read by torchvision from there (SVHN and STL-10
without their checksums, which random numbers cannot have), and by us from each place that may be named. A line a place. Exit status 1 if a
value, a label or a class differs.
"""

import argparse
import gzip
import io
import pathlib
import struct
import subprocess
import sys
import tarfile
import tempfile
import zipfile

import numpy
import scipy.io
import torch
import torchvision

RANDOM = numpy.random.default_rng(0)
CIFAR10 = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"]
DIGITS = [str(digit) for digit in range(10)]


def noise(*shape):
    return RANDOM.integers(0, 256, shape, dtype=numpy.uint8)


def labels(count, classes=10, least=0):
    return RANDOM.integers(least, least + classes, count, dtype=numpy.uint8)


class Report:
    def __init__(self, programs):
        self.programs, self.wrong = programs, 0

    def compare(self, name, root, expected, classes=None, corruption=None):
        """`expected`: by part the images (N, H, W, 3) and labels; no part is there that it does not have."""
        with tempfile.TemporaryDirectory() as folder:
            out = pathlib.Path(folder)
            command = [self.programs / "dataset_to_arrays", name, root, out] + ([f"corruption={corruption}"] if corruption else [])
            done = subprocess.run([str(part) for part in command], capture_output=True, text=True)
            problem = done.stderr.strip() if done.returncode else self.differences(out, expected, classes)
        self.wrong += bool(problem)
        counts = " + ".join(str(len(images)) for images, _ in expected.values())
        place = "/".join(pathlib.Path(root).parts[3:]) or "."
        print(f"{name:14} {place:44} {corruption or '':18} {counts:14} {problem or 'equal'}", flush=True)

    def differences(self, out, expected, classes):
        for part in ["train", "test"]:
            path = out / f"{part}_images.npy"
            if path.exists() != (part in expected):
                return f"{part} is there: {path.exists()}"
            if part in expected:
                images, numbers = expected[part]
                if not numpy.array_equal(numpy.load(path), images):
                    return f"images of {part} differ"
                if not numpy.array_equal(numpy.load(out / f"{part}_labels.npy"), numpy.ravel(numbers)):
                    return f"labels of {part} differ"
        found = (out / "classes.txt").read_text().splitlines()
        return f"classes are {found}" if classes is not None and found != list(classes) else None


def seen(dataset):
    """Images and labels as torchvision gives them one by one."""
    grey = torchvision.transforms.Grayscale(3)
    images, numbers = zip(*((numpy.asarray(grey(image) if image.mode == "L" else image), number) for image, number in dataset))
    return numpy.stack(images), numpy.array(numbers)


def mnist(report, root):
    for name, kind, folder in [
        ("mnist", torchvision.datasets.MNIST, "MNIST"),
        ("fashion-mnist", torchvision.datasets.FashionMNIST, "FashionMNIST"),
    ]:
        raw = root / folder / "raw"
        raw.mkdir(parents=True)
        for part, count in [("train", 60_000), ("t10k", 10_000)]:
            for what, array in [("images-idx3", noise(count, 28, 28)), ("labels-idx1", labels(count))]:
                content = struct.pack(f">4B{array.ndim}I", 0, 0, 8, array.ndim, *array.shape) + array.tobytes()
                (raw / f"{part}-{what}-ubyte").write_bytes(content)
                packed = root / f"{folder}-packed"
                packed.mkdir(exist_ok=True)
                (packed / f"{part}-{what}-ubyte.gz").write_bytes(gzip.compress(content, 1))
                dots = root / f"{folder}-dots"
                dots.mkdir(exist_ok=True)
                (dots / f"{part}-{what}-ubyte".replace("-idx", ".idx")).write_bytes(content)
        sets = {"train": kind(root, train=True), "test": kind(root, train=False)}
        expected = {part: seen(dataset) for part, dataset in sets.items()}
        classes = DIGITS if name == "mnist" else sets["test"].classes
        for place in [root, root / folder, raw, root / f"{folder}-packed", root / f"{folder}-dots"]:
            report.compare(name, place, expected, classes)


def stl10(report, root):
    folder = root / "stl10_binary"
    folder.mkdir()
    names = ["airplane", "bird", "car", "cat", "deer", "dog", "horse", "monkey", "ship", "truck"]
    (folder / "class_names.txt").write_text("\n".join(names) + "\n")
    (folder / "fold_indices.txt").write_text("0 1 2\n")
    for part, count in [("train", 500), ("test", 800)]:
        noise(count, 3, 96, 96).tofile(folder / f"{part}_X.bin")
        labels(count, least=1).tofile(folder / f"{part}_y.bin")
    noise(100, 3, 96, 96).tofile(folder / "unlabeled_X.bin")
    with tarfile.open(root / "archived.tar.gz", "w:gz", compresslevel=1) as archive:
        archive.add(folder, "stl10_binary")
    torchvision.datasets.STL10._check_integrity = lambda self: True
    expected = {part: seen(torchvision.datasets.STL10(root, split=part)) for part in ["train", "test"]}
    for place in [root, folder, root / "archived.tar.gz"]:
        report.compare("stl10", place, expected, names)


def svhn(report, root):
    torchvision.datasets.svhn.check_integrity = lambda *arguments: True
    for compressed in [True, False]:
        folder = root / f"compressed-{compressed}"
        folder.mkdir()
        for part, count in [("train", 7_325), ("test", 2_603)]:
            content = {"X": noise(32, 32, 3, count), "y": labels(count, least=1)[:, None]}
            scipy.io.savemat(folder / f"{part}_32x32.mat", content, do_compression=compressed)
        expected = {part: seen(torchvision.datasets.SVHN(folder, split=part)) for part in ["train", "test"]}
        report.compare("svhn", folder, expected, DIGITS)


def cifar(report, root):
    for name, title, count in [("cifar10-c", "CIFAR-10-C", 10), ("cifar100-c", "CIFAR-100-C", 100)]:
        folder = root / title
        folder.mkdir()
        numbers = numpy.tile(labels(10_000, count), 5)
        numpy.save(folder / "labels.npy", numbers)
        arrays = {corruption: noise(50_000, 32, 32, 3) for corruption in ["fog", "gaussian_noise"]}
        for corruption, images in arrays.items():
            numpy.save(folder / f"{corruption}.npy", images)
        with tarfile.open(root / f"{title}-archived.tar", "w") as archive:
            archive.add(folder, title)
        classes = CIFAR10 if count == 10 else None
        for place in [root, folder, root / f"{title}-archived.tar"]:
            for severity in [1, 3, 5]:
                rows = slice(10_000 * (severity - 1), 10_000 * severity)
                expected = {"test": (arrays["gaussian_noise"][rows], numbers[rows])}
                report.compare(name, place, expected, classes, f"gaussian_noise:{severity}")
            report.compare(name, place, {"test": (arrays["fog"], numbers)}, classes, "fog")
    folder = root / "cifar10.1"
    folder.mkdir()
    for version, count in [("v4", 2021), ("v6", 2000)]:
        images, numbers = noise(count, 32, 32, 3), labels(count).astype(numpy.int32)
        numpy.save(folder / f"cifar10.1_{version}_data.npy", images)
        numpy.save(folder / f"cifar10.1_{version}_labels.npy", numbers)
        report.compare("cifar10.1", folder, {"test": (images, numbers)}, CIFAR10)


def arrays(report, root):
    train, test = noise(300, 20, 28, 3), noise(100, 20, 28, 3)
    y_train, y_test = labels(300).astype(numpy.int64), labels(100).astype(numpy.int64)
    y_train[0] = 9
    expected = {"train": (train, y_train), "test": (test, y_test)}
    keras = {"x_train": train, "y_train": y_train[:, None], "x_test": test, "y_test": y_test[:, None]}
    numpy.savez(root / "keras.npz", **keras)
    numpy.savez_compressed(root / "packed.npz", **keras)
    names = {"x_train": "train_images", "y_train": "train_labels", "x_test": "val_images", "y_test": "val_labels"}
    numpy.savez(root / "medmnist.npz", **{names[key]: array for key, array in keras.items()}, test_images=train, test_labels=y_train)
    for name in ["keras", "packed", "medmnist"]:
        report.compare("arrays", root / f"{name}.npz", expected, DIGITS)
    kinds = [numpy.uint8, numpy.int32, ">i8", "f2", "f4", ">f4", "f8", ">f8"]
    layouts = {"last": lambda x: x, "first": lambda x: x.transpose(0, 3, 1, 2), "grey": lambda x: x[..., 0], "one": lambda x: x[..., :1]}
    for kind in kinds:
        for layout, view in layouts.items():
            for order in ["C", "F"]:
                folder = root / f"{numpy.dtype(kind).str[1:]}-{'big' if str(kind)[0] == '>' else 'little'}-{layout}-{order}"
                theirs = {}
                for part, (images, numbers) in expected.items():
                    (folder / part).mkdir(parents=True)
                    is_whole = numpy.dtype(kind).kind in "iu"
                    stored = view(images) if is_whole else view(images) / 255
                    numpy.save(folder / part / "images.npy", numpy.asarray(stored, dtype=kind, order=order))
                    numpy.save(folder / part / "labels.npy", numbers.astype(numpy.int16))
                    theirs[part] = (numpy.repeat(images[..., :1], 3, -1) if layout in ["grey", "one"] else images, numbers)
                report.compare("arrays", folder, theirs, DIGITS)
    # PyTorch's tensors, of whole numbers as fractions.
    tensors = {"images": torch.tensor(test).permute(0, 3, 1, 2).float().numpy(), "labels": torch.tensor(y_test).numpy()}
    numpy.savez(root / "tensors.npz", **tensors)
    report.compare("arrays", root / "tensors.npz", {"test": (test, y_test)})
    # ZIP64 records and headers of version 2, as arrays of more than 4 GiB have them.
    with zipfile.ZipFile(root / "wide.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        for name, array in keras.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                content = io.BytesIO()
                numpy.lib.format.write_array(content, array, version=(2, 0))
                member.write(content.getvalue())
    report.compare("arrays", root / "wide.npz", expected, DIGITS)


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--programs", default="target/release/examples", type=pathlib.Path)
    report = Report(arguments.parse_args().programs.resolve())
    for made in [mnist, stl10, svhn, cifar, arrays]:
        with tempfile.TemporaryDirectory() as folder:
            made(report, pathlib.Path(folder))
    sys.exit(1 if report.wrong else 0)


if __name__ == "__main__":
    main()
