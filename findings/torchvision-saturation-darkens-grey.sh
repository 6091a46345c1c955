#!/usr/bin/env bash
# Guess: adjust_saturation leaves a grey image as it is: it has no colour.
# Happens: on bytes every pixel from 1 to 255 loses a level, whatever the factor below 1: the weights of the luma sum to 0.9999, and the
#   result is cut down. rgb_to_grayscale loses it too.
# Version: torchvision 0.29.2; torch 2.15.0.
# Source: https://docs.pytorch.org/vision/0.29/generated/torchvision.transforms.v2.functional.adjust_saturation.html.
# Output seen: 200 becomes 199 at a factor of 0, 199 at 0.5; grey 199.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check torch==2.15.0 torchvision==0.29.2 numpy==2.4.6
found=$(venv/bin/python -W ignore - <<'PY'
import torch
from torchvision.transforms.v2 import functional

image = torch.full((3, 1, 1), 200, dtype=torch.uint8)
none, half = (functional.adjust_saturation(image, factor)[0, 0, 0].item() for factor in (0.0, 0.5))
print(f"200 becomes {none} at a factor of 0, {half} at 0.5; grey {functional.rgb_to_grayscale(image)[0, 0, 0].item()}")
PY
)
echo "$found"
[ "$found" = "200 becomes 199 at a factor of 0, 199 at 0.5; grey 199" ]
