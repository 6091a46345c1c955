#!/usr/bin/env bash
# Guess: torchvision's and timm's EfficientNets and MobileNet v3 are the same functions, as their ResNets are: same names, same shapes in the
#   same order, so that weights can be carried over.
# Happens: B0 to B4 are. B5 to B7 and MobileNet v3 divide by √(variance + 0.001) in torchvision and by √(variance + 0.00001) in timm: weights
#   that fit give other logits, without an error. A checkpoint does not hold the constant.
# Version: torchvision 0.29.2; timm 1.0.31; torch 2.15.0.
# Source: https://github.com/pytorch/vision/blob/main/torchvision/models/efficientnet.py (`norm_layer=partial(nn.BatchNorm2d, eps=0.001, …)`
#   in b5, b6, b7 alone), https://github.com/huggingface/pytorch-image-models/blob/main/timm/models/efficientnet.py (only tf_ networks have it).
# Output seen: b4: 1e-05 and 1e-05; b5, b6, b7 and MobileNet v3: 0.001 and 1e-05. Sizes are the same in order; with
#   variances of 0.01, as in trained networks, the logits of b5 differ by more than their own length.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check torch==2.15.0 torchvision==0.29.2 timm==1.0.31 numpy==2.4.6
found=$(venv/bin/python -W ignore - <<'PY'
import timm
import torch
from torchvision import models

NORM = torch.nn.BatchNorm2d
NAMES = [(f"efficientnet_b{size}",) * 2 for size in range(4, 8)] + [("mobilenet_v3_large", "mobilenetv3_large_100")]


def epsilons(network):
    return sorted({norm.eps for norm in network.modules() if isinstance(norm, NORM)})


for of_torchvision, of_timm in NAMES:
    ours, theirs = getattr(models, of_torchvision)(), timm.create_model(of_timm)
    same = [v.numel() for v in ours.parameters()] == [v.numel() for v in theirs.parameters()]
    print(f"{of_torchvision}: {epsilons(ours)} and {epsilons(theirs)}, sizes in order {'same' if same else 'differ'}")
    if of_timm == "efficientnet_b5":
        with torch.no_grad():
            for value, source in zip(theirs.state_dict().values(), ours.state_dict().values(), strict=True):
                value.copy_(source.reshape(value.shape))
            for network in (ours, theirs):
                for norm in network.modules():
                    if isinstance(norm, NORM):
                        norm.running_var.fill_(0.01)
                        norm.weight.fill_(0.1)
            torch.manual_seed(0)
            images = torch.randn(1, 3, 96, 96)
            first, second = ours.eval()(images), theirs.eval()(images)
        far = (first - second).norm() / first.norm()
        print(f"logits {'differ' if far > 0.01 else 'are the same'}")
PY
)
echo "$found"
[ "$found" = "efficientnet_b4: [1e-05] and [1e-05], sizes in order same
efficientnet_b5: [0.001] and [1e-05], sizes in order same
logits differ
efficientnet_b6: [0.001] and [1e-05], sizes in order same
efficientnet_b7: [0.001] and [1e-05], sizes in order same
mobilenet_v3_large: [0.001] and [1e-05], sizes in order same" ]
