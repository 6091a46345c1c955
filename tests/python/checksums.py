"""Runs a fixed list of small commands and prints a checksum of every file that they write, for a refactoring that must not
change one: run it with the programs of before and of after, and compare the two outputs.

    python3 tests/python/checksums.py target/release > after.txt

Left out are times, versions, the report's markup, and what is said on stderr. `$FREQBIAS_CIFAR` may name a folder of
CIFAR-10's batches, `$FREQBIAS_PHOTOGRAPHS` a folder or archive of images, `$FREQBIAS_TORCH` a ResNet-18 of PyTorch. `$FREQBIAS_KERNELS`
chooses the instruction set, as ever.
"""

import hashlib
import json
import os
import re
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

SMALL = "--arch resnet20 --limit-train 96 --limit-test 32 --batch-size 32"
TINY = "--limit-train 40 --limit-test 20"
KERNELS = f"{TINY} --number 2 --kernel-size 3"

# A command line each; a line that begins with `-` may fail (its exit code is printed).
COMMANDS = f"""
easy_train {SMALL} --epochs 2 --seed 1 --spectrum-every 1 --spectrum-images 20
easy_train {SMALL} --epochs 3 --seed 1 --resume
-easy_train {SMALL} --epochs 3 --seed 1
-easy_train {SMALL} --epochs 3 --seed 1 --resume --batch-size 16
easy_train {SMALL} --task few --epochs 3 --checkpoint-every 2 --lr 0.05 --schedule cosine --mean 0.5,0.4,0.3 --std 0.2,0.2,0.2
easy_train {SMALL} --task attacked --epochs 1 --adv-train 1 --adv-eval 1 --constraint inf --eps 8/255 --attack-steps 2 --random-start 1
easy_train {SMALL} --task bf16 --epochs 1 --bf16
easy_train {SMALL} --task plain --epochs 1 --device cpu-plain
easy_train {SMALL} --task attacked --epochs 1 --overwrite --format json
grad {SMALL}
grad {SMALL} --format json
grad {SMALL} --task own --epochs 2 --seed 3
grad {SMALL} --task plain --device cpu-plain
grad --run runs/synthetic/few --limit-test 32
grad {SMALL} --checkpoints runs/synthetic/resnet20_baseline/*_checkpoint.safetensors
evaluate {SMALL} --freq low,high --r 4,8 --features
evaluate {SMALL} --task few --band 4-8,8-12 --mask square --rescale clip --epoch 2 --format json
evaluate {SMALL} --task own --constraint 2 --eps 0.5 --attack-steps 2 --features --project mean
evaluate {SMALL} --task plain --device cpu-plain --r 6
evaluate {SMALL} --checkpoints runs/synthetic/resnet20_baseline/*_checkpoint.safetensors --freq high --r 12 --mask dct
inspect runs/synthetic/resnet20_baseline/0_checkpoint.safetensors
inspect runs/synthetic/resnet20_baseline/0_checkpoint.safetensors --format json
inspect runs/synthetic/resnet20_baseline/0_checkpoint.safetensors --convert plain.pt
inspect runs/synthetic/resnet20_baseline/1_checkpoint.safetensors --convert robust.pt --style robustness
inspect robust.pt --convert back.safetensors
inspect plain.pt --format json
inspect --dataset synthetic --limit-train 200 --limit-test 100
inspect --dataset synthetic --limit-train 200 --limit-test 100 --format json --out-dir elsewhere
train_toy_models {KERNELS} --exp_name SCR --epochs 1 --fit-on train
-train_toy_models {KERNELS} --exp_name SCR --epochs 1
train_toy_models {KERNELS} --exp_name SCR --epochs 2 --fit-on train --resume
train_toy_models {KERNELS} --exp_name WCR --epochs 2 --rho 0.5 --warm-start --format json
generate_toy_dataset {KERNELS} --exp_name SCR
generate_toy_dataset {KERNELS} --exp_name WCR --radius 8 --seed 3 --format json
-generate_toy_dataset {KERNELS} --exp_name WCR
easy_train --dataset generated --data runs/SCR-Toy-Dataset {SMALL} --epochs 1
grad --dataset generated --data runs/SCR-Toy-Dataset {SMALL}
generate_freq_dataset --limit-train 96 --limit-test 32 --r 12
generate_freq_dataset --limit-train 96 --limit-test 32 --r 6 --mask l1 --freq high --keep-label low --seed 2 --format json --out-dir other
-generate_freq_dataset --limit-train 96 --limit-test 32 --r 12
easy_train {SMALL} --epochs 1 --freq high --r 12
easy_train {SMALL} --epochs 1 --freq low --r 8
reproduce --epochs 1 --fit-epochs 1 --limit-train 64 --limit-test 40
reproduce --epochs 1 --fit-epochs 1 --limit-train 64 --limit-test 40 --format json
-evaluate --dataset cifar10
-grad --run nowhere
-inspect nothing.pt
"""

CIFAR = f"""
easy_train --dataset cifar10 {SMALL} --epochs 1
grad --dataset cifar10 {SMALL}
inspect --dataset cifar10 --limit-train 200 --limit-test 100
train_toy_models {KERNELS} --exp_name WCR --epochs 1 --out-dir cifar
generate_toy_dataset {KERNELS} --exp_name WCR --out-dir cifar
"""

PHOTOGRAPHS = f"""
easy_train --dataset folder {SMALL} --epochs 1
evaluate --dataset folder {SMALL} --r 8
inspect --dataset folder --limit-train 100 --limit-test 50 --image-size 40
"""

TORCH = """
inspect $TORCH
evaluate $TORCH_FLAGS --r 4,8
grad $TORCH_FLAGS
"""

# Numbers that differ from run to run, and what a build says of itself.
# (The checksums in a reproduction's list of steps are of files that hold times.)
TIMES = ["seconds", "images_per_second", "version", "git_commit", "crc32c"]


def without_times(value):
    if isinstance(value, dict):
        return {key: without_times(inner) for key, inner in value.items() if key not in TIMES}
    return [without_times(inner) for inner in value] if isinstance(value, list) else value


def steady(path, content):
    """What of a file must be the same every time."""
    # The report's markup may change, and the sizes of logs with times.
    if path.name == "report.html":
        return b""
    if path.suffix in (".json", ".jsonl"):
        lines = [content] if path.suffix == ".json" else content.splitlines()
        return json.dumps([without_times(json.loads(line)) for line in lines]).encode()
    if path.name.endswith(".safetensors"):
        size = struct.unpack("<Q", content[:8])[0]
        header = json.loads(content[8 : 8 + size])
        metadata = {key: without_times(json.loads(text)) for key, text in header.pop("__metadata__", {}).items()}
        return json.dumps([header, metadata]).encode() + content[8 + size :]
    return content


def printed(text):
    """What a command printed, without times."""
    try:
        return json.dumps(without_times(json.loads(text)))
    except ValueError:
        return re.sub(r"[0-9.]+ (s|min)\b", "", text)


def main():
    programs = Path(sys.argv[1]).resolve()
    kept = lambda name: name == "FREQBIAS_KERNELS" or not name.startswith("FREQBIAS_")
    environment = {name: value for name, value in os.environ.items() if kept(name)}
    jobs = COMMANDS.strip().splitlines()
    if cifar := os.environ.get("FREQBIAS_CIFAR"):
        jobs += [line + f" --data {cifar}" for line in CIFAR.strip().splitlines()]
    if photographs := os.environ.get("FREQBIAS_PHOTOGRAPHS"):
        jobs += [line + f" --data {photographs}" for line in PHOTOGRAPHS.strip().splitlines()]
    if torch := os.environ.get("FREQBIAS_TORCH"):
        flags = f"--checkpoints {torch} --dataset synthetic --arch resnet18 --limit-test 32"
        jobs += [line.replace("$TORCH_FLAGS", flags).replace("$TORCH", torch) for line in TORCH.strip().splitlines()]
    with tempfile.TemporaryDirectory() as folder:
        for line in jobs:
            words = line.lstrip("-").split()
            command = [str(programs / words[0]), *words[1:], "--threads", "2"]
            done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
            if done.returncode != 0 and not line.startswith("-"):
                sys.exit(f"{line}: exit code {done.returncode}\n{done.stderr}")
            shown = hashlib.sha256(printed(done.stdout).encode()).hexdigest()[:16]
            print(f"{shown}  {done.returncode}  {line}", flush=True)
        for path in sorted(Path(folder).rglob("*")):
            if path.is_file() and path.name != ".lock":
                content = steady(path, path.read_bytes())
                print(f"{hashlib.sha256(content).hexdigest()[:16]}  {path.relative_to(folder)}")


main()
