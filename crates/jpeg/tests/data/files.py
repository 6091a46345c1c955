"""Writes small JPEG files of many kinds beside this script, and what Pillow makes of each: NAME.jpg and NAME.rgb.

    pip install pillow==13.0.0; apt-get install libjpeg-turbo-progs        # cjpeg: what Pillow does not write
    python files.py
"""

import math
import pathlib
import subprocess

from PIL import Image

HERE = pathlib.Path(__file__).parent
WIDTH, HEIGHT = 19, 13


def value(x, y, plane):
    wave = math.sin(0.9 * x + 0.5 * y * (plane + 1)) + math.cos(0.31 * x * (3 - plane) - 0.8 * y)
    return round(127.5 + 60 * wave)


def image(mode, width=WIDTH, height=HEIGHT):
    planes = len(mode)
    pixels = [tuple(value(x, y, plane) for plane in range(planes)) for y in range(height) for x in range(width)]
    made = Image.new(mode, (width, height))
    made.putdata(pixels if planes > 1 else [pixel[0] for pixel in pixels])
    return made


def kept(name):
    decoded = Image.open(HERE / f"{name}.jpg").convert("RGB")
    (HERE / f"{name}.rgb").write_bytes(decoded.tobytes())


def pillow(name, mode="RGB", size=(WIDTH, HEIGHT), **options):
    image(mode, *size).save(HERE / f"{name}.jpg", **{"quality": 80, "subsampling": 0, "optimize": True, **options})
    kept(name)


def cjpeg(name, *flags, size=(WIDTH, HEIGHT), scans=None):
    source, script = HERE / "source.ppm", HERE / "scans.txt"
    image("RGB", *size).save(source)
    if scans:
        script.write_text(scans)
        flags = [*flags, "-scans", script]
    command = ["cjpeg", "-quality", "80", "-optimize", *flags, "-outfile", HERE / f"{name}.jpg", source]
    subprocess.run([str(part) for part in command], check=True)
    source.unlink()
    script.unlink(missing_ok=True)
    kept(name)


pillow("grey", "L")
pillow("h1v1")
pillow("h2v1", subsampling=1)
pillow("h2v2", subsampling=2)
pillow("h2v2_even", subsampling=2, size=(18, 12))
pillow("narrow", subsampling=2, size=(4, 5))
pillow("progressive", subsampling=2, progressive=True)
pillow("restarts", subsampling=1, restart_marker_blocks=1)
pillow("cmyk", "CMYK")
pillow("rgb", keep_rgb=True)
cjpeg("h1v2", "-sample", "1x2")
cjpeg("h4v1", "-sample", "4x1")
cjpeg("h4v2", "-sample", "4x2")
cjpeg("coarse_luma", "-sample", "1x1,2x2,2x2")
cjpeg("mixed", "-sample", "2x2,1x2,2x1")
cjpeg("scan_each", "-sample", "2x2", scans="0;\n1;\n2;\n")
cjpeg("scans_of_two", "-sample", "2x1", scans="0 1;\n2;\n")
cjpeg("fine_progressive", "-sample", "2x2", "-progressive", "-restart", "1")
