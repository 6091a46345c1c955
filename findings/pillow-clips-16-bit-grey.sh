#!/usr/bin/env bash
# Guess: convert("RGB"), which torchvision's ImageFolder calls, brings 16-bit pictures to 8 bits the same way, grey or in colour.
# Happens: of colours the upper eight bits are kept, and greys are clipped at 255: the same picture saved as grey becomes nearly white, and
#   its spectrum that of the clipping.
# Version: pillow 13.0.0.
# Source: https://pillow.readthedocs.io/en/stable/handbook/concepts.html#modes (I;16).
# Output seen: colour [0, 64, 128, 192]; grey [0, 255, 255, 255].
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check pillow==13.0.0
found=$(venv/bin/python - <<'PY'
import io
import struct
import zlib

from PIL import Image


def png(channels):
    """One row of four levels of 16 bits."""
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    row = b"\0" + b"".join(struct.pack(">H", level) * channels for level in (0, 64 << 8, 128 << 8, 192 << 8))
    head = struct.pack(">IIBBBBB", 4, 1, 16, 2 if channels == 3 else 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(row)) + chunk(b"IEND", b"")


shown = []
for name, channels in [("colour", 3), ("grey", 1)]:
    picture = Image.open(io.BytesIO(png(channels))).convert("RGB")
    shown.append(f"{name} {[picture.getpixel((x, 0))[0] for x in range(4)]}")
print("; ".join(shown))
PY
)
echo "$found"
[ "$found" = "colour [0, 64, 128, 192]; grey [0, 255, 255, 255]" ]
