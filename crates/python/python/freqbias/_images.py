"""Images to try things with."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from . import _freqbias
from ._arguments import whole


def synthetic(count: int, seed: int = 0) -> "tuple[NDArray[np.float32], NDArray[np.int64]]":
    """Generated images of ten classes, (count, 3, 32, 32) in [0, 1], and their labels: the test images of the programs' data set
    ``synthetic``. The same seed gives the same images."""
    return _freqbias.synthetic(whole(count, "count"), whole(seed, "seed"))
