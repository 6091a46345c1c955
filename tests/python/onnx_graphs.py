"""ONNX graphs against the networks that they were exported from: logits and pixel gradients of our engine beside PyTorch's in float64.

    cargo build -p freqbias-onnx --example pixel_gradient
    python tests/python/onnx_graphs.py [--program target/debug/examples/pixel_gradient] [--exporter dynamo|script] [NAME ...]

Needs torch, torchvision, timm, onnx, onnxscript and safetensors. A NAME is one of torchvision's, or timm's after `timm/`. Weights are random
with a seed; the statistics of batch-norms are those of one batch, so that activations stay about as large as they are. Printed are the relative
errors, ours and those of PyTorch in float32: where rounding turns a ReLU or a maximum, both are larger. Fails where ours are beyond the
tolerances, and PyTorch's are not.
"""

import argparse
import subprocess
import tempfile
import time
import warnings
from pathlib import Path

import numpy
import timm
import torch
import torchvision
from safetensors.torch import load_file, save_file

warnings.filterwarnings("ignore")

TORCHVISION = """resnet18 mobilenet_v3_small squeezenet1_1 shufflenet_v2_x0_5 mnasnet0_5 efficientnet_b0 densenet121 googlenet
regnet_y_400mf alexnet vgg11 vgg11_bn inception_v3 resnext50_32x4d mobilenet_v2 efficientnet_v2_s vit_b_32 swin_t swin_v2_t convnext_tiny
maxvit_t resnet50""".split()
TIMM = """vit_tiny_patch16_224 deit3_small_patch16_224 mixer_s32_224 resnetv2_50 convnextv2_atto swin_tiny_patch4_window7_224 regnety_002
resnet18d efficientnet_b0 mobilenetv3_small_100 maxvit_rmlp_pico_rw_256""".split()
CLASSES = 10
LOGITS, GRADIENT = 1e-4, 1e-3


def network(name):
    """A network with seeded weights, and the side of its images."""
    torch.manual_seed(0)
    if name.startswith("timm/"):
        model = timm.create_model(name[5:], num_classes=CLASSES)
        size = model.default_cfg["input_size"][1]
    else:
        extra = dict(aux_logits=True, init_weights=False) if name in ("googlenet", "inception_v3") else {}
        model = torchvision.models.get_model(name, num_classes=CLASSES, **extra)
        size = {"inception_v3": 299, "swin_v2_t": 256}.get(name, 224 if needs_224(name) else 128)
    model.train()
    for module in model.modules():
        if isinstance(module, torch.nn.modules.batchnorm._BatchNorm):
            module.momentum = 1.0
    with torch.no_grad():
        model(torch.rand(4, 3, size, size))
        # Scales that begin at zero or near would hide what they scale.
        for key, parameter in model.named_parameters():
            if parameter.numel() and parameter.abs().max() < 1e-3 and ("gamma" in key or "scale" in key or "grn" in key):
                parameter.uniform_(0.2, 0.4)
            elif key.endswith(("class_token", "cls_token", "relative_position_bias_table")):
                parameter.normal_(std=0.5)
    return model.eval(), size


def needs_224(name):
    return any(part in name for part in ("vit", "swin"))


def export(model, size, exporter, path):
    images = torch.rand(2, 3, size, size)
    if exporter == "dynamo":
        shapes = ({0: torch.export.Dim("batch", min=1, max=4096)},)
        torch.onnx.export(model, (images,), path, dynamo=True, dynamic_shapes=shapes, verbose=False)
    else:
        names = dict(input_names=["input"], output_names=["logits"])
        torch.onnx.export(model, (images,), path, dynamo=False, dynamic_axes={"input": {0: "b"}, "logits": {0: "b"}}, **names)


def reference(model, images, labels, kind):
    model = model.to(kind)
    pixels = images.to(kind).requires_grad_()
    logits = model(pixels)
    torch.nn.functional.cross_entropy(logits, labels).backward()
    return logits.detach().double(), pixels.grad.double()


def apart(found, expected):
    return float(numpy.max([(f - e).norm() / e.norm() for f, e in zip(found.double(), expected)]))


def compare(program, name, exporter, folder, backend):
    model, size = network(name)
    path, given, written = [Path(folder) / file for file in ("model.onnx", "given.safetensors", "written.safetensors")]
    try:
        export(model, size, exporter, path)
    except Exception as error:  # noqa: BLE001: exporters fail in many ways
        print(f"{name:36} {exporter:7} not exported: {str(error).splitlines()[0][:100]}", flush=True)
        return True
    generator = torch.Generator().manual_seed(1)
    images = torch.rand(2, 3, size, size, generator=generator)
    labels = torch.tensor([3, 7])
    save_file({"images": images, "labels": labels.to(torch.uint32)}, given)
    begun = time.time()
    done = subprocess.run([program, path, given, written, backend], capture_output=True, text=True)
    if done.returncode != 0:
        print(f"{name:36} {exporter:7} FAILED: {done.stderr.strip()[-400:]}", flush=True)
        return False
    seconds = time.time() - begun
    found = load_file(written)
    logits, gradient = reference(model, images, labels, torch.float64)
    of_logits, of_gradient = apart(found["logits"], logits), apart(found["gradient"], gradient)
    theirs = [apart(*pair) for pair in zip(reference(model, images, labels, torch.float32), (logits, gradient))]
    is_close = of_logits < max(LOGITS, 2 * theirs[0]) and of_gradient < max(GRADIENT, 2 * theirs[1])
    arrays = next((line for line in done.stdout.splitlines() if "on arrays" in line), "")
    print(
        f"{name:36} {exporter:7} logits {of_logits:.1e} ({theirs[0]:.1e})  gradient {of_gradient:.1e} ({theirs[1]:.1e})  "
        f"{seconds:.1f} s  {arrays}{'' if is_close else '  BEYOND'}",
        flush=True,
    )
    return is_close


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--program", default="target/debug/examples/pixel_gradient")
    parser.add_argument("--exporter", choices=["dynamo", "script"])
    parser.add_argument("--backend", default="cpu")
    parser.add_argument("names", nargs="*")
    given = parser.parse_args()
    names = given.names or TORCHVISION + [f"timm/{name}" for name in TIMM]
    failed = []
    for name in names:
        for exporter in [given.exporter] if given.exporter else ["dynamo", "script"]:
            with tempfile.TemporaryDirectory() as folder:
                if not compare(given.program, name, exporter, folder, given.backend):
                    failed.append(f"{name} ({exporter})")
    assert not failed, failed


main()
