"""Makes the batches beside it: what Python 3.11 and NumPy 2.4 pickle of two made-up images by each protocol, and of an array in Fortran's order."""

import pathlib
import pickle

import numpy

HERE = pathlib.Path(__file__).parent
DATA = ((numpy.arange(2)[:, None] * 7 + numpy.arange(3072)) % 256).astype(numpy.uint8)

for name, protocol, data in [
    *((f"protocol{protocol}", protocol, DATA) for protocol in range(6)),
    ("fortran0", 0, numpy.asfortranarray(DATA)),
    ("fortran5", 5, numpy.asfortranarray(DATA)),
]:
    batch = {b"batch_label": b"testing batch 1 of 1", b"labels": [3, 5], b"data": data, b"filenames": [b"a.png", b"b\n.png"]}
    (HERE / f"{name}.pickle").write_bytes(pickle.dumps(batch, protocol=protocol))
