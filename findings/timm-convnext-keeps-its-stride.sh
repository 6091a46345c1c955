#!/usr/bin/env bash
# Guess: timm's ConvNeXt with patch_size=2 in place of 4 has twice the resolution in every stage, and the same layers otherwise.
# Happens: its first stage then begins with a norm and a convolution of stride 2, which patches of 1 and 4 do not bring, so that from there
#   on the resolution is what patches of 4 give. Weights of one do not fit the other, and a network for 32 pixels ends on a single one;
#   patch_size=1 keeps the layers and has four times the resolution.
# Version: timm 1.0.22; torch 2.15.0.
# Source: https://github.com/huggingface/pytorch-image-models/blob/main/timm/models/convnext.py (`stride = 2 if curr_stride == 2 or i > 0`).
# Output seen: of 64 pixels patches of 2 leave stages of 16, 8, 4, 2 as patches of 4 do, with 4 more weights; patches of 1 leave 64, 32, 16, 8.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check torch==2.15.0 torchvision==0.29.2 timm==1.0.22 numpy==2.4.6
found=$(venv/bin/python -W ignore - <<'PY'
import timm
import torch

for patch in (1, 2, 4):
    network = timm.create_model("convnext_atto", patch_size=patch, num_classes=10).eval()
    sides = []
    for stage in network.stages:
        stage.register_forward_hook(lambda _module, _inputs, found: sides.append(found.shape[-1]))
    with torch.no_grad():
        network(torch.zeros(1, 3, 64, 64))
    more = sum(name.startswith("stages.0.downsample") for name in network.state_dict())
    print(f"patch {patch}: stages of {sides} pixels, {more} weights before the first")
PY
)
echo "$found"
[ "$found" = "patch 1: stages of [64, 32, 16, 8] pixels, 0 weights before the first
patch 2: stages of [16, 8, 4, 2] pixels, 4 weights before the first
patch 4: stages of [16, 8, 4, 2] pixels, 0 weights before the first" ]
