"""Writes small data sets beside this script as NumPy, SciPy and gzip write them. Images are of 3×4 pixels; value() says which pixel a value is of.

    pip install numpy==2.4.6 scipy==1.17.1; python arrays.py
"""

import gzip
import pathlib
import struct

import numpy
import scipy.io

HERE = pathlib.Path(__file__).parent
HEIGHT, WIDTH = 3, 4


def value(image, plane, row, column):
    return (image * 97 + plane * 61 + row * 17 + column * 5) % 256


def images(count, first=0):
    """(N, H, W, 3)"""
    n, h, w, c = numpy.indices((count, HEIGHT, WIDTH, 3))
    return value(n + first, c, h, w).astype(numpy.uint8)


def idx(name, array):
    header = struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape)
    with open(HERE / name, "wb") as file, gzip.GzipFile("", "wb", fileobj=file, mtime=0) as packed:
        packed.write(header + array.tobytes())


# MNIST: three training images and two test images, grey, which are the red planes.
for part, count, first in [("train", 3, 0), ("t10k", 2, 10)]:
    idx(f"{part}-images-idx3-ubyte.gz", images(count, first)[..., 0])
    idx(f"{part}-labels-idx1-ubyte.gz", numpy.arange(9, 9 - count, -1).astype(numpy.uint8))

# SVHN: images (H, W, 3, N), labels u8 as published, and f64.
for part, count, first, compressed in [("train", 3, 0, True), ("test", 2, 10, False)]:
    labels = numpy.array([[10], [1], [9]])[:count].astype(numpy.uint8 if compressed else numpy.float64)
    content = {"other": numpy.arange(9.0), "X": images(count, first).transpose(1, 2, 3, 0), "y": labels}
    scipy.io.savemat(HERE / f"{part}_32x32.mat", content, do_compression=compressed)

# The list of classes in the development kit of ILSVRC: records, of which fields have texts and numbers of several types.
fields = [(name, object) for name in ["ILSVRC2012_ID", "WNID", "words", "gloss", "num_children", "children"]]
synsets = numpy.zeros((3, 1), dtype=fields)
for row, (wnid, words, children) in enumerate([("n02119789", "kit fox", []), ("n02100735", "setter", []), ("n00001740", "entität", [1, 2])]):
    number = numpy.uint8(row + 1) if row else numpy.float64(row + 1)
    synsets[row, 0] = (number, wnid, words, f"gloss {row}", numpy.float64(len(children)), numpy.array([children], dtype=numpy.uint16))
for compressed in [True, False]:
    name = "meta.mat" if compressed else "meta_plain.mat"
    scipy.io.savemat(HERE / name, {"synsets": synsets}, do_compression=compressed)
records = [{"WNID": "n1", "num": 1}, {"WNID": "n2", "num": -300}]
rows = numpy.array(["ab", "cd", "ef"])
cells = {"records": records, "rows": rows, "complex": numpy.array([1j]), "sparse": scipy.sparse.eye(3).tocsc(), "whole": numpy.int64([2**40]), "none": numpy.array(["", ""])}
scipy.io.savemat(HERE / "cells.mat", cells, do_compression=True)

# Keras: integers as labels in a column, plain members.
column = numpy.array([[2], [0], [1]])
numpy.savez(HERE / "keras.npz", x_train=images(3), y_train=column, x_test=images(2, 10), y_test=column[:2])
# MedMNIST: deflated members, grey, validation images beside the test images.
grey = {f"{part}_images": images(2, first)[..., 0] for part, first in [("train", 0), ("val", 5), ("test", 10)]}
labels = {f"{part}_labels": numpy.array([[1], [0]], dtype=numpy.uint8) for part in ["train", "val", "test"]}
numpy.savez_compressed(HERE / "medmnist.npz", **grey, **labels)
# Planes first, fractions of several types, Fortran order, and the other byte order; all the same images, without a part.
planes = images(2).transpose(0, 3, 1, 2)
for name, array in [
    ("fortran", numpy.asfortranarray(planes)),
    ("f16", (planes / 255).astype(numpy.float16)),
    ("f32_big", (planes / 255).astype(">f4")),
    ("f64", numpy.asfortranarray(planes / 255)),
    ("to_255", planes.astype(numpy.float32)),
    ("i64", planes.astype(numpy.int64)),
]:
    numpy.savez_compressed(HERE / f"{name}.npz", images=array, labels=numpy.array([1, 0], dtype=">i2"))
# What is refused.
objects = numpy.array([{"a": 1}, None], dtype=object)
numpy.savez(HERE / "objects.npz", images=objects, labels=numpy.arange(2))
numpy.savez(HERE / "one_hot.npz", images=planes, labels=numpy.eye(2))
numpy.savez(HERE / "normalised.npz", images=planes.astype(numpy.float32) / 64 - 2, labels=numpy.arange(2))
numpy.savez(HERE / "scaled.npz", images=planes.astype(numpy.float32) / 2, labels=numpy.arange(2))
numpy.savez(HERE / "overshoot.npz", images=planes / 255 * 1.02 - 0.01, labels=numpy.arange(2))
numpy.savez(HERE / "alpha.npz", images=numpy.zeros((2, 5, 6, 4), dtype=numpy.uint8), labels=numpy.arange(2))
