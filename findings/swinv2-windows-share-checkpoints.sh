#!/usr/bin/env bash
# Guess: weights of a Swin v2 with windows of 8×8 do not load, strictly, into the one with windows of 16×16; with Swin v1 they do not.
# Happens: names and shapes are the same, since the bias of positions is computed by a small network, and `load_state_dict` says that all
#   keys match. The network then attends in other windows and computes other logits. Nothing in a checkpoint tells the two apart.
# Version: timm 1.0.31; torch 2.15.0.
# Source: https://github.com/huggingface/pytorch-image-models/blob/main/timm/models/swin_transformer_v2.py (`cpb_mlp`; the buffers that
#   depend on the window are not persistent).
# Output seen: Swin v2: <All keys matched successfully>, logits differ by a third or more; Swin v1: 10 sizes differ.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check torch==2.15.0 torchvision==0.29.2 timm==1.0.31 numpy==2.4.6
found=$(venv/bin/python -W ignore - <<'PY'
import timm
import torch

torch.manual_seed(0)
small, large = (timm.create_model(f"swinv2_tiny_window{side}_256").eval() for side in (8, 16))
with torch.no_grad():
    for name, value in small.named_parameters():
        if name.endswith(("norm1.weight", "norm2.weight")):
            value.fill_(1)  # they begin at 0, with which blocks do nothing
        elif value.ndim == 2:
            value.mul_(5)  # as after training, tokens tell each other apart
    said = large.load_state_dict(small.state_dict())
    images = torch.nn.functional.interpolate(torch.randn(1, 3, 6, 6), size=256, mode="bilinear")
    far = (small(images) - large(images)).norm() / small(images).norm()
print(f"Swin v2: {said}, logits {'differ' if far > 0.1 else 'are the same'}")

one, other = (timm.models.SwinTransformer(img_size=256, window_size=side) for side in (8, 16))
other = other.state_dict()
count = sum(value.shape != other[name].shape for name, value in one.state_dict().items() if name in other)
print(f"Swin v1: {count} sizes differ")
PY
)
echo "$found"
[ "$found" = "Swin v2: <All keys matched successfully>, logits differ
Swin v1: 10 sizes differ" ]
