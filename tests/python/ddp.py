"""What PyTorch's DistributedDataParallel computes on two processes, for crates/models/tests/suite/sharing.rs to compare with.

    pip install torch torchvision timm numpy pillow
    python tests/python/ddp.py

One training step of a ResNet-20 on 64 images of 16x16 pixels, 32 of them on each process, over gloo, in float64: batch-norm sees each
process's own images. Weights and images come from the formula in architectures.py, which the Rust test computes too.

The committed file was made with torch 2.15.0.
"""

import json
import os
import pathlib

import torch
from torch import distributed, multiprocessing
from torch.nn import functional as F
from torch.nn.parallel import DistributedDataParallel

import architectures

FILE = pathlib.Path(__file__).parents[2] / "crates/models/tests/data/ddp.json"
IMAGES, SIZE, PROCESSES = 64, 16, 2
SHOWN = ["conv1.weight", "bn1.weight", "bn1.bias", "layer2.0.bn1.weight", "layer3.2.conv2.weight", "linear.weight", "linear.bias"]
BUFFERS = ["bn1.running_mean", "bn1.running_var", "layer3.2.bn2.running_mean", "layer3.2.bn2.running_var"]


def network():
    model = architectures.SmallResNet([3, 3, 3], 16, shortcut="pad").double()
    state = model.state_dict()
    for name, value in state.items():
        if value.dim():
            state[name] = architectures.weights(name, tuple(value.shape), 1.0)
    model.load_state_dict(state)
    return model


def batch():
    images = torch.from_numpy(architectures.draw("images", IMAGES * 3 * SIZE * SIZE)).reshape(IMAGES, 3, SIZE, SIZE)
    mean, std = (torch.tensor(values.astype("float64")).reshape(3, 1, 1) for values in (architectures.MEAN, architectures.STD))
    return (images - mean) / std, torch.arange(IMAGES) * 7 % architectures.CLASSES


def work(rank):
    os.environ |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "29517"}
    distributed.init_process_group("gloo", rank=rank, world_size=PROCESSES)
    model = DistributedDataParallel(network())
    images, labels = (part.chunk(PROCESSES)[rank] for part in batch())
    loss = F.cross_entropy(model(images), labels)
    loss.backward()
    # The buffers of the first process are what all have from the next step on.
    losses = [torch.zeros(()).double() for _ in range(PROCESSES)]
    distributed.all_gather(losses, loss.detach())
    if rank == 0:
        gradients = {name: value.grad for name, value in model.module.named_parameters()}
        buffers = dict(model.module.named_buffers())
        found = {
            "loss": sum(losses).item() / PROCESSES,
            "norms": {name: gradient.norm().item() for name, gradient in gradients.items()},
            "first": {name: gradients[name].flatten()[:8].tolist() for name in SHOWN},
            "buffers": {name: buffers[name].tolist() for name in BUFFERS},
        }
        FILE.write_text(json.dumps(found) + "\n")
    distributed.destroy_process_group()


if __name__ == "__main__":
    multiprocessing.spawn(work, nprocs=PROCESSES)
