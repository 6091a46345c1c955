#!/usr/bin/env bash
# Guess: torchvision's MaxViT divides the products of queries and keys by the root of a head's channels, 32 in every stage, as its Swin,
#   torch.nn.MultiheadAttention and timm's MaxViT do.
# Happens: it divides by the root of the channels of all heads, 64 to 512: in the last stage products are a quarter of what one
#   expects. Its published weights were trained so; in a network written down from the paper they give other logits, without an error.
# Version: torchvision 0.29.2, torch 2.15.0; timm 1.0.22 beside it.
# Source: https://github.com/pytorch/vision/blob/main/torchvision/models/maxvit.py (`scale_factor = feat_dim**-0.5`).
# Output seen: torchvision 0.1250 0.0884 0.0625 0.0442; timm 0.1768 four times.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install -q --disable-pip-version-check torch==2.15.0 torchvision==0.29.2 timm==1.0.22 numpy
found=$("$folder/env/bin/python" -W ignore - <<'PYTHON'
import timm
import torch
import torchvision
from torchvision.models.maxvit import RelativePositionalMultiHeadAttention

# One token is all ones, the others zeros: its product with itself is a head's channels, and softmax shows by what that was multiplied.
def measured(layer, channels):
    with torch.no_grad():
        layer.to_qkv.weight.copy_(torch.cat([torch.eye(channels)] * 3))
        layer.to_qkv.bias.zero_()
        layer.merge.weight.copy_(torch.eye(channels))
        layer.merge.bias.zero_()
        layer.relative_position_bias_table.zero_()
        x = torch.zeros(1, 1, layer.max_seq_len, channels)
        x[..., 0, :] = 1
        # The first token's result is the weight that it gives itself.
        weight = layer(x)[0, 0, 0, 0].double()
        others = layer.max_seq_len - 1
        return float(torch.log(weight / (1 - weight) * others)) / layer.head_dim

torch.manual_seed(0)
ours = [m for m in torchvision.models.maxvit_t().modules() if isinstance(m, RelativePositionalMultiHeadAttention)]
scales = {}
for layer in ours:
    channels = layer.n_heads * layer.head_dim
    scales[channels] = measured(layer, channels)
heads = {layer.head_dim for layer in ours}
theirs = {}
for module in timm.create_model("maxvit_tiny_tf_224").modules():
    if hasattr(module, "scale") and hasattr(module, "qkv"):
        theirs[module.qkv.in_features] = float(module.scale)
print(f"heads of {' '.join(map(str, heads))} channels; products are scaled by")
print("torchvision " + " ".join(f"{scales[key]:.4f}" for key in sorted(scales)))
print("timm        " + " ".join(f"{theirs[key]:.4f}" for key in sorted(theirs)))
PYTHON
)
echo "$found"
[ "$found" = "heads of 32 channels; products are scaled by
torchvision 0.1250 0.0884 0.0625 0.0442
timm        0.1768 0.1768 0.1768 0.1768" ]
