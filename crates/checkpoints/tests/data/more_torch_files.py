"""Small files of kinds that were once misread, as PyTorch writes them: `pip install torch==2.15.0 numpy`, then run this here."""

import pathlib

import numpy as np
import torch

HERE = pathlib.Path(__file__).parent
values = torch.arange(6, dtype=torch.float32).reshape(2, 3)


def saved(name, content):
    torch.save(content, HERE / name)


# The name of a file is in its archive: the crate `zip` took archives of stems of 21 letters for damaged ones.
saved("checkpoint_epoch_0010.pt", {"w": values})
torch.serialization.set_crc32_options(False)
saved("without_checksums.pt", {"w": values})
torch.serialization.set_crc32_options(True)
kinds = [torch.float8_e4m3fn, torch.float8_e5m2, torch.float8_e4m3fnuz, torch.float8_e5m2fnuz]
saved("float8.pt", {str(kind).split("_", 1)[1]: values.to(kind) for kind in kinds})
saved("epochs_done.pt", {"epoch": np.int64(1), "state_dict": {"w": values}, "best_prec1": torch.tensor(71.5)})
saved("epoch_of_zero.pt", {"epoch": 0, "net": {"w": values}, "acc": 0.5})

# Mean and standard deviation as lists beside the weights, which stand deep; and a tensor that is negated when it is read.
deep = {"trainer": {"states": [{"of": {"net": {"w": values}}}], 7: "an integer as a key"}}
saved("deep_with_lists.pt", {**deep, "mean": [0.5, 0.25, 0.125], "std": [0.25, 0.25, 1]})
saved("negated.pt", {"w": torch._neg_view(values)})
