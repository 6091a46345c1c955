"""Writes the small PyTorch files beside it, in both formats, with weights that the tests compute again.

    python torch_files.py        (torch 2.15 wrote those that are committed)

The value of number i of a tensor is ((i * 37 + 11 * order) % 101 - 50) / 16, order being the tensor's place in the state
dict: exact in half precision and in bfloat16.
"""

import collections
import pathlib

import torch


class Schedule:
    """Stands for what training scripts pickle beside the weights; no reader may look it up."""

    def __init__(self):
        self.gamma = 0.1


def tensor(order, *shape):
    count = torch.Size(shape).numel()
    values = (torch.arange(count) * 37 + 11 * order) % 101 - 50
    return (values.float() / 16).reshape(shape)


def state_dict():
    state = collections.OrderedDict()
    state["module.normalizer.new_mean"] = torch.tensor([0.5, 0.25, 0.125]).reshape(3, 1, 1)
    state["module.normalizer.new_std"] = torch.tensor([0.5, 0.25, 0.125]).reshape(3, 1, 1)
    state["module.model.conv1.weight"] = tensor(0, 4, 3, 3, 3)
    state["module.model.half.weight"] = tensor(1, 4, 5).half()
    state["module.model.bfloat.weight"] = tensor(2, 4, 5).bfloat16()
    state["module.model.double.weight"] = tensor(3, 4, 5).double()
    # Stored the other way round, and a part of something larger.
    state["module.model.transposed.weight"] = tensor(4, 6, 4).t()
    state["module.model.part.weight"] = tensor(5, 6, 8)[1:5:2, 2:7]
    # The storage of another tensor.
    state["module.model.tied.weight"] = state["module.model.conv1.weight"]
    state["module.model.parameter.bias"] = torch.nn.Parameter(tensor(6, 5))
    state["module.model.scalar"] = tensor(7)
    state["module.model.empty.weight"] = torch.zeros(0, 3)
    state["module.model.bn1.num_batches_tracked"] = torch.tensor(3)
    state["module.attacker.model.conv1.weight"] = state["module.model.conv1.weight"]
    state._metadata = {"": {"version": 1}}
    return state


def main():
    folder = pathlib.Path(__file__).parent
    optimizer = {"state": {0: {"momentum_buffer": tensor(8, 4, 3, 3, 3)}}, "param_groups": [{"lr": 0.1, "params": [0]}]}
    content = {
        "model": state_dict(),
        "optimizer": optimizer,
        "schedule": Schedule(),
        "epoch": 8,
        "amp": None,
        "nat_prec1": torch.tensor(43.25),
    }
    for name, new in (("zip", True), ("legacy", False)):
        torch.save(content, folder / f"small_{name}.pt", _use_new_zipfile_serialization=new)
    bare = {key.removeprefix("module.model."): value for key, value in content["model"].items() if ".model.c" in key}
    torch.save({k: v for k, v in bare.items() if "attacker" not in k}, folder / "bare_protocol4.pt", pickle_protocol=4)


if __name__ == "__main__":
    main()
