"""A peer of bench/inference_ratio.py: classifies one fixed random batch of images with PyTorch, ONNX Runtime or OpenVINO.

Reads a line with a number of passes, makes them, answers with the seconds they took; ends at end of input. --file: what braid
exported; PyTorch takes timm's model of the name instead, channels-last.
"""
import argparse
import os
import sys
import time
from collections.abc import Callable

import numpy


def by_torch(args: argparse.Namespace, images: numpy.ndarray) -> Callable:
    import torch
    for operator in ("nms", "qnms"):  # torchvision's own operators do not load beside the CPU wheel
        torch.library.define(f"torchvision::{operator}", "(Tensor a, Tensor b, float c) -> Tensor")
    import timm
    model = timm.create_model(args.model).eval().to(memory_format=torch.channels_last)
    batch = torch.from_numpy(images).to(memory_format=torch.channels_last)

    def run():
        with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16, enabled=args.dtype == "bfloat16"):
            model(batch)

    return run


def by_onnxruntime(args: argparse.Namespace, images: numpy.ndarray) -> Callable:
    import onnxruntime
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = len(os.sched_getaffinity(0))
    session = onnxruntime.InferenceSession(args.file, options, providers=["CPUExecutionProvider"])
    inputs = {session.get_inputs()[0].name: images}
    return lambda: session.run(None, inputs)


def by_openvino(args: argparse.Namespace, images: numpy.ndarray) -> Callable:
    import openvino
    core = openvino.Core()
    model = core.read_model(args.file)
    model.reshape(list(images.shape))
    precision = "bf16" if args.dtype == "bfloat16" else "f32"
    request = core.compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": precision, "PERFORMANCE_HINT": "LATENCY"}).create_infer_request()
    request.set_input_tensor(openvino.Tensor(images))
    return request.infer


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--peer", required=True, choices=["torch", "onnxruntime", "openvino"])
    parser.add_argument("--model", required=True)
    parser.add_argument("--file", required=True)
    parser.add_argument("--dtype", default="float32", choices=["float32", "bfloat16"])
    parser.add_argument("--shape", required=True, help="N,C,H,W")
    args = parser.parse_args()
    images = numpy.random.default_rng(0).normal(size=[int(n) for n in args.shape.split(",")]).astype(numpy.float32)
    run = {"torch": by_torch, "onnxruntime": by_onnxruntime, "openvino": by_openvino}[args.peer](args, images)
    run()
    print("ready", flush=True)
    for line in sys.stdin:
        start = time.perf_counter()
        for _ in range(int(line)):
            run()
        print(time.perf_counter() - start, flush=True)


main()
