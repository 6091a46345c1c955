#!/usr/bin/env bash
# Guess: torch.linspace(0, 0.9, 31)[20] is one number, and torchvision's RandAugment(magnitude=20) gives the same bytes on every CPU.
# Happens: linspace counts from the first element of each vector, so that its last bit follows the width of the machine's vectors; brightness
#   at magnitude 20 is then 1.5999999 or 1.6, which is cut down to whole numbers that differ.
# Version: torch 2.15.0; torchvision 0.29.2; an x86-64 with AVX2.
# Source: https://docs.pytorch.org/docs/2.15/generated/torch.linspace.html,
#   https://docs.pytorch.org/vision/0.29/generated/torchvision.transforms.v2.RandAugment.html.
# Output seen: default: 0.6000000238, 30 becomes 48; avx2: 0.5999999642, 30 becomes 47.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check torch==2.15.0 torchvision==0.29.2 numpy==2.4.6
found=$(for vectors in default avx2; do
    ATEN_CPU_CAPABILITY=$vectors venv/bin/python -W ignore - "$vectors" <<'PY'
import sys

import torch
from torchvision.transforms.v2 import functional

strength = torch.linspace(0.0, 0.9, 31)[20].item()
image = torch.full((3, 1, 1), 30, dtype=torch.uint8)
brighter = functional.adjust_brightness(image, 1 + strength)[0, 0, 0].item()
print(f"{sys.argv[1]}: {strength:.10f}, 30 becomes {brighter}")
PY
done)
echo "$found"
[ "$found" = "default: 0.6000000238, 30 becomes 48
avx2: 0.5999999642, 30 becomes 47" ]
