#!/usr/bin/env python3
"""Latency of braid-run against ONNX Runtime on files that braid exported: both in one run, alternating, median of rounds.

    bench/runner_ratio.py resnet18 vit_tiny_patch16_224                     # random weights, exported here
    bench/runner_ratio.py --files resnet18.onnx resnet18.int8.onnx          # files that are there

One image, or one text of --length tokens, with --threads. The ratio is ONNX Runtime's time over braid-run's: above 1, braid-run is
faster. Needs numpy and onnxruntime. --output also writes JSON.
"""
import argparse
import json
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

import numpy as np
import onnxruntime

from peers import ROOT, cpu


class OnnxRuntime:
    def __init__(self, file: pathlib.Path, threads: int, length: int):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = 3
        self.session = onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
        rng = np.random.default_rng(0)
        self.inputs = {}
        for value in self.session.get_inputs():
            shape = [d if isinstance(d, int) else 1 if i == 0 else length for i, d in enumerate(value.shape)]
            self.inputs[value.name] = (rng.normal(size=shape).astype(np.float32) if value.type == "tensor(float)"
                                       else np.ones(shape, np.int64))
        self.session.run(None, self.inputs)

    def milliseconds(self, runs: int) -> float:
        times = []
        for _ in range(runs + 1):
            begin = time.perf_counter()
            self.session.run(None, self.inputs)
            times.append(1e3 * (time.perf_counter() - begin))
        return statistics.median(times[1:])


def runner_milliseconds(program: str, file: pathlib.Path, threads: int, length: int, runs: int) -> float:
    command = [program, file, "--benchmark", str(runs), "--threads", str(threads), "--format", "json", "--length", str(length)]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)["p50_ms"]


def compare(name: str, file: pathlib.Path, threads: int, args: argparse.Namespace) -> dict:
    engine = OnnxRuntime(file, threads, args.length)
    ours, theirs = [], []
    for _ in range(args.rounds):
        theirs.append(engine.milliseconds(args.runs))
        ours.append(runner_milliseconds(args.runner, file, threads, args.length, args.runs))
    ratios = [b / a for a, b in zip(ours, theirs)]
    result = {"file": name, "threads": threads, "braid_run_ms": statistics.median(ours), "onnxruntime_ms": statistics.median(theirs),
              "ratio": statistics.median(ratios), "least": min(ratios), "most": max(ratios)}
    print(f"{name:<32}  {threads:>7}  {result['braid_run_ms']:>9.2f}  {result['onnxruntime_ms']:>12.2f}  {result['ratio']:>5.2f}  "
          f"{result['least']:.2f} to {result['most']:.2f}", flush=True)
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="*", help="architectures, exported with random weights")
    parser.add_argument("--files", nargs="+", default=[], type=pathlib.Path, help="exported files")
    parser.add_argument("--threads", nargs="+", type=int, default=[1, 2])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--runs", type=int, default=30, help="of a round")
    parser.add_argument("--length", type=int, default=128, help="tokens of a text")
    parser.add_argument("--braid", default=str(ROOT / "build/bin/braid"))
    parser.add_argument("--runner", default=str(ROOT / "build/bin/braid-run"))
    parser.add_argument("--output", help="JSON file of the figures")
    args = parser.parse_args()
    if not args.models and not args.files:
        parser.error("give architectures or --files")
    print(f"{cpu()}, ONNX Runtime {onnxruntime.__version__}; medians of {args.rounds} rounds of {args.runs} runs, alternating")
    print(f"{'file':<32}  {'threads':>7}  {'braid-run':>9}  {'ONNX Runtime':>12}  {'ratio':>5}  rounds")
    results = []
    with tempfile.TemporaryDirectory() as folder:
        for model in args.models:
            file = pathlib.Path(folder) / f"{model}.onnx"
            made = subprocess.run([args.braid, "export", "--checkpoint", model, "--init", "0", "--output", file],
                                  capture_output=True, text=True)
            if made.returncode != 0:
                sys.exit(f"{model}: {made.stderr.strip()}")
            results += [compare(model, file, threads, args) for threads in args.threads]
        for file in args.files:
            results += [compare(file.stem, file, threads, args) for threads in args.threads]
    if args.output:
        pathlib.Path(args.output).write_text(json.dumps(results, indent=2))


if __name__ == "__main__":
    main()
