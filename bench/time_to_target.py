#!/usr/bin/env python3
"""Seconds until a network has learned Fashion-MNIST to a target: braid and PyTorch + timm, same network, recipe and steps.

    bench/time_to_target.py [--target 92] [--model airvit_nano] [--steps 1000] [--seeds 3] [--output FILE.json]

Both train the same network from the same weights for the same number of steps by braid's recipe: nmuon (timm's, in PyTorch),
one cycle, clipping, label smoothing, flips and shifts by a pixel, batches of 256, bfloat16 where the processor multiplies it.
PyTorch gets what is best for it: channels-last, attention composed of two products and a softmax, braid's allocator with its
options, images that lie in memory as numbers, and no validation. The seconds are those of training until its last step, where
the schedule ends; the accuracy is of the 10,000 test images. Sides take turns, seed by seed. Leave the machine alone while it
runs.
"""
import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import tomllib

import peers

DATA = ["--data", "fashion-mnist"]


def output_of(command: list, **env: str) -> str:
    result = subprocess.run([str(part) for part in command], env=dict(os.environ, **env), capture_output=True, text=True,
                            cwd=peers.ROOT)
    if result.returncode:
        sys.exit(f"time_to_target: {' '.join(map(str, command))} ended with {result.returncode}\n{result.stderr}")
    return result.stdout


def train(args, seed: int, folder: pathlib.Path, *flags) -> None:
    output_of(["build/bin/braid", "train", "--model", args.model, *DATA, "--batch-size", "256", "--seed", seed,
               "--checkpoint-minutes", 0, "--output", folder, *flags])


def by_braid(args, seed: int, folder: pathlib.Path) -> dict:
    train(args, seed, folder, "--max-steps", args.steps)
    shown = json.loads(output_of(["build/bin/braid", "eval", "--checkpoint", folder, *DATA, "--split", "test", "--format", "json"]))
    return {"top1": shown["top1"], "seconds": json.loads((folder / "results.json").read_text())["train_seconds"]}


def by_torch(args, seed: int, folder: pathlib.Path) -> dict:
    """From braid's weights after a step that moves none of them, by the settings of braid's run."""
    train(args, seed, folder / "start", "--max-steps", 1, "--lr", 1e-30)
    recipe = tomllib.loads((folder / "config.toml").read_text())
    settings = {name: recipe[name] for name in ("lr", "weight_decay", "momentum", "pct_start", "clip_grad", "smoothing",
                                                "crop_padding", "batch_size", "val_fraction")}
    shown = output_of([sys.executable, "bench/recipe_torch.py", args.model, folder / "start/last/model.safetensors",
                       json.dumps({**settings, "steps": args.steps, "seed": seed})],
                      LD_PRELOAD=peers.jemalloc(), MALLOC_CONF=peers.JEMALLOC_OPTIONS)
    return json.loads(shown)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--target", type=float, default=92, help="top-1 percent")
    parser.add_argument("--model", default="airvit_nano", help="one of those that scripts/parity.py writes in PyTorch")
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--output", type=pathlib.Path, help="JSON file")
    args = parser.parse_args()
    print(f"{peers.cpu()}; {args.model}, {args.steps} steps of 256 images\n{'who':10} {'seed':>4} {'top-1 %':>8} {'seconds':>8}")
    rows = []
    for seed in range(args.seeds):
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name) / "run"
            for who, measure in (("braid", by_braid), ("PyTorch", by_torch)):
                row = {"who": who, "seed": seed, **measure(args, seed, folder)}
                rows.append(row)
                print(f"{who:10} {seed:4} {row['top1']:8.2f} {row['seconds']:8.1f}", flush=True)
    of = {who: [row for row in rows if row["who"] == who] for who in ("braid", "PyTorch")}
    missed = [who for who, own in of.items() if min(row["top1"] for row in own) < args.target]
    if missed:
        print(f"below {args.target:g}%: {', '.join(missed)}; take more --steps")
    ratios = [theirs["seconds"] / ours["seconds"] for ours, theirs in zip(of["braid"], of["PyTorch"])]
    print(f"PyTorch's seconds over braid's: {statistics.median(ratios):.2f} ({min(ratios):.2f}-{max(ratios):.2f})")
    if args.output:
        args.output.write_text(json.dumps({"cpu": peers.cpu(), "model": args.model, "steps": args.steps, "rows": rows,
                                           "ratio": statistics.median(ratios)}, indent=1))


if __name__ == "__main__":
    main()
