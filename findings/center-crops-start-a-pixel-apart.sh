#!/usr/bin/env bash
# Guess: the middle 16 of 31 pixels are the same pixels in transformers and in torchvision.
# Happens: transformers starts at the half of the margin rounded down, torchvision at the half rounded to even: of an odd margin that
#   leaves 3 modulo 4 they are a pixel apart, and a network's features with them.
# Version: transformers 5.24.0; torchvision 0.29.2.
# Source: https://docs.pytorch.org/vision/0.29/generated/torchvision.transforms.CenterCrop.html,
#   https://huggingface.co/docs/transformers/internal/image_processing_utils (`center_crop`).
# Output seen: 31 to 16: transformers 7, torchvision 8; 29 to 16: 6 and 6.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check transformers==5.24.0 torchvision==0.29.2 torch==2.15.0 numpy==2.4.6 pillow==13.0.0
found=$(venv/bin/python - <<'PY' 2>/dev/null
import numpy as np
from PIL import Image
from torchvision.transforms import CenterCrop
from transformers.image_transforms import center_crop

for side in (31, 29):
    ramp = np.tile(np.arange(side, dtype=np.uint8)[None, :, None], (side, 1, 3))
    one = center_crop(ramp, (16, 16))[0, 0, 0]
    other = np.asarray(CenterCrop(16)(Image.fromarray(ramp)))[0, 0, 0]
    print(f"{side} to 16: transformers {one}, torchvision {other}")
PY
)
echo "$found"
[ "$found" = "31 to 16: transformers 7, torchvision 8
29 to 16: transformers 6, torchvision 6" ]
