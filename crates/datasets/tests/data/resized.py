"""Writes a small picture beside this script and what Pillow makes of it, resized as torchvision's Resize(20) and CenterCrop(16) do it, with each
filter: picture.png and FILTER.rgb. And the picture as a JPEG file with halved colours: picture.jpg and jpeg.rgb.

    pip install pillow==13.0.0; python resized.py
"""

import math
import pathlib

from PIL import Image

HERE = pathlib.Path(__file__).parent
WIDTH, HEIGHT, SHORT, SIDE = 37, 29, 20, 16


def value(x, y, plane):
    wave = math.sin(1.7 * x + 0.5 * y * (plane + 1)) + math.cos(0.31 * x * (3 - plane) - 1.8 * y)
    return round(127.5 + 63 * wave)


def framed(image, resample):
    # The shorter side is the height here.
    resized = image.resize((int(SHORT * WIDTH / HEIGHT), SHORT), resample)
    left, top = round((resized.width - SIDE) / 2), round((resized.height - SIDE) / 2)
    return resized.crop((left, top, left + SIDE, top + SIDE))


picture = Image.new("RGB", (WIDTH, HEIGHT))
picture.putdata([tuple(value(x, y, plane) for plane in range(3)) for y in range(HEIGHT) for x in range(WIDTH)])
picture.save(HERE / "picture.png", optimize=True)
for filter in ["nearest", "box", "bilinear", "hamming", "bicubic", "lanczos"]:
    resampled = framed(picture, Image.Resampling[filter.upper()])
    (HERE / f"{filter}.rgb").write_bytes(resampled.tobytes())
picture.save(HERE / "picture.jpg", quality=85, subsampling=2, optimize=True)
jpeg = Image.open(HERE / "picture.jpg")
(HERE / "jpeg.rgb").write_bytes(framed(jpeg, Image.Resampling.BILINEAR).tobytes())
