#!/usr/bin/env python3
"""Inference speed of braid against PyTorch (timm), ONNX Runtime and OpenVINO: one run, alternating, median of several rounds.

Each classifies the same batch of random images in a process that stays alive and works only when asked; random weights, all
cores. braid is LibTorch in its server (--engine libtorch), and for one image braid-run, whose process begins anew each round.
Its server computes with OpenVINO where that is installed, so that OpenVINO's row is what such a server gives. PyTorch is
eager, channels-last, with jemalloc; a peer that is not installed is left out, and that is said. Prints an aligned table;
--output also writes JSON.
"""
import argparse
import importlib.util
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile

from peers import JEMALLOC_OPTIONS, ROOT, Worker, architecture, cpu, jemalloc

MODELS = ["resnet18", "convnext_atto", "vit_tiny_patch16_224", "mobilevit_xs", "coatnet_nano_rw_224"]
PEERS = [("torch", "float32"), ("torch", "bfloat16"), ("onnxruntime", "float32"), ("openvino", "float32"),
         ("openvino", "bfloat16")]


class Runner:
    """braid-run has a benchmark of its own: one process for each round."""

    def __init__(self, file: pathlib.Path):
        self.command = [ROOT / "build/bin/braid-run", file, "--threads", str(len(os.sched_getaffinity(0))), "--format", "json", "--benchmark"]

    def seconds(self, count: int) -> float:
        said = subprocess.run([*self.command, str(count)], check=True, capture_output=True, text=True).stdout
        return json.loads(said)["p50_ms"] * count / 1e3

    def close(self) -> None:
        pass


def workers(model: str, batch: int, shape: list[int], file: pathlib.Path, args: argparse.Namespace) -> dict:
    env = dict(os.environ, MALLOC_CONF=JEMALLOC_OPTIONS)
    of_batch = ",".join(map(str, [batch, *shape]))
    made = {}
    for peer, dtype in PEERS:
        if importlib.util.find_spec(peer) is None or dtype not in args.dtypes:
            continue
        command = [sys.executable, str(ROOT / "bench/inference_worker.py"), "--peer", peer, "--model", model, "--file", str(file),
                   "--dtype", dtype, "--shape", of_batch]
        made[peer, dtype] = Worker(command, dict(env, LD_PRELOAD=jemalloc()) if peer == "torch" else env)
    for dtype in args.dtypes:
        made["braid", dtype] = Worker([str(ROOT / "build/bin/bench_inference"), "--model", model, "--dtype", dtype, "--batch-size",
                                       str(batch), "--img-size", str(shape[-1]), "--in-chans", str(shape[0])], env)
    if batch == 1:
        made["braid-run", "float32"] = Runner(file)
    return made


def measure(model: str, batch: int, shape: list[int], file: pathlib.Path, args: argparse.Namespace) -> list[dict]:
    made = workers(model, batch, shape, file, args)
    passes = {key: max(1, round(args.seconds / (worker.seconds(3) / 3))) for key, worker in made.items()}
    times = {key: [] for key in made}
    for _ in range(args.rounds):
        for key, worker in made.items():
            times[key].append(worker.seconds(passes[key]) / passes[key])
    for worker in made.values():
        worker.close()
    rows = []
    for key, seconds in times.items():
        own = [other for other in made if other[0].startswith("braid") and other[1] == key[1]]
        fastest = min(own, key=lambda other: statistics.median(times[other]))
        ratios = [t / b for t, b in zip(seconds, times[fastest])]
        row = {"model": model, "batch": batch, "who": key[0], "dtype": key[1], "ms": 1e3 * statistics.median(seconds),
               "images_per_s": batch / statistics.median(seconds), "ratio": statistics.median(ratios), "ratio_min": min(ratios),
               "ratio_max": max(ratios)}
        rows.append(row)
        print(f"{model:24} {batch:5} {row['who']:12} {row['dtype']:9} {row['ms']:9.2f} {row['images_per_s']:9.1f} {row['ratio']:6.2f}  "
              f"{row['ratio_min']:.2f}-{row['ratio_max']:.2f}", flush=True)
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", default=",".join(MODELS))
    parser.add_argument("--batches", default="1,32")
    parser.add_argument("--dtypes", default="float32,bfloat16", type=lambda text: text.split(","))
    parser.add_argument("--seconds", type=float, default=0.5, help="of each side in a round")
    parser.add_argument("--rounds", type=int, default=5, help="alternations")
    parser.add_argument("--output", help="JSON file")
    args = parser.parse_args()
    absent = [peer for peer in ("torch", "timm", "onnxruntime", "openvino") if importlib.util.find_spec(peer) is None]
    print(f"{cpu()}; medians of {args.rounds} alternating rounds; the ratio is a side's time over that of braid's faster one in the same dtype"
          + (f"; not installed: {', '.join(absent)}" if absent else ""))
    print(f"{'model':24} {'batch':>5} {'who':12} {'dtype':9} {'ms':>9} {'images/s':>9} {'ratio':>6}  spread")
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for model in args.models.split(","):
            file = pathlib.Path(folder) / f"{model}.onnx"
            made = subprocess.run([ROOT / "build/bin/braid", "export", "--checkpoint", model, "--init", "0", "--output", file],
                                  capture_output=True, text=True)
            if made.returncode != 0:
                sys.exit(f"{model}: {made.stderr.strip()}")
            shape = architecture(model)["input_size"]
            for batch in map(int, args.batches.split(",")):
                rows += measure(model, batch, shape, file, args)
    if args.output:
        pathlib.Path(args.output).write_text(json.dumps({"machine": cpu(), "rows": rows}, indent=2) + "\n")


if __name__ == "__main__":
    main()
