#!/usr/bin/env python3
"""Compares braid-run with ONNX Runtime on files that braid exported.

    scripts/parity_runner.py [NAME...] [--braid build/bin/braid] [--runner build/bin/braid-run] [--img-size 96]
        [--preprocessing] [--head sequence_classification] [--threads 1] [--files FILE.onnx...]

Per image model and text encoder of the registry (or those named): random weights, disturbed as in parity_onnx.py; `braid export`;
outputs of braid-run against those of ONNX Runtime for batches of 1 and 3, of texts of 17 and 5 tokens with padding. The error is
the largest absolute difference over the largest absolute output. --preprocessing: files made with --with-preprocessing, on images
of several sizes, the largest difference of a probability. --files: files that are there already, quantized ones too: beside the
error, which may then be larger, whether the first class is the same. Needs numpy, safetensors, onnxruntime. Exits with 1 when a
model is off by more than 1e-4 (probabilities: 1e-2), or does not run.
"""
import argparse
import json
import pathlib
import sys
import tempfile

import numpy as np
from safetensors.numpy import load_file, save_file

from parity_onnx import IMAGE_SIZES, disturb, is_of_texts, rows, run, session, writes_texts

TOLERANCE = 1e-4
PROBABILITY_TOLERANCE = 1e-2


def inputs_of(engine, batch, length, rng, size):
    given = {}
    for value in engine.get_inputs():
        shape = [d if isinstance(d, int) else batch if i == 0 else length if len(value.shape) == 2 else size[i - 1]
                 for i, d in enumerate(value.shape)]
        if value.type == "tensor(float)":
            given[value.name] = rng.normal(size=shape).astype(np.float32)
        elif value.type == "tensor(uint8)":
            given[value.name] = rng.integers(0, 256, shape).astype(np.uint8)
        elif value.name == "attention_mask":
            given[value.name] = (np.arange(length) < rng.integers(2, length + 1, (batch, 1))).astype(np.int64)
        else:
            given[value.name] = rng.integers(0, 2 if value.name == "token_type_ids" else 1000, shape).astype(np.int64)
    return given


def compare(arguments, file, folder, rng):
    """The largest relative error, and the share of rows of one first class."""
    engine = session(file)
    worst, same, count = 0.0, 0, 0
    for batch, length, size in ((1, 17, IMAGE_SIZES[0]), (3, 5, IMAGE_SIZES[1])):
        given = inputs_of(engine, batch, length, rng, size)
        save_file(given, folder / "input.safetensors")
        run([arguments.runner, file, "--input", folder / "input.safetensors", "--output", folder / "output.safetensors",
             "--threads", str(arguments.threads)])
        expected = engine.run(None, given)
        got = load_file(folder / "output.safetensors")
        for value, wanted in zip(engine.get_outputs(), expected):
            actual = got[value.name]
            if actual.shape != wanted.shape:
                raise RuntimeError(f"{value.name} is {actual.shape} instead of {wanted.shape}")
            worst = max(worst, float(np.abs(actual - wanted).max() / np.abs(wanted).max()))
            same += int((actual.argmax(-1) == wanted.argmax(-1)).sum())
            count += wanted[..., 0].size
    return worst, same / count


def export(arguments, name, folder, rng):
    command = [arguments.braid, "forward", name, "--init", "0", "--save-weights", f"{folder}/"]
    if is_of_texts(arguments.braid, name):
        command += ["--model-kwargs", json.dumps({"head": arguments.head, "num_labels": 5})]
    elif arguments.img_size is not None:
        command += ["--img-size", str(arguments.img_size)]
    run(command)
    disturb(folder / "model.safetensors", rng)
    file = folder / "model.onnx"
    run([arguments.braid, "export", "--checkpoint", str(folder), "--output", file] + (["--with-preprocessing"] if arguments.preprocessing else []))
    return file


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("names", nargs="*")
    parser.add_argument("--braid", default="build/bin/braid")
    parser.add_argument("--runner", default="build/bin/braid-run")
    parser.add_argument("--img-size", type=int)
    parser.add_argument("--head", default="sequence_classification")
    parser.add_argument("--preprocessing", action="store_true")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--files", nargs="+", default=[])
    arguments = parser.parse_args()
    names = arguments.files or arguments.names or [row["name"] for row in rows(arguments.braid) if not writes_texts(row["name"])]
    tolerance = PROBABILITY_TOLERANCE if arguments.preprocessing else TOLERANCE
    failed = 0
    print(f"{'name':36} {'error':>9} {'same first':>10}", flush=True)
    for seed, name in enumerate(names):
        rng = np.random.default_rng(seed)
        with tempfile.TemporaryDirectory() as folder:
            folder = pathlib.Path(folder)
            try:
                file = name if arguments.files else export(arguments, name, folder, rng)
                error, same = compare(arguments, file, folder, rng)
            except Exception as e:  # one model's failure does not end the run
                failed += 1
                print(f"{name:36} FAILED: {str(e).splitlines()[0][:300]}", flush=True)
                continue
        good = error <= tolerance or bool(arguments.files)
        failed += not good
        print(f"{name:36} {error:9.1e} {same:10.2f}{'' if good else '  TOO FAR'}", flush=True)
    print(f"{len(names) - failed} of {len(names)} agree")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
