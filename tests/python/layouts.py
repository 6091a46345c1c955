"""Data sets laid out as people have them have the classes, labels and pixels that the libraries which make them read back: kept out of
`cargo test`, because it needs Python with torchvision, webdataset, datasets and scipy, and GNU tar.

    cargo build --release -p examples --example dataset_to_arrays
    python tests/python/layouts.py [--programs target/release/examples]

Images are random numbers, so that each is like no other; what is compared is which class each has. Folders are read by torchvision's
ImageFolder and ImageNet, shards by webdataset, tables by datasets. A line a layout. Exit status 1 if a class, a label or a pixel differs.
"""

import argparse
import io
import pathlib
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile

import datasets
import numpy
import scipy.io
import torchvision
import webdataset
from PIL import Image

RANDOM = numpy.random.default_rng(0)
CLASSES = ["n01440764", "n01443537", "n02085620", "n15075141"]
SIDE = 16

datasets.disable_progress_bars()


def image():
    return Image.fromarray(RANDOM.integers(0, 256, (SIDE, SIDE, 3), dtype=numpy.uint8))


def png(picture):
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    return buffer.getvalue()


def tree(root, per_class):
    """Folders of classes with so many images each."""
    for name in CLASSES:
        folder = root / name
        folder.mkdir(parents=True)
        for index in range(per_class):
            image().save(folder / f"{name}_{index}.png")
    return root


def seen(pairs, classes):
    """Class and pixels of each image, in no order."""
    return sorted((classes[int(label)], numpy.asarray(picture.convert("RGB")).tobytes()) for picture, label in pairs)


def image_folder(root):
    dataset = torchvision.datasets.ImageFolder(str(root))
    return seen(dataset, dataset.classes)


class Report:
    def __init__(self, programs):
        self.programs, self.wrong = programs, 0

    def compare(self, layout, root, expected, *settings, name="folder"):
        """`expected`: by part what `seen` gives."""
        with tempfile.TemporaryDirectory() as folder:
            out = pathlib.Path(folder)
            command = [self.programs / "dataset_to_arrays", name, root, out, *settings]
            done = subprocess.run([str(part) for part in command], capture_output=True, text=True)
            problem = done.stderr.strip() if done.returncode else self.differences(out, expected)
        self.wrong += bool(problem)
        counts = " + ".join(str(len(images)) for images in expected.values())
        print(f"{layout:44} {name:10} {counts:10} {problem or 'equal'}", flush=True)

    def differences(self, out, expected):
        classes = (out / "classes.txt").read_text().splitlines()
        for part in ["train", "test"]:
            path = out / f"{part}_images.npy"
            if path.exists() != (part in expected):
                return f"{part} is there: {path.exists()}"
            if part in expected:
                labels = numpy.load(out / f"{part}_labels.npy")
                found = sorted((classes[label], picture.tobytes()) for picture, label in zip(numpy.load(path), labels))
                if found != expected[part]:
                    return f"{part} differs"
        return None


def archives(report, root):
    tree(root / "set" / "train", 3)
    tree(root / "set" / "val", 2)
    both = {"train": image_folder(root / "set" / "train"), "test": image_folder(root / "set" / "val")}
    report.compare("train/ and val/", root / "set", both)
    for ending, flag in [("tar", ""), ("tar.gz", "-z"), ("tar.bz2", "-j"), ("tar.xz", "-J"), ("tar.zst", "--zstd")]:
        path = root / f"set.{ending}"
        subprocess.run(["tar", "-C", root, *filter(None, [flag]), "-cf", path, "set"], check=True)
        report.compare(f"set.{ending}", path, both)
    for form in ["gnu", "pax", "ustar"]:
        path = root / f"{form}.tar"
        subprocess.run(["tar", "-C", root, f"--format={form}", "-cf", path, "set"], check=True)
        report.compare(f"tar --format={form}", path, both)
    shutil.make_archive(str(root / "packed"), "zip", root, "set")
    report.compare("zip", root / "packed.zip", both)
    with zipfile.ZipFile(root / "stored.zip", "w", zipfile.ZIP_STORED) as archive:
        for path in sorted((root / "set").rglob("*.png")):
            archive.write(path, path.relative_to(root / "set"))
    report.compare("zip, stored, without folders", root / "stored.zip", both)
    for train, val in [("Train", "Test"), ("training", "testing"), ("train", "valid"), ("train", "validation")]:
        place = root / f"{train}-{val}"
        place.mkdir()
        shutil.copytree(root / "set" / "train", place / train)
        shutil.copytree(root / "set" / "val", place / val)
        report.compare(f"{train}/ and {val}/", place, both)


def sparse(report, root):
    """Files with a hole, as GNU tar stores them. Decoders do not look at what follows the end of a PNG file."""
    for name in CLASSES:
        folder = root / "set" / "val" / name
        folder.mkdir(parents=True)
        with open(folder / "0.png", "wb") as file:
            file.write(png(image()))
            file.truncate(1 << 20)
    expected = {"test": image_folder(root / "set" / "val")}
    forms = [("gnu", []), ("pax", ["--sparse-version=0.0"]), ("pax", ["--sparse-version=0.1"]), ("pax", ["--sparse-version=1.0"])]
    for form, flags in forms:
        path = root / "sparse.tar"
        subprocess.run(["tar", "-C", root, "--sparse", f"--format={form}", *flags, "-cf", path, "set"], check=True)
        assert path.stat().st_size < 1 << 20, "the holes are stored"
        report.compare(f"tar --sparse --format={form} {' '.join(flags)}".strip(), path, expected)


def unsplit(report, root):
    tree(root / "set", 4)
    everything = {"test": image_folder(root / "set")}
    report.compare("classes without parts", root / "set", everything)
    shutil.make_archive(str(root / "packed"), "zip", root, "set")
    report.compare("classes without parts, zip", root / "packed.zip", everything)
    linked = root / "linked"
    (linked / "val").mkdir(parents=True)
    for name in CLASSES[:2]:
        (linked / "val" / name).symlink_to(root / "set" / name)
    chosen = {"test": image_folder(linked / "val")}
    report.compare("classes that are links", linked, chosen, "follow_links=true")


def tiny_imagenet(report, root):
    base = root / "tiny-imagenet-200"
    for name in CLASSES:
        folder = base / "train" / name / "images"
        folder.mkdir(parents=True)
        for index in range(3):
            image().save(folder / f"{name}_{index}.JPEG", "PNG")
        (base / "train" / name / f"{name}_boxes.txt").write_text(f"{name}_0.JPEG\t0\t0\t62\t63\n")
    (base / "val" / "images").mkdir(parents=True)
    (base / "test" / "images").mkdir(parents=True)
    lines, expected = [], []
    for index in range(8):
        picture, name = image(), CLASSES[int(RANDOM.integers(4))]
        picture.save(base / "val" / "images" / f"val_{index}.JPEG", "PNG")
        image().save(base / "test" / "images" / f"test_{index}.JPEG", "PNG")
        lines.append(f"val_{index}.JPEG\t{name}\t0\t32\t44\t62\n")
        expected.append((picture, CLASSES.index(name)))
    (base / "val" / "val_annotations.txt").write_text("".join(lines))
    (base / "wnids.txt").write_text("\n".join(reversed(CLASSES)) + "\n")
    (base / "words.txt").write_text("n00001740\tentity\n")
    both = {"train": image_folder(base / "train"), "test": seen(expected, CLASSES)}
    report.compare("Tiny-ImageNet", base, both)
    shutil.make_archive(str(root / "tiny"), "zip", root, "tiny-imagenet-200")
    report.compare("Tiny-ImageNet, zip", root / "tiny.zip", both)


def add(archive, name, content):
    member = tarfile.TarInfo(name)
    member.size = len(content)
    archive.addfile(member, io.BytesIO(content))


def published_imagenet(report, root):
    """The archives that image-net.org has, unpacked by torchvision's own code."""
    # In the development kit classes have numbers of their own: not those of sorted names.
    numbers = dict(zip(CLASSES, [3, 1, 4, 2]))
    with tarfile.open(root / "ILSVRC2012_img_train.tar", "w") as outer:
        for name in CLASSES:
            buffer = io.BytesIO()
            with tarfile.open(fileobj=buffer, mode="w") as inner:
                for index in range(3):
                    add(inner, f"{name}_{index}.JPEG", png(image()))
            add(outer, f"{name}.tar", buffer.getvalue())
    truth = []
    with tarfile.open(root / "ILSVRC2012_img_val.tar", "w") as archive:
        for index in range(8):
            truth.append(CLASSES[int(RANDOM.integers(4))])
            add(archive, f"ILSVRC2012_val_{index + 1:08}.JPEG", png(image()))
    fields = ["ILSVRC2012_ID", "WNID", "words", "gloss", "num_children", "children", "wordnet_height", "num_train_images"]
    synsets = numpy.array(
        [(float(numbers[name]), name, "word", "gloss", 0.0, numpy.zeros((0, 0)), 0.0, 3.0) for name in sorted(CLASSES, key=numbers.get)]
        + [(5.0, "n00001740", "entity", "gloss", 2.0, numpy.array([[1.0, 2.0]]), 2.0, 0.0)],
        dtype=[(field, object) for field in fields],
    ).reshape(-1, 1)
    meta = io.BytesIO()
    scipy.io.savemat(meta, {"synsets": synsets}, do_compression=True)
    with tarfile.open(root / "ILSVRC2012_devkit_t12.tar.gz", "w:gz") as archive:
        add(archive, "ILSVRC2012_devkit_t12/data/meta.mat", meta.getvalue())
        text = "".join(f"{numbers[name]}\n" for name in truth)
        add(archive, "ILSVRC2012_devkit_t12/data/ILSVRC2012_validation_ground_truth.txt", text.encode())
    (root / "val_labels.txt").write_text("".join(f"ILSVRC2012_val_{index + 1:08}.JPEG {CLASSES.index(name)}\n" for index, name in enumerate(truth)))

    unpacked = root.parent / "unpacked"
    shutil.copytree(root, unpacked)
    module = torchvision.datasets.imagenet
    module.ARCHIVE_META = {part: (name, None) for part, (name, _) in module.ARCHIVE_META.items()}
    parts = {part: module.ImageNet(str(unpacked), split) for part, split in [("train", "train"), ("test", "val")]}
    both = {part: seen(dataset, dataset.wnids) for part, dataset in parts.items()}
    report.compare("ImageNet as published, with its kit", root, both)
    (root / "ILSVRC2012_devkit_t12.tar.gz").unlink()
    report.compare("ImageNet as published, with a list", root, both, f"val_labels={root / 'val_labels.txt'}")
    report.compare("ImageNet unpacked by torchvision", unpacked, both)
    report.compare("the archive of its training images", root / "ILSVRC2012_img_train.tar", {"test": both["train"]})


def kaggle_imagenet(report, root):
    base = root / "ILSVRC" / "Data" / "CLS-LOC"
    tree(base / "train", 3)
    (base / "val").mkdir()
    lines, expected = ["ImageId,PredictionString\n"], []
    for index in range(6):
        picture, name = image(), CLASSES[int(RANDOM.integers(4))]
        picture.save(base / "val" / f"ILSVRC2012_val_{index + 1:08}.JPEG", "PNG")
        lines.append(f"ILSVRC2012_val_{index + 1:08},{name} 85 1 499 272 {name} 1 2 3 4 \n")
        expected.append((picture, CLASSES.index(name)))
    (root / "LOC_val_solution.csv").write_text("".join(reversed(lines[1:])) + lines[0])
    both = {"train": image_folder(base / "train"), "test": seen(expected, CLASSES)}
    report.compare("ImageNet as Kaggle has it", root, both)


def shards(report, root):
    def write(part, count, label):
        for start in range(0, count, 4):
            with webdataset.TarWriter(str(root / f"set-{part}-{start // 4:06}.tar")) as writer:
                for index in range(start, min(count, start + 4)):
                    writer.write({"__key__": f"sample.dir/{part}{index:04}", "png": image(), **label(int(RANDOM.integers(4)))})

    write("train", 10, lambda label: {"cls": label})
    write("val", 5, lambda label: {"json": {"label": label, "caption": "x"}})
    classes = [str(label) for label in range(4)]
    both = {}
    for part, split in [("train", "train"), ("test", "val")]:
        urls = sorted(str(path) for path in root.glob(f"set-{split}-*.tar"))
        samples = webdataset.WebDataset(urls, shardshuffle=False).decode("pil")
        both[part] = seen(((sample["png"], sample["cls"] if "cls" in sample else sample["json"]["label"]) for sample in samples), classes)
    report.compare("shards of WebDataset", root, both)


def tables(report, root):
    features = datasets.Features({"image": datasets.Image(), "label": datasets.ClassLabel(names=CLASSES)})

    def split(count):
        rows = [{"image": image(), "label": int(RANDOM.integers(4))} for _ in range(count)]
        return datasets.Dataset.from_list(rows, features=features)

    both = datasets.DatasetDict({"train": split(9), "test": split(5)})
    expected = {part: seen(((row["image"], row["label"]) for row in rows), CLASSES) for part, rows in both.items()}
    both.save_to_disk(str(root / "disk"), num_shards={"train": 2, "test": 1})
    report.compare("save_to_disk of datasets", root / "disk", expected)
    (root / "parquet").mkdir()
    for part, rows in both.items():
        for index in range(2):
            rows.shard(2, index, contiguous=True).to_parquet(str(root / "parquet" / f"{part}-{index:05}-of-00002.parquet"))
    report.compare("shards of Parquet", root / "parquet", expected)


def corruptions(report, root):
    for severity in [1, 5]:
        tree(root / "fog" / str(severity), 2)
    side = torchvision.transforms.Compose([torchvision.transforms.Resize(256), torchvision.transforms.CenterCrop(224)])
    dataset = torchvision.datasets.ImageFolder(str(root / "fog" / "5"), side)
    expected = {"test": seen(dataset, dataset.classes)}
    report.compare("ImageNet-C", root, expected, "corruption=fog:5", name="imagenet-c")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--programs", type=pathlib.Path, default=pathlib.Path("target/release/examples"))
    report = Report(parser.parse_args().programs.resolve())
    for layouts in [archives, sparse, unsplit, tiny_imagenet, published_imagenet, kaggle_imagenet, shards, tables, corruptions]:
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder) / "data"
            root.mkdir()
            layouts(report, root)
    sys.exit(report.wrong > 0)


if __name__ == "__main__":
    main()
