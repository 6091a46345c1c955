#!/usr/bin/env bash
# Guess: transformers' image processors give (x · rescale_factor − mean) / std, each step once.
# Happens: EfficientNet's divides by std a second time, without subtracting anything, where `include_top` is true, and true is what it
#   is unless a configuration says otherwise: with a std of 0.25 every value is four times as large.
# Version: transformers 5.24.0.
# Source: https://huggingface.co/docs/transformers/model_doc/efficientnet (`include_top`: "rescale the image again").
# Output seen: include_top=True 4.549020, include_top=False 1.137255, (200/255 − 0.5) / 0.25 = 1.137255.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check transformers==5.24.0 pillow==13.0.0 numpy==2.4.6
found=$(venv/bin/python - <<'PY' 2>/dev/null
import numpy as np
from PIL import Image
from transformers.models.efficientnet.image_processing_pil_efficientnet import EfficientNetImageProcessorPil as Processor

image = Image.fromarray(np.full((8, 8, 3), 200, np.uint8))
steps = dict(do_resize=False, do_center_crop=False, image_mean=[0.5] * 3, image_std=[0.25] * 3)
for top in (True, False):
    values = Processor(include_top=top, **steps)(image, return_tensors="np")["pixel_values"]
    print(f"include_top={top} {values.ravel()[0]:.6f}")
print(f"unless told otherwise: {Processor().include_top}")
PY
)
echo "$found"
[ "$found" = "include_top=True 4.549020
include_top=False 1.137255
unless told otherwise: True" ]
