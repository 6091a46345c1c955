#!/usr/bin/env bash
# Guess: ONNX's own reference evaluator computes LRN of each image alone, by the specification; it is what graphs are compared with.
# Happens: it normalises as many channels as there are images, and leaves the others as they are: one image of three channels has its first
#   normalised; the same image three times has all three.
# Version: onnx 1.23.2; numpy 2.4.6.
# Source: https://onnx.ai/onnx/operators/onnx__LRN.html, https://onnx.ai/onnx/api/reference.html.
# Output seen: specification [0.5774, 0.5, 0.5774], one image [0.5774, 1.0, 1.0], three images [0.5774, 0.5, 0.5774].
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check onnx==1.23.2 numpy==2.4.6
found=$(venv/bin/python -W ignore - <<'PY'
import numpy as np
from onnx import TensorProto, helper
from onnx.reference import ReferenceEvaluator


def by_evaluator(images):
    x = np.ones((images, 3, 1, 1), np.float32)
    node = helper.make_node("LRN", ["x"], ["y"], size=3, alpha=3.0, beta=0.5, bias=1.0)
    info = [helper.make_tensor_value_info(name, TensorProto.FLOAT, x.shape) for name in "xy"]
    graph = helper.make_graph([node], "lrn", info[:1], info[1:])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    return ReferenceEvaluator(model).run(None, {"x": x})[0][0].ravel()


# Of ones: the sum of squares is the number of channels in the window of three.
by_hand = [1 / np.sqrt(1 + 3.0 / 3 * count) for count in (2, 3, 2)]
rounded = lambda values: [round(float(value), 4) for value in values]
print(f"specification {rounded(by_hand)}, one image {rounded(by_evaluator(1))}, three images {rounded(by_evaluator(3))}")
PY
)
echo "$found"
[ "$found" = "specification [0.5774, 0.5, 0.5774], one image [0.5774, 1.0, 1.0], three images [0.5774, 0.5, 0.5774]" ]
