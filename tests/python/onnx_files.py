"""Small ONNX files with many forms of many operations, for the tests of crates/onnx, with what they compute.

    python tests/python/onnx_files.py crates/onnx/tests/data

Needs numpy, onnx and safetensors; with torch and onnxscript also the files that PyTorch's exporters write. Each NAME.onnx has f32 weights.
NAME.safetensors has images and labels, and in double precision logits, and the gradient of each image's cross-entropy with respect to its
pixels: of hand-made graphs by ONNX's own reference evaluator and central differences, of exported ones by PyTorch.
"""

import math
import sys
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from onnx.inliner import inline_local_functions
from onnx.reference import ReferenceEvaluator
from onnx.reference.op_run import OpRun
from safetensors.numpy import save_file

SIDE, CLASSES = 8, 3


class Builder:
    """A graph under construction, of f32 or double."""

    def __init__(self, kind, seed):
        self.kind, self.nodes, self.weights, self.random = kind, [], [], np.random.default_rng(seed)

    def add(self, op, inputs, outputs=1, **attributes):
        names = [f"v{len(self.nodes)}_{index}" for index in range(outputs)]
        domain = attributes.pop("domain", "")
        self.nodes.append(helper.make_node(op, inputs, names, domain=domain, **attributes))
        return names[0] if outputs == 1 else names

    def const(self, values):
        values = np.asarray(values)
        if values.dtype.kind == "f":
            values = values.astype(self.kind)
        name = f"w{len(self.weights)}"
        self.weights.append(numpy_helper.from_array(values, name))
        return name

    def noise(self, *shape, scale=0.5, middle=0.0):
        return self.const((middle + scale * self.random.uniform(-1, 1, shape)).astype(np.float32))

    def ints(self, *values):
        return self.const(np.array(values, np.int64))

    def head(self, x, features):
        """The mean of the pixels, and a linear layer."""
        x = self.add("Flatten", [self.add("GlobalAveragePool", [x])])
        return self.add("Gemm", [x, self.noise(features, CLASSES), self.noise(CLASSES)])

    def flat_head(self, x, features):
        """A linear layer on everything."""
        x = self.add("Reshape", [x, self.ints(-1, features)])
        if features < 200:
            return self.add("MatMul", [x, self.noise(features, CLASSES)])
        # Many weights that take no room in the file: (7919 · i mod 251) / 251 − 1/2.
        whole = lambda number: self.const(np.int64(number))
        numbers = self.add("Range", [whole(0), whole(features * CLASSES), whole(1)])
        numbers = self.add("Mod", [self.add("Mul", [numbers, whole(7919)]), whole(251)])
        kind = TensorProto.DOUBLE if self.kind == np.float64 else TensorProto.FLOAT
        weights = self.add("Div", [self.add("Cast", [numbers], to=kind), self.const(np.float32(251.0))])
        weights = self.add("Sub", [weights, self.const(np.float32(0.5))])
        return self.add("MatMul", [x, self.add("Reshape", [weights, self.ints(features, CLASSES)])])


def convolutions(g, x):
    conv = lambda x, o, i, k, **a: g.add("Conv", [x, g.noise(o, i, *k), g.noise(o)], **a)
    x = conv(x, 4, 3, (3, 3), auto_pad="SAME_UPPER", strides=[2, 1])
    x = g.add("Relu", [x])
    x = conv(x, 6, 2, (3, 2), group=2, pads=[0, 1, 2, 0], dilations=[1, 2])
    x = g.add("BatchNormalization", [x, g.noise(6, middle=1.0), g.noise(6), g.noise(6), g.noise(6, scale=0.2, middle=1.0)])
    y = conv(x, 6, 6, (1, 1))
    x = g.add("Relu", [g.add("Add", [y, x])])
    y = conv(g.add("Reshape", [x, g.ints(0, 6, -1)]), 6, 6, (5,), pads=[2, 2])
    y = g.add("Unsqueeze", [y, g.ints(3)])
    return g.head(conv(y, 5, 6, (3, 3), pads=[4, 4, 4, 4], auto_pad="NOTSET"), 5)


def pools(g, x):
    a = g.add("MaxPool", [x], kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1])
    b = g.add("MaxPool", [x], kernel_shape=[3, 2], strides=[2, 2], pads=[1, 0, 1, 1], dilations=[1, 2])
    c = g.add("AveragePool", [x], kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1])
    d = g.add("AveragePool", [x], kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1], count_include_pad=1)
    e = g.add("AveragePool", [x], kernel_shape=[3, 2], strides=[2, 2], auto_pad="SAME_UPPER")
    x = g.add("Concat", [a, b, c, d, e], axis=-3)
    y = g.add("MaxPool", [x], kernel_shape=[2, 2], strides=[3, 3], ceil_mode=1)
    parts = [g.add("GlobalMaxPool", [x]), g.add("GlobalAveragePool", [x]), g.add("GlobalAveragePool", [y])]
    return g.flat_head(g.add("Concat", parts, axis=1), 45)


def old_forms(g, x):
    x = g.add("Clip", [g.add("Mul", [x, g.noise(3, 1, 1, scale=4.0)])], min=-1.0, max=1.5)
    x = g.add("Dropout", [x], ratio=0.5)
    x = g.add("Slice", [x], starts=[0, 1], ends=[2, 9999], axes=[1, 2])
    x = g.add("Pad", [x], pads=[0, 0, 1, 2, 0, 0, 0, 1], value=0.25)
    x = g.add("Upsample", [x, g.const(np.array([1, 1, 2, 2], np.float32))], mode="nearest")
    y = g.add("ReduceMean", [x], axes=[2, 3], keepdims=0)
    y = g.add("Unsqueeze", [y], axes=[2, 3])
    x = g.add("Mul", [x, g.add("Softmax", [y], axis=1)])
    x = g.add("Squeeze", [g.add("ReduceSum", [x], axes=[3])], axes=[3])
    a, b = g.add("Split", [x], outputs=2, axis=2, split=[6, 10])
    return g.add("Add", [g.flat_head(a, 12), g.flat_head(b, 20)])


def resizes(g, x):
    resize = lambda x, scales, **a: g.add("Resize", [x, "", g.const(np.array([1, 1, *scales], np.float32))], **a)
    sized = lambda x, sizes, **a: g.add("Resize", [x, "", "", g.ints(*sizes)], axes=[2, 3], **a)
    x = g.add("Mul", [x, g.noise(3, 8, 8, middle=1.0)])
    found = [
        resize(x, [1.5, 2], mode="linear"),
        sized(x, [12, 16], mode="linear", coordinate_transformation_mode="align_corners"),
        sized(x, [12, 16], mode="cubic"),
        sized(x, [12, 16], mode="nearest", coordinate_transformation_mode="asymmetric", nearest_mode="floor"),
        sized(x, [12, 16], mode="cubic", cubic_coeff_a=-0.5, exclude_outside=1, coordinate_transformation_mode="pytorch_half_pixel"),
    ]
    small = sized(x, [5, 3], mode="linear", antialias=1)
    total = g.add("Mul", [g.add("Sum", found), g.noise(3, 12, 16)])
    return g.add("Add", [g.flat_head(total, 576), g.flat_head(small, 45)])


def activations(g, x):
    x = g.add("Conv", [x, g.noise(4, 3, 1, 1, scale=3.0), g.noise(4)])
    one = lambda op, **a: g.add(op, [x], **a)
    found = [
        one("Elu", alpha=0.7), one("Selu"), one("Celu", alpha=0.8), one("LeakyRelu", alpha=0.2), one("HardSigmoid"),
        one("HardSwish"), one("Mish"), one("Softplus"), one("Softsign"), one("ThresholdedRelu", alpha=0.4), one("Gelu"),
        one("Gelu", approximate="tanh"), one("Erf"), one("Tanh"), one("Sin"), one("Cos"), one("Sigmoid"), one("Abs"),
        g.add("PRelu", [x, g.noise(4, 1, 1)]), g.add("Exp", [g.add("Neg", [one("Relu")])]),
        g.add("Mul", [x, one("Sigmoid")]),
        g.add("Log", [g.add("Add", [g.add("Mul", [x, x]), g.const(np.float32(0.5))])]),
        g.add("Sqrt", [g.add("Add", [one("Abs"), g.const(np.float32(1.0))])]),
        g.add("Reciprocal", [g.add("Add", [one("Abs"), g.const(np.float32(1.0))])]),
    ]
    half = g.const(np.float32(0.5))
    erf = g.add("Add", [g.add("Erf", [g.add("Div", [x, g.const(np.float32(2**0.5))])]), g.const(np.float32(1.0))])
    found.append(g.add("Mul", [g.add("Mul", [x, erf]), half]))
    found.append(g.add("Mul", [g.add("Mul", [x, half]), erf]))
    return g.flat_head(g.add("Concat", found, axis=1), 4 * 64 * len(found))


def norms(g, x):
    x = g.add("Conv", [x, g.noise(4, 3, 1, 1), g.noise(4)])
    a = g.add("InstanceNormalization", [x, g.noise(4, middle=1.0), g.noise(4)], epsilon=1e-3)
    b = g.add("GroupNormalization", [x, g.noise(4, middle=1.0), g.noise(4)], num_groups=2, epsilon=1e-3)
    last = g.add("Transpose", [x], perm=[0, 2, 3, 1])
    last = g.add("LayerNormalization", [last, g.noise(4, middle=1.0), g.noise(4)], axis=-1, epsilon=1e-3)
    c = g.add("Transpose", [last], perm=[0, 3, 1, 2])
    d = g.add("LayerNormalization", [x, g.noise(4, 8, 8, middle=1.0)], axis=1, epsilon=1e-3)
    e = g.add("LpNormalization", [x], axis=1, p=2)
    mean = g.add("ReduceMean", [x, g.ints(-3)])
    centred = g.add("Sub", [x, mean])
    square = g.add("ReduceMean", [g.add("Pow", [centred, g.const(np.float32(2.0))]), g.ints(1)])
    f = g.add("Div", [centred, g.add("Sqrt", [g.add("Add", [square, g.const(np.float32(1e-3))])])])
    return g.flat_head(g.add("Concat", [a, b, c, d, e, f], axis=1), 24 * 64)


def attention(g, x):
    x = g.add("Conv", [x, g.noise(6, 3, 2, 2), g.noise(6)], strides=[2, 2])
    x = g.add("Transpose", [g.add("Reshape", [x, g.ints(0, 6, -1)])], perm=[0, 2, 1])
    batch = g.add("Gather", [g.add("Shape", [x]), g.const(np.int64(0))])
    shape = g.add("Concat", [g.add("Unsqueeze", [batch, g.ints(0)]), g.ints(1, 6)], axis=0)
    token = g.add("Expand", [g.noise(1, 1, 6), shape])
    x = g.add("Add", [g.add("Concat", [token, x], axis=1), g.noise(1, 17, 6)])
    qkv = g.add("Add", [g.add("MatMul", [x, g.noise(6, 18)]), g.noise(18)])
    q, k, v = g.add("Split", [qkv], outputs=3, axis=-1, num_outputs=3)
    heads = lambda t: g.add("Transpose", [g.add("Reshape", [t, g.ints(0, 0, 2, 3)])], perm=[0, 2, 1, 3])
    q, k, v = heads(q), heads(k), heads(v)
    scores = g.add("Einsum", [q, k], equation="bhid, bhjd -> bhij")
    weights = g.add("Softmax", [g.add("Add", [g.add("Mul", [scores, g.const(np.float32(0.6))]), g.noise(2, 17, 17)])], axis=-1)
    y = g.add("Transpose", [g.add("MatMul", [weights, v])], perm=[0, 2, 1, 3])
    y = g.add("MatMul", [g.add("Reshape", [y, g.ints(0, 17, 6)]), g.noise(6, 6)])
    x = g.add("Add", [x, y])
    first = g.add("Gather", [x, g.const(np.int64(0))], axis=1)
    return g.add("Gemm", [first, g.noise(CLASSES, 6), g.noise(CLASSES)], transB=1, alpha=0.5, beta=2.0)


def new_attention(g, x):
    x = g.add("Conv", [x, g.noise(8, 3, 2, 2), g.noise(8)], strides=[2, 2])
    x = g.add("Transpose", [g.add("Reshape", [x, g.ints(0, 8, -1)])], perm=[0, 2, 1])
    part = lambda n: g.add("MatMul", [x, g.noise(8, n)])
    y = g.add("Attention", [part(8), part(4), part(4), g.noise(16, 16)], q_num_heads=4, kv_num_heads=2, scale=0.7)
    return g.flat_head(y, 128)


def places(g, x):
    x = g.add("Conv", [x, g.noise(8, 3, 1, 1), g.noise(8)])
    a = g.add("DepthToSpace", [x], blocksize=2)
    b = g.add("DepthToSpace", [x], blocksize=2, mode="CRD")
    c = g.add("SpaceToDepth", [x], blocksize=2)
    d = g.add("Slice", [x, g.ints(-1, 0), g.ints(-999, 7), g.ints(3, 2), g.ints(-2, 3)])
    e = g.add("Gather", [x, g.const(np.array([[0, 5], [-1, 5]], np.int64))], axis=1)
    f = g.add("Pad", [x, g.ints(0, 0, 1, 2, 0, 0, 3, 0)], mode="reflect")
    h = g.add("Pad", [x, g.ints(1, 2), g.const(np.float32(0.5)), g.ints(3)], mode="constant")
    i = g.add("Where", [g.const(g.random.uniform(0, 1, (8, 8)) > 0.5), x, g.const(np.float32(-0.25))])
    mask = g.add("ScatterND", [g.noise(8, 8), g.const(np.array([[1], [-2]], np.int64)), g.noise(2, 8)])
    j = g.add("Mul", [x, mask])
    k = g.add("Trilu", [g.add("Tile", [x, g.ints(1, 1, 2, 1)])], upper=0)
    l = g.add("Pad", [x, g.ints(0, 0, 1, 1, 0, 0, 1, 1)], mode="edge")
    sizes = [512, 512, 512, 8 * 3 * 4, 4 * 64, 8 * 12 * 10, 8 * 8 * 11, 512, 512, 1024, 800]
    heads = [g.flat_head(part, size) for part, size in zip([a, b, c, d, e, f, h, i, j, k, l], sizes)]
    return g.add("Sum", heads)


def shapes(g, x):
    shape = g.add("Shape", [x])
    h = g.add("Gather", [shape, g.ints(2)])
    n = g.add("Slice", [shape, g.ints(0), g.ints(1)])
    half = g.add("Div", [h, g.ints(2)])
    left = g.add("Mod", [g.add("Add", [h, g.ints(1)]), g.ints(4)])  # 1
    full = g.add("Concat", [n, g.ints(-1), half, left, g.ints(2)], axis=0)
    x = g.add("Reshape", [x, full])  # (N, 24, 4, 1, 2)
    x = g.add("Squeeze", [x, g.ints(3)])
    ramp = g.add("Range", [g.const(np.int64(0)), g.const(np.int64(24)), g.const(np.int64(1))])
    ramp = g.add("Cast", [ramp], to=TensorProto.DOUBLE if g.kind == np.float64 else TensorProto.FLOAT)
    ramp = g.add("Reshape", [g.add("Mul", [ramp, g.const(np.float32(0.1))]), g.ints(24, 1, 1)], allowzero=1)
    ones = g.add("ConstantOfShape", [g.ints(4, 2)], value=helper.make_tensor("v", TensorProto.DOUBLE if g.kind == np.float64 else TensorProto.FLOAT, [1], [0.3]))
    x = g.add("Add", [g.add("Mul", [x, ramp]), ones])
    count = g.add("ReduceProd", [g.add("Shape", [x], start=1)], keepdims=1)
    return g.add("MatMul", [g.add("Reshape", [x, g.add("Concat", [g.ints(-1), count], axis=0)]), g.noise(192, CLASSES)])


def comparisons(g, x):
    x = g.add("Sub", [g.add("Mul", [x, g.noise(3, 8, 8, scale=3.0)]), g.const(np.float32(0.1))])
    y = g.add("Conv", [x, g.noise(3, 3, 1, 1)])
    a = g.add("Where", [g.add("Greater", [x, y]), x, g.add("Mul", [y, y])])
    b = g.add("Max", [x, y, g.const(np.float32(0.2))])
    c = g.add("Min", [x, y])
    d = g.add("Mean", [x, y, a])
    e = g.add("Pow", [g.add("Add", [g.add("Abs", [x]), g.const(np.float32(0.5))]), g.const(np.float32(1.7))])
    f = g.add("Div", [g.const(np.float32(1.0)), g.add("Add", [g.add("Abs", [y]), g.const(np.float32(0.5))])])
    h = g.add("Where", [g.add("Not", [g.add("Less", [x, g.const(np.float32(0.3))])]), x, g.const(np.float32(0.3))])
    return g.flat_head(g.add("Concat", [a, b, c, d, e, f, h], axis=1), 21 * 64)


def reductions(g, x):
    x = g.add("Conv", [x, g.noise(5, 3, 1, 1), g.noise(5)])
    axes = lambda *a: g.ints(*a)
    found = [
        g.add("ReduceSum", [x, axes(1)], keepdims=1), g.add("ReduceL1", [x, axes(-3)]), g.add("ReduceL2", [x, axes(1)]),
        g.add("ReduceMax", [x, axes(1)]), g.add("ReduceMin", [x, axes(1)]), g.add("ReduceLogSumExp", [x, axes(1)]),
        g.add("ReduceSumSquare", [x, axes(1)]), g.add("LogSoftmax", [x], axis=1), g.add("Softmax", [x], axis=2),
    ]
    parts = [g.flat_head(g.add("Concat", found, axis=1), 17 * 64)]
    parts.append(g.flat_head(g.add("ReduceMean", [x, axes(3, 1)], keepdims=0), 8))
    parts.append(g.flat_head(g.add("ReduceMax", [x, axes(2)], keepdims=0), 40))
    return g.add("Sum", parts)


def channels_last(g, x):
    """As TensorFlow has images: (N, H, W, 3), bytes brought to -1 … 1, and softmax at the end."""
    x = g.add("Transpose", [x], perm=[0, 3, 1, 2])
    x = g.add("Sub", [g.add("Div", [x, g.const(np.float32(127.5))]), g.const(np.float32(1.0))])
    x = g.add("Relu", [g.add("Conv", [x, g.noise(4, 3, 3, 3), g.noise(4)], auto_pad="SAME_UPPER", strides=[2, 2])])
    x = g.add("Transpose", [x], perm=[0, 2, 3, 1])
    x = g.add("Squeeze", [g.add("ReduceMean", [x], axes=[1, 2]), g.ints(1, 2)])
    return g.add("Softmax", [g.add("Add", [g.add("MatMul", [x, g.noise(4, CLASSES)]), g.noise(CLASSES)])])


def other_order(g, x):
    """Pixels that are clipped and put in the order blue, green, red, then normalised."""
    x = g.add("Clip", [x, g.const(np.float32(0)), g.const(np.float32(1))])
    x = g.add("Slice", [x, g.ints(-1), g.ints(-(2**63)), g.ints(1), g.ints(-1)])
    x = g.add("Sub", [x, g.const(np.array([0.25, 0.5, 0.75], np.float32).reshape(1, 3, 1, 1))])
    x = g.add("Div", [x, g.const(np.array([0.125, 0.25, 0.5], np.float32).reshape(1, 3, 1, 1))])
    return g.head(g.add("Relu", [g.add("Conv", [x, g.noise(4, 3, 3, 3), g.noise(4)])]), 4)


def responses(g, x):
    """Channels held down by their neighbours', in windows of odd and of even size."""
    x = g.add("Conv", [x, g.noise(5, 3, 3, 3), g.noise(5)])
    x = g.add("LRN", [x], size=3, alpha=0.5, beta=0.75, bias=1.5)
    return g.head(g.add("LRN", [g.add("Relu", [x])], size=4, alpha=2.0, beta=0.5), 5)


def fixed_batch(g, x):
    """Exported for batches of four, with the number in its reshapes."""
    x = g.add("Relu", [g.add("Conv", [x, g.noise(4, 3, 3, 3), g.noise(4)], pads=[1, 1, 1, 1])])
    x = g.add("Reshape", [x, g.ints(4, 4, 64)])
    x = g.add("Reshape", [g.add("Transpose", [x], perm=[0, 2, 1]), g.ints(4, 256)])
    return g.add("MatMul", [x, g.noise(256, CLASSES)])


def functions(g, x):
    """An operation of the file's own, with an attribute of its call."""
    x = g.add("Conv", [x, g.noise(4, 3, 1, 1), g.noise(4)])
    x = g.add("Squash", [x, g.noise(4, 1, 1)], domain="own", slope=0.3)
    return g.head(g.add("Squash", [x, g.noise(4, 1, 1)], domain="own", slope=0.1), 4)


def branches(g, x):
    """`If` whose condition is known, and which sees values outside."""
    out = lambda name: helper.make_tensor_value_info(name, TensorProto.FLOAT if g.kind == np.float32 else TensorProto.DOUBLE, None)
    factor = g.noise(3, 1, 1)
    is_large = g.add("Greater", [g.add("ReduceMax", [g.add("Shape", [x])], keepdims=0), g.const(np.int64(4))])
    yes = helper.make_graph([helper.make_node("Mul", [x, factor], ["y1"])], "yes", [], [out("y1")])
    no = helper.make_graph([helper.make_node("Exp", [x], ["y2"])], "no", [], [out("y2")])
    x = g.add("If", [is_large], then_branch=yes, else_branch=no)
    return g.head(g.add("Relu", [x]), 3)


#: Builder, opset, batch (0: any), range of the pixels, whether channels come last.
GRAPHS = {
    "convolutions": (convolutions, 18, 0), "pools": (pools, 19, 0), "old_forms": (old_forms, 9, 0), "resizes": (resizes, 19, 0),
    "activations": (activations, 20, 0), "norms": (norms, 21, 0), "attention": (attention, 18, 0), "new_attention": (new_attention, 23, 0),
    "places": (places, 19, 0), "shapes": (shapes, 18, 0), "comparisons": (comparisons, 18, 0), "reductions": (reductions, 18, 0),
    "channels_last": (channels_last, 13, 0), "fixed_batch": (fixed_batch, 18, 4), "functions": (functions, 18, 0),
    "branches": (branches, 18, 0), "other_order": (other_order, 18, 0), "responses": (responses, 18, 0),
}


def model(name, kind):
    make, opset, batch = GRAPHS[name]
    g = Builder(kind, seed=sum(map(ord, name)))
    element = TensorProto.FLOAT if kind == np.float32 else TensorProto.DOUBLE
    sides = [SIDE, SIDE, 3] if name == "channels_last" else [3, SIDE, SIDE]
    pixels = helper.make_tensor_value_info("pixels", element, [batch or "N", *sides])
    logits = make(g, "pixels")
    output = helper.make_tensor_value_info(logits, element, [batch or "N", CLASSES])
    graph = helper.make_graph(g.nodes, name, [pixels], [output], g.weights)
    opsets = [helper.make_opsetid("", opset)]
    own = []
    if name == "functions":
        opsets.append(helper.make_opsetid("own", 1))
        nodes = [
            helper.make_node("Mul", ["x", "factor"], ["scaled"]),
            helper.make_node("LeakyRelu", ["scaled"], ["y"]),
        ]
        nodes[1].attribute.append(onnx.AttributeProto(name="alpha", type=onnx.AttributeProto.FLOAT, ref_attr_name="slope"))
        own.append(helper.make_function("own", "Squash", ["x", "factor"], ["y"], nodes, [helper.make_opsetid("", opset)], ["slope"]))
    made = helper.make_model(graph, opset_imports=opsets, functions=own, producer_name="freqbias", ir_version=10 if opset > 9 else 8)
    return made


def losses(logits, labels, is_probability):
    if is_probability:
        logits = np.log(logits)
    top = logits.max(axis=1, keepdims=True)
    return np.log(np.exp(logits - top).sum(axis=1)) + top[:, 0] - logits[np.arange(len(labels)), labels]


class Erf(OpRun):
    """In double precision, which the evaluator's own is not."""

    op_domain = ""

    def _run(self, x):
        return (np.vectorize(math.erf)(x),)


class Gelu(OpRun):
    """The same."""

    op_domain = ""

    def _run(self, x, approximate=None):
        if approximate == "tanh":
            return (0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3))),)
        return (0.5 * x * (1 + np.vectorize(math.erf)(x / np.sqrt(2))),)


class GroupNormalization(OpRun):
    """The same."""

    op_domain = ""

    def _run(self, x, scale, bias, epsilon=None, num_groups=None, stash_type=None):
        groups = x.reshape(x.shape[0], num_groups, -1)
        groups = (groups - groups.mean(2, keepdims=True)) / np.sqrt(groups.var(2, keepdims=True) + epsilon)
        return (groups.reshape(x.shape) * scale[:, None, None] + bias[:, None, None],)


class LRN(OpRun):
    """Of all channels: the evaluator's own counts images."""

    op_domain = ""

    def _run(self, x, alpha=None, beta=None, bias=None, size=None):
        before, behind = (size - 1) // 2, size // 2
        sums = np.stack([(x[:, max(0, c - before) : c + behind + 1] ** 2).sum(axis=1) for c in range(x.shape[1])], axis=1)
        return (x / (bias + alpha / size * sums) ** beta,)


def hand_made(name, folder):
    onnx.save(model(name, np.float32), folder / f"{name}.onnx")
    # The evaluator does not hand attributes of functions on to every operation.
    evaluator = ReferenceEvaluator(inline_local_functions(model(name, np.float64)), new_ops=[Erf, Gelu, GroupNormalization, LRN])
    batch = GRAPHS[name][2] or 2
    random = np.random.default_rng(7)
    images = random.uniform(0, 1, (batch, 3, SIDE, SIDE)).astype(np.float32)
    labels = np.arange(batch) % CLASSES
    is_last = name == "channels_last"

    def run(pixels):
        pixels = pixels.astype(np.float64)
        if is_last:
            pixels = 255 * pixels.transpose(0, 2, 3, 1)
        return evaluator.run(None, {"pixels": pixels})[0]

    logits = run(images)
    wide, step = images.astype(np.float64), 1e-5
    gradient = np.zeros_like(wide)
    for place in np.ndindex(3, SIDE, SIDE):
        moved = [wide.copy(), wide.copy()]
        moved[0][(slice(None), *place)] += step
        moved[1][(slice(None), *place)] -= step
        above, below = (losses(run(pixels), labels, is_last) for pixels in moved)
        gradient[(slice(None), *place)] = (above - below) / (2 * step)
    # The loss is the mean over images; each has its own share.
    save(folder / f"{name}.safetensors", images, labels, np.log(logits) if is_last else logits, gradient / batch)


def save(path, images, labels, logits, gradient):
    images, labels = np.ascontiguousarray(images), labels.astype(np.uint32)
    save_file({"images": images, "labels": labels, "logits": logits.astype(np.float64), "gradient": gradient.astype(np.float64)}, path)


def exported(folder):
    """A convolutional network and a transformer, as both of PyTorch's exporters write them."""
    import torch
    from torch import nn

    class Gate(nn.Module):
        def __init__(self):
            super().__init__()
            self.squeeze, self.excite = nn.Conv2d(8, 2, 1), nn.Conv2d(2, 8, 1)

        def forward(self, x):
            return x * torch.sigmoid(self.excite(nn.functional.silu(self.squeeze(x.mean((2, 3), keepdim=True)))))

    class Residual(nn.Module):
        def __init__(self):
            super().__init__()
            self.layers = nn.Sequential(nn.Conv2d(8, 8, 3, padding=1, groups=2, bias=False), nn.BatchNorm2d(8), nn.ReLU(), nn.Conv2d(8, 8, 3, padding=1), Gate())

        def forward(self, x):
            return nn.functional.relu(x + self.layers(x))

    def convolutional(classes=CLASSES):
        return nn.Sequential(
            nn.Conv2d(3, 8, 3, padding=1, bias=False), nn.BatchNorm2d(8), nn.Hardswish(), nn.MaxPool2d(3, 2, 1), Residual(),
            nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(0.2), nn.Linear(8, classes),
        )

    class Transformer(nn.Module):
        def __init__(self):
            super().__init__()
            self.patches, self.token = nn.Conv2d(3, 12, 2, stride=2), nn.Parameter(torch.randn(1, 1, 12))
            self.positions = nn.Parameter(torch.randn(1, 17, 12))
            layer = nn.TransformerEncoderLayer(12, 3, 24, activation="gelu", batch_first=True, norm_first=True)
            self.layers = nn.TransformerEncoder(layer, 1, enable_nested_tensor=False)
            self.norm, self.head = nn.LayerNorm(12), nn.Linear(12, CLASSES)

        def forward(self, x):
            x = self.patches(x).flatten(2).transpose(1, 2)
            x = torch.cat([self.token.expand(x.shape[0], -1, -1), x], 1) + self.positions
            return self.head(self.norm(self.layers(x))[:, 0])

    images, labels = torch.rand(2, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(7)), torch.tensor([0, 2])
    for name, make in (("torch_convolutional", convolutional), ("torch_transformer", Transformer)):
        torch.manual_seed(5)
        network = make()
        network.train()(torch.rand(8, 3, SIDE, SIDE))
        network.eval()
        path = folder / f"{name}.onnx"
        shapes = ({0: torch.export.Dim("batch")},)
        torch.onnx.export(network, (images,), path, dynamo=True, dynamic_shapes=shapes, external_data=False, verbose=False)
        torch.onnx.export(network, (images,), folder / f"{name}_script.onnx", dynamo=False, input_names=["x"], dynamic_axes={"x": {0: "n"}})
        strip(path)
        strip(folder / f"{name}_script.onnx")
        network.double()
        pixels = images.double().requires_grad_()
        logits = network(pixels)
        nn.functional.cross_entropy(logits, labels).backward()
        for file in (name, f"{name}_script"):
            save(folder / f"{file}.safetensors", images.numpy(), labels.numpy(), logits.detach().numpy(), pixels.grad.numpy())


    # For the synthetic data set of the programs.
    torch.manual_seed(6)
    network = convolutional(10)
    network.train()(torch.rand(8, 3, 32, 32))
    path = folder / "torch_synthetic.onnx"
    shapes = ({0: torch.export.Dim("batch")},)
    torch.onnx.export(network.eval(), (torch.rand(2, 3, 32, 32),), path, dynamo=True, dynamic_shapes=shapes, external_data=False, verbose=False)
    strip(path)


def strip(path):
    """Without what exporters say of where in the Python a node is from, and with short names."""
    made = onnx.load(path)
    del made.graph.value_info[:]
    del made.metadata_props[:]
    for node in made.graph.node:
        del node.metadata_props[:]
        node.doc_string = ""
    # Short names: those of the exporters are most of a small file.
    names = {}
    short = lambda name: names.setdefault(name, f"v{len(names)}") if name else ""
    for value in [*made.graph.input, *made.graph.output, *made.graph.initializer]:
        value.name = short(value.name)
    for index, node in enumerate(made.graph.node):
        assert not any(attribute.HasField("g") for attribute in node.attribute)
        node.name = f"n{index}"
        node.input[:] = [short(name) for name in node.input]
        node.output[:] = [short(name) for name in node.output]
    onnx.save(made, path)


def main():
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for name in sys.argv[2:] or GRAPHS:
        hand_made(name, folder)
        print(name, (folder / f"{name}.onnx").stat().st_size)
    if not sys.argv[2:]:
        try:
            import torch  # noqa: F401
        except ImportError:
            print("without PyTorch: the exported files stay as they are")
            return
        exported(folder)


main()
