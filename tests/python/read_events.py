"""Reads the event files of `grad` with TensorBoard's own loader and compares them with gradient_spectrum.json.

    pip install tensorboard
    cargo run -p bins --bin grad -- --epochs 3
    python tests/python/read_events.py runs/synthetic/resnet18_baseline/grad

Not among the tests that `cargo test` runs: it needs Python and the tensorboard package.
"""

import json
import math
import struct
import sys
from pathlib import Path

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator


def load(folder: Path) -> EventAccumulator:
    everything = {"scalars": 0, "images": 0, "histograms": 0, "compressedHistograms": 0, "tensors": 0}
    events = EventAccumulator(str(folder), size_guidance=everything)
    events.Reload()
    return events


def close(found: float, expected: float, what: str, tolerance: float = 1e-6) -> None:
    assert math.isclose(found, expected, rel_tol=tolerance, abs_tol=tolerance), f"{what}: {found}, expected {expected}"


def check_spectrum(results: Path) -> None:
    spectrum = json.loads((results / "gradient_spectrum.json").read_text())
    events, radii = load(results / "tensorboard"), spectrum["radii"]
    centres, peaks = (events.Scalars(f"gradient_spectrum/{tag}") for tag in ("centre_of_mass", "peak"))
    histograms = events.Histograms("gradient_spectrum/bands")
    assert [event.step for event in histograms] == spectrum["epochs"], "a histogram each epoch"
    assert [event.step for event in peaks] == spectrum["epochs"] and len(centres) == len(peaks)
    for mean, centre, peak, event in zip(spectrum["mean"], centres, peaks, histograms, strict=True):
        expected = sum(r * m for r, m in zip(radii, mean)) / sum(mean)
        close(centre.value, expected, f"centre of mass of epoch {centre.step}")
        assert peak.value == radii[mean.index(max(mean))], f"peak of epoch {peak.step}"
        histogram = event.histogram_value
        assert len(histogram.bucket) == len(radii) + 1 and histogram.bucket[0] == 0
        for radius, found, value, upper in zip(radii, histogram.bucket[1:], mean, histogram.bucket_limit[1:]):
            close(found, value, f"band {radius} of epoch {event.step}", 1e-12)
            assert upper == radius + 0.5
        close(histogram.num, sum(mean), "total weight")
        close(histogram.sum / histogram.num, expected, "mean of the histogram")
    for name in ("gradient_spectrum", "density"):
        (image,) = events.Images(name)
        png = (results / f"{name}.png").read_bytes()
        assert image.encoded_image_string == png, f"{name}.png"
        assert (image.width, image.height) == struct.unpack(">II", png[16:24]), f"size of {name}.png"
        assert image.step == spectrum["epochs"][-1]
    print(f"{results}: {len(peaks)} epochs, {len(radii)} bands, 2 pictures: as in gradient_spectrum.json")


def check_training(run: Path) -> None:
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    events = load(run / "tensorboard")
    for tag, key in (("train/loss", "train_loss"), ("nat/loss", "nat_loss"), ("nat/prec1", "nat_prec1"), ("lr", "lr")):
        found = events.Scalars(tag)
        assert [event.step for event in found] == [line["epoch"] for line in lines], tag
        for event, line in zip(found, lines, strict=True):
            close(event.value, line[key], f"{tag} of epoch {event.step}")
    print(f"{run}: {len(lines)} epochs: as in metrics.jsonl")


def check_kernels(folder: Path) -> None:
    lines = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
    events = load(folder / "tensorboard")
    for tag, key in (("loss", "loss"), ("loss/density", "spectral_loss"), ("loss/image", "image_loss"), ("lr", "lr")):
        for event, line in zip(events.Scalars(tag), lines, strict=True):
            assert event.step == line["epoch"]
            close(event.value, line[key], f"{tag} of epoch {event.step}")
    drawn = {int(path.stem.removeprefix("Sp-epoch")) for path in (folder / "Img").glob("Sp-epoch*.png")}
    assert drawn and {event.step for event in events.Images("density")} == drawn
    assert {event.step for event in events.Images("images")} == drawn
    print(f"{folder}: {len(lines)} epochs, pictures of {len(drawn)}: as in log.jsonl")


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    for argument in map(Path, sys.argv[1:]):
        if (argument / "gradient_spectrum.json").exists():
            check_spectrum(argument)
        elif (argument / "metrics.jsonl").exists():
            check_training(argument)
        elif (argument / "log.jsonl").exists():
            check_kernels(argument)
        else:
            sys.exit(f"{argument}: expected results of grad, a run of easy_train or a kernel set")
