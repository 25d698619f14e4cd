#!/usr/bin/env python3
"""Writes fixtures/cases.safetensors: small ONNX models of each operator with inputs and ONNX Runtime's outputs.

Keys: CASE/model (uint8, the file's bytes), CASE/in/NAME, CASE/out/NAME. Made with onnx 1.23 and onnxruntime 1.32, seed 0.
"""
import pathlib

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from safetensors.numpy import save_file

rng = np.random.default_rng(0)
tensors = {}
TYPES = {np.dtype(np.float32): TensorProto.FLOAT, np.dtype(np.float64): TensorProto.DOUBLE, np.dtype(np.int64): TensorProto.INT64,
         np.dtype(np.int32): TensorProto.INT32, np.dtype(np.uint8): TensorProto.UINT8, np.dtype(np.int8): TensorProto.INT8,
         np.dtype(np.bool_): TensorProto.BOOL}


def f(*shape):
    return rng.normal(size=shape).astype(np.float32)


def i64(*numbers):
    return np.array(numbers, np.int64)


def case(name, nodes, inputs, constants=None, outputs=("y",)):
    """nodes: helper.make_node's; inputs and constants: arrays by name."""
    inputs = {k: np.asarray(v) for k, v in inputs.items()}
    graph = helper.make_graph(
        nodes, name, [helper.make_tensor_value_info(k, TYPES[v.dtype], [None] * v.ndim) for k, v in inputs.items()],
        [onnx.ValueInfoProto(name=o) for o in outputs], [numpy_helper.from_array(np.asarray(v), k) for k, v in (constants or {}).items()])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=9)
    model = onnx.shape_inference.infer_shapes(model)
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    got = session.run(list(outputs), inputs)
    for value, array in zip(model.graph.output, got):
        value.CopyFrom(helper.make_tensor_value_info(value.name, TYPES[array.dtype], [None] * array.ndim))
    tensors[f"{name}/model"] = np.frombuffer(model.SerializeToString(), np.uint8)
    for key, array in inputs.items():
        tensors[f"{name}/in/{key}"] = np.array(array, order="C")
    for key, array in zip(outputs, got):
        tensors[f"{name}/out/{key}"] = np.array(array, order="C")


def node(op, inputs, outputs=("y",), **attributes):
    return helper.make_node(op, list(inputs), list(outputs), **attributes)


def unary(op, x=None, name=None, **attributes):
    case(name or op.lower(), [node(op, ["x"], **attributes)], {"x": f(3, 21) * 3 if x is None else x})


for op in ("Abs", "Ceil", "Cos", "Elu", "Erf", "Exp", "Floor", "HardSigmoid", "HardSwish", "Identity", "LeakyRelu", "Mish", "Neg",
           "Relu", "Round", "Sigmoid", "Sin", "Softplus", "Tanh", "Reciprocal"):
    unary(op)
for op in ("Log", "Sqrt"):
    unary(op, np.abs(f(3, 21)) + 0.1)
unary("Not", rng.integers(0, 2, (3, 5)).astype(bool))
unary("Gelu", name="gelu_erf", approximate="none")
unary("Gelu", name="gelu_tanh", approximate="tanh")
unary("Cast", name="cast_int", to=TensorProto.INT64)
unary("Cast", rng.integers(0, 256, (3, 4)).astype(np.uint8), name="cast_bytes", to=TensorProto.FLOAT)
unary("Cast", name="cast_bool", to=TensorProto.BOOL)
case("clip", [node("Clip", ["x", "low", "high"])], {"x": f(4, 9) * 3}, {"low": np.float32(-1), "high": np.float32(2)})
case("clip_low", [node("Clip", ["x", "low"])], {"x": f(4, 9)}, {"low": np.float32(0.1)})
case("silu", [node("Sigmoid", ["x"], ["s"]), node("Mul", ["x", "s"])], {"x": f(5, 7)})
for op in ("Add", "Sub", "Mul", "Div", "Max", "Min"):
    case(op.lower() + "_rows", [node(op, ["a", "b"])], {"a": f(2, 3, 5, 7), "b": f(7) + 3})
    case(op.lower() + "_channels", [node(op, ["a", "b"])], {"a": f(3, 1, 1), "b": f(2, 3, 5, 7) + 3})
case("add_integers", [node("Add", ["a", "b"])], {"a": i64(1, 2, 3), "b": i64(-7)})
case("div_integers", [node("Div", ["a", "b"])], {"a": i64(-7, 7, 9), "b": i64(2)})
case("div_doubles", [node("Div", ["a", "b"])], {"a": rng.normal(size=4), "b": rng.normal(size=4)})
case("max_of_three", [node("Max", ["a", "b", "c"])], {"a": f(3, 4), "b": f(4), "c": f(3, 1)})
case("pow", [node("Pow", ["a", "b"])], {"a": np.abs(f(3, 4)), "b": f(4)})
for op in ("Greater", "GreaterOrEqual", "Less", "LessOrEqual", "Equal"):
    case(op.lower(), [node(op, ["a", "b"])], {"a": rng.integers(0, 3, (4, 5)), "b": rng.integers(0, 3, (5,))})
for op in ("And", "Or"):
    case(op.lower(), [node(op, ["a", "b"])], {k: rng.integers(0, 2, (4, 5)).astype(bool) for k in "ab"})
case("where", [node("Where", ["c", "a", "b"])], {"c": rng.integers(0, 2, (4, 1)).astype(bool), "a": f(4, 5), "b": f(5)})

for axis in (-1, 1):
    unary("Softmax", f(2, 5, 19), name=f"softmax_{axis + 2}", axis=axis)
    unary("LogSoftmax", f(2, 5, 19), name=f"log_softmax_{axis + 2}", axis=axis)
hidden = f(3, 4, 10)
hidden[0, :, 5:] = -np.inf
unary("Softmax", hidden, name="softmax_hidden", axis=-1)
case("layer_norm", [node("LayerNormalization", ["x", "g", "b"], axis=-1, epsilon=1e-6)], {"x": f(4, 3, 37) * 3 + 1}, {"g": f(37), "b": f(37)})
case("batch_norm", [node("BatchNormalization", ["x", "g", "b", "m", "v"])], {"x": f(2, 3, 4, 5)},
     {"g": f(3), "b": f(3), "m": f(3), "v": np.abs(f(3)) + 0.5})
case("instance_norm", [node("InstanceNormalization", ["x", "g", "b"])], {"x": f(2, 3, 19)}, {"g": f(3), "b": f(3)})

for name, shape, weight, attributes in (
        ("conv3x3", (2, 5, 11, 13), (7, 5, 3, 3), dict(pads=[1, 1, 1, 1])),
        ("conv3x3_stride", (1, 5, 11, 13), (19, 5, 3, 3), dict(pads=[0, 1, 1, 0], strides=[2, 2])),
        ("conv1x1", (1, 40, 5, 7), (33, 40, 1, 1), {}),
        ("conv1x1_stride", (1, 12, 8, 8), (5, 12, 1, 1), dict(strides=[2, 2])),
        ("conv_dilated", (1, 3, 17, 17), (4, 3, 3, 3), dict(dilations=[2, 3], pads=[2, 2, 2, 2])),
        ("conv_groups", (1, 8, 9, 9), (12, 2, 3, 3), dict(group=4, pads=[1, 1, 1, 1])),
        ("conv_deep", (1, 64, 6, 6), (10, 64, 3, 3), dict(pads=[1, 1, 1, 1])),
        ("conv_depthwise", (2, 6, 14, 14), (6, 1, 3, 3), dict(group=6, pads=[1, 1, 1, 1])),
        ("conv_depthwise_stride", (1, 6, 15, 17), (6, 1, 5, 5), dict(group=6, pads=[2, 2, 2, 2], strides=[2, 2])),
        ("conv_depthwise_strides", (1, 4, 15, 17), (4, 1, 3, 3), dict(group=4, pads=[1, 0, 1, 2], strides=[3, 1])),
        ("conv_depthwise_dilated", (1, 4, 15, 17), (4, 1, 3, 3), dict(group=4, pads=[2, 2, 2, 2], dilations=[2, 2], strides=[2, 2])),
        ("conv_multiplied", (1, 4, 9, 9), (8, 1, 7, 7), dict(group=4, pads=[3, 3, 3, 3])),
        ("conv1d", (2, 6, 31), (8, 6, 5), dict(pads=[2, 2], strides=[2])),
        ("conv1d_depthwise", (2, 6, 31), (6, 1, 5), dict(pads=[4, 0], group=6))):
    case(name, [node("Conv", ["x", "w", "b"], **attributes)], {"x": f(*shape)}, {"w": f(*weight), "b": f(weight[0])})
case("conv_relu_residual", [node("Conv", ["x", "w", "b"], ["c"], pads=[1, 1, 1, 1]), node("Add", ["c", "r"], ["s"]), node("Relu", ["s"])],
     {"x": f(1, 4, 7, 7), "r": f(1, 6, 7, 7)}, {"w": f(6, 4, 3, 3), "b": f(6)})
case("conv_broadcast_residual", [node("Conv", ["x", "w"], ["c"]), node("Add", ["r", "c"], ["s"]), node("HardSwish", ["s"])],
     {"x": f(1, 4, 7, 7), "r": f(1, 6, 1, 1)}, {"w": f(6, 4, 1, 1)})
case("conv_silu", [node("Conv", ["x", "w", "b"], ["c"]), node("Sigmoid", ["c"], ["s"]), node("Mul", ["c", "s"])], {"x": f(1, 4, 5, 5)},
     {"w": f(6, 4, 1, 1), "b": f(6)})
case("conv_transpose", [node("ConvTranspose", ["x", "w", "b"], strides=[2, 2], pads=[1, 1, 1, 1], output_padding=[1, 1])],
     {"x": f(2, 4, 5, 6)}, {"w": f(4, 3, 3, 3), "b": f(3)})
case("matmul", [node("MatMul", ["a", "b"])], {"a": f(2, 3, 17, 20), "b": f(2, 3, 20, 33)})
case("matmul_broadcast", [node("MatMul", ["a", "b"])], {"a": f(3, 4, 5), "b": f(5, 6)})
case("linear", [node("MatMul", ["x", "w"], ["p"]), node("Add", ["b", "p"], ["s"]), node("Gelu", ["s"])], {"x": f(2, 13, 300)}, {"w": f(300, 35), "b": f(35)})
case("linear_residual", [node("MatMul", ["x", "w"], ["p"]), node("Add", ["p", "b"], ["s"]), node("Add", ["x", "s"])], {"x": f(1, 9, 24)}, {"w": f(24, 24), "b": f(24)})
case("gemm", [node("Gemm", ["x", "w", "b"], transB=1)], {"x": f(5, 30)}, {"w": f(17, 30), "b": f(17)})
case("gemm_one_row", [node("Gemm", ["x", "w", "b"], transB=1)], {"x": f(1, 512)}, {"w": f(10, 512), "b": f(10)})
case("gemm_factors", [node("Gemm", ["x", "w", "b"], transA=1, alpha=0.5, beta=2.0)], {"x": f(30, 5)}, {"w": f(30, 17), "b": f(5, 1)})

for name, shape, attributes in (("pool", (2, 3, 9, 9), dict(kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1])),
                                ("pool_end", (1, 2, 8, 8), dict(kernel_shape=[3, 3], strides=[2, 2], pads=[0, 0, 1, 1])),
                                ("pool1d", (1, 2, 12), dict(kernel_shape=[4], strides=[4]))):
    unary("MaxPool", f(*shape), name="max_" + name, **attributes)
    unary("AveragePool", f(*shape), name="average_" + name, **attributes)
unary("AveragePool", f(1, 2, 8, 8), name="average_pool_counting", kernel_shape=[3, 3], pads=[1, 1, 1, 1], count_include_pad=1)
unary("GlobalAveragePool", f(2, 3, 7, 7))
unary("GlobalMaxPool", f(2, 3, 7, 7))
for op in ("ReduceMean", "ReduceSum", "ReduceMax", "ReduceMin", "ReduceL1", "ReduceL2"):
    case(op.lower() + "_middle", [node(op, ["x", "axes"], keepdims=0)], {"x": f(2, 7, 5)}, {"axes": i64(1)})
    case(op.lower() + "_last", [node(op, ["x", "axes"], keepdims=1)], {"x": f(2, 3, 7, 5)}, {"axes": i64(-1, 1)})
case("reduce_integers", [node("ReduceMin", ["x"], keepdims=1)], {"x": i64(300, 200)})
unary("ArgMax", f(3, 8, 4), axis=1, keepdims=0)
case("cumsum", [node("CumSum", ["x", "axis"])], {"x": rng.integers(0, 5, (3, 7))}, {"axis": np.int64(1)})

case("reshape", [node("Reshape", ["x", "s"])], {"x": f(2, 12)}, {"s": i64(0, -1, 4)})
case("flatten", [node("Flatten", ["x"])], {"x": f(2, 3, 4)})
case("squeeze", [node("Squeeze", ["x", "a"])], {"x": f(2, 1, 4, 1)}, {"a": i64(-1)})
case("unsqueeze", [node("Unsqueeze", ["x", "a"])], {"x": f(2, 4)}, {"a": i64(0, -1)})
unary("Shape", f(2, 3, 4), start=1)
case("range", [node("Range", ["a", "b", "c"])], {"a": np.int64(7), "b": np.int64(-3), "c": np.int64(-2)})
unary("Transpose", f(2, 3, 4, 5), perm=[0, 2, 1, 3])
unary("Transpose", f(2, 33, 40), name="transpose_last", perm=[0, 2, 1])
case("slice", [node("Slice", ["x", "b", "e", "a", "s"])], {"x": f(5, 9)}, {"b": i64(1, -1), "e": i64(100, -9223372036854775808), "a": i64(0, 1), "s": i64(2, -3)})
case("concat", [node("Concat", ["a", "b", "a"], axis=-1)], {"a": f(2, 3), "b": f(2, 4)})
case("split", [node("Split", ["x", "s"], ["y", "z"], axis=1)], {"x": f(2, 7, 3)}, {"s": i64(3, 4)}, outputs=("y", "z"))
case("split_even", [node("Split", ["x"], ["y", "z"], axis=-1, num_outputs=2)], {"x": f(2, 6)}, outputs=("y", "z"))
case("expand", [node("Expand", ["x", "s"])], {"x": f(3, 1)}, {"s": i64(2, 1, 5)})
case("tile", [node("Tile", ["x", "r"])], {"x": f(2, 3)}, {"r": i64(2, 3)})
for mode in ("constant", "reflect", "edge"):
    case("pad_" + mode, [node("Pad", ["x", "p"], mode=mode)], {"x": f(2, 5, 6)}, {"p": i64(0, 2, 1, 0, 1, 3)})
case("pad_axes", [node("Pad", ["x", "p", "v", "a"])], {"x": f(1, 2, 5, 6)}, {"p": i64(1, 0, 0, -2), "v": np.float32(4), "a": i64(2, 3)})
unary("DepthToSpace", f(1, 12, 3, 4), name="depth_to_space_crd", blocksize=2, mode="CRD")
unary("DepthToSpace", f(1, 12, 3, 4), name="depth_to_space_dcr", blocksize=2, mode="DCR")
case("gather", [node("Gather", ["x", "i"], axis=1)], {"x": f(2, 7, 3), "i": np.array([[0, -1], [3, 2]])})
case("gather_scalar", [node("Gather", ["x", "i"], axis=0)], {"x": f(4, 3)}, {"i": np.int64(2)})
case("gather_elements", [node("GatherElements", ["x", "i"], axis=1)], {"x": f(3, 5), "i": rng.integers(0, 5, (3, 2))})

for name, shape, size, attributes in (
        ("nearest", (1, 2, 5, 6), (9, 13), dict(mode="nearest", coordinate_transformation_mode="asymmetric", nearest_mode="floor")),
        ("linear", (1, 2, 5, 6), (9, 13), dict(mode="linear", coordinate_transformation_mode="half_pixel")),
        ("linear_corners", (1, 2, 9, 13), (5, 6), dict(mode="linear", coordinate_transformation_mode="align_corners")),
        ("cubic", (1, 2, 7, 8), (11, 5), dict(mode="cubic", coordinate_transformation_mode="half_pixel", cubic_coeff_a=-0.75)),
        ("antialias", (1, 3, 20, 30), (9, 40), dict(mode="cubic", antialias=1, exclude_outside=1, cubic_coeff_a=-0.5)),
        ("antialias_linear", (1, 3, 20, 30), (9, 7), dict(mode="linear", antialias=1, exclude_outside=1))):
    case("resize_" + name, [node("Resize", ["x", "", "", "s"], axes=[2, 3], **attributes)], {"x": f(*shape)}, {"s": i64(*size)})
case("resize_bytes", [node("Resize", ["x", "", "", "s"], axes=[2, 3], mode="cubic", antialias=1, exclude_outside=1, cubic_coeff_a=-0.5)],
     {"x": rng.integers(0, 256, (1, 3, 25, 31)).astype(np.uint8)}, {"s": i64(12, 17)})

case("quantize", [node("QuantizeLinear", ["x", "s", "z"])], {"x": f(3, 50)}, {"s": np.float32(0.02), "z": np.uint8(120)})
case("dequantize", [node("DequantizeLinear", ["x", "s", "z"], axis=0)], {"x": rng.integers(-128, 128, (3, 5)).astype(np.int8)},
     {"s": np.abs(f(3)) + 0.01, "z": np.zeros(3, np.int8)})


def quantized(name, nodes, x, weight, axis, bias):
    """x -> u8 -> nodes of xd and wd; int8 weights of a scale per output."""
    keep = tuple(d for d in range(weight.ndim) if d != axis)
    scales = (np.abs(weight).max(keep) / 127).astype(np.float32)
    shape = [-1 if d == axis else 1 for d in range(weight.ndim)]
    stored = np.rint(weight / scales.reshape(shape)).astype(np.int8)
    scale = np.float32((x.max() - x.min()) / 255)
    zero = np.uint8(np.rint(-x.min() / scale))
    constants = {"sx": scale, "zx": zero, "w": stored, "sw": scales, "zw": np.zeros(len(scales), np.int8), "b": bias}
    case(name, [node("QuantizeLinear", ["x", "sx", "zx"], ["xq"]), node("DequantizeLinear", ["xq", "sx", "zx"], ["xd"]),
                node("DequantizeLinear", ["w", "sw", "zw"], ["wd"], axis=axis)] + nodes, {"x": x}, constants)


quantized("quantized_conv", [node("Conv", ["xd", "wd", "b"], ["c"], pads=[1, 1, 1, 1]), node("Relu", ["c"])], f(2, 7, 9, 9) + 0.3, f(13, 7, 3, 3), 0, f(13))
quantized("quantized_conv_stride", [node("Conv", ["xd", "wd", "b"], pads=[1, 1, 1, 1], strides=[2, 2])], f(1, 6, 9, 11), f(5, 6, 3, 3), 0, f(5))
quantized("quantized_conv1x1", [node("Conv", ["xd", "wd", "b"])], f(1, 33, 6, 7), f(20, 33, 1, 1), 0, f(20))
quantized("quantized_depthwise", [node("Conv", ["xd", "wd", "b"], group=6, pads=[1, 1, 1, 1])], f(1, 6, 9, 9), f(6, 1, 3, 3), 0, f(6))
quantized("quantized_matmul", [node("MatMul", ["xd", "wd"], ["p"]), node("Add", ["p", "b"], ["s"]), node("Gelu", ["s"])], f(2, 9, 41), f(41, 35), 1, f(35))
quantized("quantized_gemm", [node("Gemm", ["xd", "wd", "b"], transB=1)], f(3, 64), f(10, 64), 0, f(10))

# Maps whose last columns fill no tile, rows that end within one, and what a stride leaves over.
case("conv_small_map", [node("Conv", ["x", "w", "b"], pads=[1, 1, 1, 1])], {"x": f(2, 9, 7, 7)}, {"w": f(25, 9, 3, 3), "b": f(25)})
case("conv_stem", [node("Conv", ["x", "w"], pads=[3, 3, 3, 3], strides=[2, 2])], {"x": f(1, 3, 29, 31)}, {"w": f(13, 3, 7, 7)})
case("conv_strides3", [node("Conv", ["x", "w"], pads=[1, 2, 0, 1], strides=[3, 3])], {"x": f(1, 4, 20, 22)}, {"w": f(6, 4, 3, 3)})
case("conv_one_step", [node("Conv", ["x", "w"], pads=[1, 0, 1, 0], strides=[900, 70])], {"x": f(2, 3, 5, 71)}, {"w": f(4, 3, 3, 1)})
case("conv_pad", [node("Pad", ["x", "p"], ["z"]), node("Conv", ["z", "w", "b"], ["c"], pads=[0, 1, 0, 0], strides=[2, 2]), node("Relu", ["c"])],
     {"x": f(1, 5, 11, 12)}, {"p": i64(0, 0, 0, 1, 0, 0, 2, 1), "w": f(8, 5, 3, 3), "b": f(8)})
case("conv_pad_ones", [node("Pad", ["x", "p", "one"], ["z"]), node("Conv", ["z", "w"])],
     {"x": f(1, 5, 6, 6)}, {"p": i64(0, 0, 1, 1, 0, 0, 1, 1), "one": np.float32(1), "w": f(4, 5, 3, 3)})
case("linear_deep", [node("MatMul", ["x", "w"])], {"x": f(13, 520)}, {"w": f(520, 33)})
case("transpose_image", [node("Transpose", ["x"], perm=[0, 2, 3, 1])], {"x": f(2, 21, 9, 11)})
case("transpose_heads", [node("Transpose", ["x"], perm=[2, 0, 3, 1])], {"x": f(3, 10, 2, 7)})


def quantized_chain(name, kind, pads):
    """x -> bytes -> a convolution by channel -> bytes -> a 1x1 convolution -> bytes -> numbers. kind: of the activations."""
    zero = kind(-7 if kind == np.int8 else 119)
    constants = {"s": np.float32(0.03), "z": zero, "w": rng.integers(-127, 128, (6, 1, 3, 3)).astype(np.int8), "v":
                 rng.integers(-127, 128, (9, 6, 1, 1)).astype(np.int8), "sw": np.float32(0.004), "zw": np.int8(0), "b": f(6), "p": i64(*pads),
                 "low": np.float32(0), "high": np.float32(2)}
    case(name, [node("QuantizeLinear", ["x", "s", "z"], ["q1"]), node("DequantizeLinear", ["q1", "s", "z"], ["d1"]), node("Pad", ["d1", "p"], ["padded"]),
                node("QuantizeLinear", ["padded", "s", "z"], ["q2"]), node("DequantizeLinear", ["q2", "s", "z"], ["d2"]),
                node("DequantizeLinear", ["w", "sw", "zw"], ["wd"]), node("Conv", ["d2", "wd", "b"], ["c1"], group=6, strides=[2, 2]),
                node("Clip", ["c1", "low", "high"], ["r"]), node("QuantizeLinear", ["r", "s", "z"], ["q3"]), node("DequantizeLinear", ["q3", "s", "z"], ["d3"]),
                node("DequantizeLinear", ["v", "sw", "zw"], ["vd"]), node("Conv", ["d3", "vd"], ["c2"]),
                node("QuantizeLinear", ["c2", "s", "z"])], {"x": f(2, 6, 14, 15)}, constants)


# Stored zeros around bytes whose zero point is another; a factor whose columns lie side by side.
case("conv_padded_bytes", [node("QuantizeLinear", ["x", "s", "z"], ["q"]), node("Pad", ["q", "p"], ["padded"]), node("DequantizeLinear", ["padded", "s", "z"], ["d"]),
                           node("Conv", ["d", "w"], group=4)],
     {"x": f(1, 4, 6, 7)}, {"s": np.float32(0.03), "z": np.uint8(119), "p": i64(0, 0, 1, 1, 0, 0, 1, 1), "w": f(4, 1, 3, 3)})
for rows in (4, 6, 12):
    case(f"gemm_turned{rows}", [node("Gemm", ["a", "x"], transA=1)], {"x": f(40, 1)}, {"a": f(40, rows)})
quantized_chain("quantized_chain", np.uint8, (0, 0, 0, 0, 0, 0, 1, 1))
quantized_chain("quantized_chain_signed", np.int8, (0, 0, 1, 0, 0, 0, 1, 1))
# A norm with what follows it; 1x1 windows of a stride, whose images are padded nowhere; a column beyond the vectors.
case("batch_norm_relu", [node("BatchNormalization", ["x", "g", "b", "m", "v"], ["n"]), node("Relu", ["n"])], {"x": f(2, 5, 7, 5)},
     {"g": f(5), "b": f(5), "m": f(5), "v": np.abs(f(5)) + 0.1})
case("conv_pointwise_stride", [node("Conv", ["x", "w", "b"], strides=[2, 2])], {"x": f(2, 7, 8, 10)}, {"w": f(13, 7, 1, 1), "b": f(13)})
case("conv_one_column_more", [node("Conv", ["x", "w", "b"], ["c"]), node("Add", ["c", "z"], ["s"]), node("Relu", ["s"])],
     {"x": f(1, 400, 7, 7), "z": f(1, 13, 7, 7)}, {"w": f(13, 400, 1, 1), "b": f(13)})
# Groups of 3x3 windows with as many channels and pixels as Winograd's filtering is used for.
case("conv_wide_groups", [node("Conv", ["x", "w", "b"], ["c"], group=2, pads=[1, 1, 1, 1]), node("Add", ["c", "z"], ["s"]), node("Relu", ["s"])],
     {"x": f(2, 32, 14, 14), "z": f(2, 26, 14, 14)}, {"w": f(26, 16, 3, 3), "b": f(26)})

folder = pathlib.Path(__file__).parent / "fixtures"
folder.mkdir(exist_ok=True)
save_file(tensors, folder / "cases.safetensors")
seeds = pathlib.Path(__file__).parent.parent / "fuzz/seeds/fuzz_onnx_run"
seeds.mkdir(exist_ok=True)
for name in ("conv_relu_residual", "linear", "quantized_conv", "slice", "resize_bytes", "range", "max_pool", "split", "conv_pad",
             "conv_depthwise_stride", "quantized_chain"):
    (seeds / (name + ".onnx")).write_bytes(tensors[name + "/model"].tobytes())
print(len({key.split("/")[0] for key in tensors}), "cases,", (folder / "cases.safetensors").stat().st_size, "bytes")
