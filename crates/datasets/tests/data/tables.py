"""Tables of images as Python's datasets and pyarrow write them, and what they read back: tables/ beside this file.

    pip install datasets==5.2.0 pyarrow==26.0.1 pillow && python tables.py

All images are made here, of 4×4 pixels.
"""

import io
import json
import os
import shutil
from pathlib import Path

import datasets
import numpy as np
import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet
from datasets import ClassLabel, Dataset, DatasetDict, Features, Image, Value
from PIL import Image as Pillow

OUT = Path(__file__).parent / "tables"
NAMES = ["cat", "dog", "tench, Tinca tinca"]
FEATURES = Features({"image": Image(), "label": ClassLabel(names=NAMES)})


def picture(number, mode="RGB"):
    y, x, c = np.meshgrid(range(4), range(4), range(4), indexing="ij")
    pixels = (40 * x + 13 * y + 7 * c + 5 * number).astype("uint8")
    if mode == "I;16":
        return Pillow.fromarray((pixels[..., 0].astype("uint16") << 8) + 77)
    return Pillow.fromarray(pixels[..., : len(mode)] if len(mode) > 1 else pixels[..., 0], mode if mode == "CMYK" else None)


def encoded(number):
    buffer = io.BytesIO()
    picture(number).save(buffer, "PNG")
    return buffer.getvalue()


def table(numbers, features=FEATURES):
    columns = {"image": [picture(number) for number in numbers], "label": [number % 3 for number in numbers]}
    return Dataset.from_dict(columns, features=features)


def rgb(image):
    """The first pixel as RGB; of 16 bits the upper 8."""
    if image.mode.startswith("I"):
        return [int(np.asarray(image)[0, 0]) >> 8] * 3
    return list(image.convert("RGB").getpixel((0, 0)))


def read(split):
    return {"labels": split["label"][:], "first": [rgb(image) for image in split["image"]]}


def main():
    datasets.disable_progress_bars()
    shutil.rmtree(OUT, ignore_errors=True)
    OUT.mkdir()
    os.chdir(OUT)
    told = {}

    # As push_to_hub names its files.
    shards, test = [table(range(0, 3)), table(range(3, 5))], table(range(5, 7))
    for number, shard in enumerate(shards):
        shard.to_parquet(f"shards/data/train-0000{number}-of-00002.parquet")
    test.to_parquet("shards/data/validation-00000-of-00001.parquet")
    told["shards"] = {"train": read(datasets.concatenate_datasets(shards)), "test": read(test)}

    # save_to_disk, of a set whose rows are chosen and shuffled: they are written in their order.
    train = table(range(0, 9)).shuffle(seed=1).select(range(7))
    DatasetDict(train=train, test=test).save_to_disk("saved", num_shards={"train": 2, "test": 1})
    loaded = datasets.load_from_disk("saved")
    told["saved"] = {"train": read(loaded["train"]), "test": read(loaded["test"])}

    # One split.
    modes = ["RGB", "L", "RGBA", "RGB", "L"]
    columns = {"image": [picture(number, mode) for number, mode in enumerate(modes)], "label": [0, 1, 2, 0, 1]}
    alone = Dataset.from_dict(columns, features=FEATURES)
    alone.save_to_disk("alone")
    alone.to_parquet("alone.parquet")
    told["alone"] = {"test": read(datasets.load_from_disk("alone"))}

    # What datasets writes as TIFF.
    columns = {"image": [picture(0, "I;16"), picture(1, "CMYK")], "label": [2, 0]}
    Dataset.from_dict(columns, features=FEATURES).save_to_disk("tiff")
    told["tiff"] = {"test": read(datasets.load_from_disk("tiff"))}

    # Images by the paths of their files: to_parquet leaves them out, save_to_disk takes them in.
    Path("picture.png").write_bytes(encoded(4))
    by_path = Dataset.from_dict({"image": ["picture.png"], "label": [1]}, features=FEATURES)
    by_path.to_parquet("by_path.parquet")
    by_path.save_to_disk("by_path")
    os.remove("picture.png")
    told["by_path"] = {"test": read(datasets.load_from_disk("by_path"))}

    # Other columns before and between, large places, small labels, several batches; as file and as stream.
    images = [{"path": f"{number}.png", "bytes": encoded(number)} for number in range(5)]
    columns = {
        "nothing": pa.nulls(5),
        "words": pa.array([["a", "b"], [], None, ["c"], ["d"]]),
        "kind": pa.array(["x", "y", "x", None, "y"]).dictionary_encode(),
        "pairs": pa.array([[("a", 1)]] * 5, pa.map_(pa.string(), pa.int32())),
        "size": pa.array([[1.0, 2.0]] * 5, pa.list_(pa.float32(), 2)),
        "img": pa.array(images, pa.struct([("path", pa.large_string()), ("bytes", pa.large_binary())])),
        "bit": pa.array([True, None, False, True, True]),
        "fine_label": pa.array([2, 0, 1, 4, 3], pa.uint8()),
        "coarse_label": pa.array([1, 0, 0, 1, 1], pa.int16()),
    }
    mixed = pa.table(columns)
    for name, opened in [("mixed_file", pa.ipc.new_file), ("mixed", pa.ipc.new_stream)]:
        with opened(f"{name}.arrow", mixed.schema) as writer:
            writer.write_table(mixed, max_chunksize=2)
    first = [rgb(picture(number)) for number in range(5)]
    told["mixed"] = {"test": {"labels": columns["fine_label"].to_pylist(), "first": first}}

    # Bytes without a structure.
    plain = pa.table({"image": [encoded(0), encoded(1)], "label": pa.array([1, 0], pa.int32())})
    pa.parquet.write_table(plain, "plain.parquet")
    pa.parquet.write_table(plain, "zstd.parquet", compression="zstd")
    with pa.ipc.new_stream("plain.arrow", plain.schema) as writer:
        writer.write_table(plain)
    pa.feather.write_feather(plain, "lz4.arrow")
    pa.feather.write_feather(plain, "zstd.arrow", compression="zstd")

    # What is refused.
    texts = Features({"image": Image(), "label": Value("string")})
    Dataset.from_dict({"image": [picture(0)], "label": ["cat"]}, features=texts).save_to_disk("texts")
    coded = plain.set_column(1, "label", pa.array(["a", "b"]).dictionary_encode())
    view = pa.table({"image": pa.array([encoded(0)], pa.binary_view()), "label": [0]})
    unlabelled = pa.table({"image": [encoded(0), encoded(1)], "label": pa.array([0, None], pa.int64())})
    for name, refused in [("coded", coded), ("view", view), ("unlabelled", unlabelled)]:
        with pa.ipc.new_stream(f"{name}.arrow", refused.schema) as writer:
            writer.write_table(refused)

    Path("told.json").write_text(json.dumps({"classes": NAMES, "tables": told}))


if __name__ == "__main__":
    main()
