#!/usr/bin/env bash
# Guess: Pillow opens a picture with an orientation tag unturned, whatever its format, as it does JPEG; ImageOps.exif_transpose turns it.
# Happens: TIFF comes turned already, its size exchanged when it is opened; JPEG, PNG and WebP with the same tag do not. A class folder
#   of the same photographs in two formats gives torchvision's ImageFolder two data sets.
# Version: pillow 13.0.0.
# Source: https://pillow.readthedocs.io/en/stable/handbook/image-file-formats.html#tiff.
# Output seen: TIFF (2, 3); JPEG (3, 2); PNG (3, 2); WEBP (3, 2).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check pillow==13.0.0
found=$(venv/bin/python - <<'PY'
import io

from PIL import Image

shown = []
for kind in ("TIFF", "JPEG", "PNG", "WEBP"):
    exif, file = Image.Exif(), io.BytesIO()
    exif[274] = 6
    Image.new("RGB", (3, 2)).save(file, kind, exif=exif)
    shown.append(f"{kind} {Image.open(io.BytesIO(file.getvalue())).convert('RGB').size}")
print("; ".join(shown))
PY
)
echo "$found"
[ "$found" = "TIFF (2, 3); JPEG (3, 2); PNG (3, 2); WEBP (3, 2)" ]
