#!/usr/bin/env python3
"""The experiments behind the recipes: what a choice is worth, at a fixed number of training images.

    scripts/study_recipes.py [GROUP...] [--braid build/bin/braid] [--seeds 1] [--work runs/recipes]

Every row trains once per seed by --max-steps (so that the machine's speed decides nothing) and is judged on the test
split. Rows that are there already in WORK/results.json are kept. Prints a table per group; docs/studies/recipes.md
says what follows from them. A row of flags that begins with a model and a number of images has these instead of its
group's.
"""
import argparse
import json
import pathlib
import re
import subprocess

FASHION = ["--data", "fashion-mnist"]
GROUPS = {
    # What 45 seconds of each size see on two cores with AMX.
    "size": {
        "data": FASHION, "model": "airbench_tiny", "images": 280_000, "batch": 256,
        "rows": {
            "airbench_nano, 500,000 images": ["airbench_nano", 500_000],
            "airbench_tiny, 280,000 images": [],
            "airbench_small, 140,000 images": ["airbench_small", 140_000],
            "airvit_nano, 250,000 images": ["airvit_nano", 250_000],
            "airvit_tiny, 100,000 images": ["airvit_tiny", 100_000],
            "vit_nano_patch7_gap_28, 400,000 images": ["vit_nano_patch7_gap_28", 400_000],
            "vit_nano_patch4_gap_32, 150,000 images": ["vit_nano_patch4_gap_32", 150_000],
        },
    },
    "optimizer": {
        "data": FASHION, "model": "airbench_nano", "images": 240_000, "batch": 256,
        "rows": {
            "the recipe (nmuon, lr 0.02)": [],
            "nmuon, lr 0.005": ["--lr", "0.005"],
            "nmuon, lr 0.01": ["--lr", "0.01"],
            "nmuon, lr 0.04": ["--lr", "0.04"],
            "adamw, lr 0.005": ["--opt", "adamw", "--lr", "0.005"],
            "nesterov, lr 0.1": ["--opt", "nesterov", "--lr", "0.1", "--momentum", "0.9", "--weight-decay", "5e-4"],
        },
    },
    "craft": {
        "data": FASHION, "model": "airbench_nano", "images": 240_000, "batch": 256,
        "rows": {
            "the recipe": [],
            "no label smoothing": ["--smoothing", "0"],
            "no shifts": ["--crop-padding", "0"],
            "shifts filled with black": ["--padding-mode", "constant"],
            "an average of the weights": ["--model-ema", "--model-ema-decay", "0.995"],
            "batches of 128": ["--batch-size", "128"],
            "cosine, one epoch of warm-up": ["--sched", "cosine", "--warmup-epochs", "1"],
        },
    },
    "hybrid": {
        "data": FASHION, "model": "airvit_nano", "images": 120_000, "batch": 128,
        "rows": {
            "nmuon, lr 0.005": ["--lr", "0.005"],
            "nmuon, lr 0.01": ["--lr", "0.01"],
            "nmuon, lr 0.02": ["--lr", "0.02"],
            "adamw, lr 0.004": ["--opt", "adamw", "--lr", "0.004"],
        },
    },
    "transformer": {
        "data": FASHION, "model": "vit_nano_patch7_gap_28", "images": 120_000, "batch": 128,
        "rows": {
            "nmuon, lr 0.005": ["--lr", "0.005"],
            "nmuon, lr 0.01": ["--lr", "0.01"],
            "adamw, lr 0.003": ["--opt", "adamw", "--lr", "0.003"],
        },
    },
}


def run(args, group, row, flags, seed):
    case = dict(GROUPS[group])
    if flags and not flags[0].startswith("--"):
        case["model"], case["images"], *flags = flags
    folder = args.work / re.sub(r"[^a-z0-9]+", "-", f"{group}-{row}-{seed}".lower())
    flags = flags if "--batch-size" in flags else ["--batch-size", str(case["batch"]), *flags]
    batch = int(flags[flags.index("--batch-size") + 1])
    command = [args.braid, "train", "--model", case["model"], *case["data"], "--max-steps",
               str(case["images"] // batch), "--seed", str(seed), "--checkpoint-minutes", "0", "--checkpoint-hist", "0",
               "--output", folder, *flags]
    subprocess.run([str(c) for c in command], check=True, capture_output=True)
    shown = subprocess.run([args.braid, "eval", "--checkpoint", str(folder), *case["data"], "--split", "test",
                            "--format", "json"], check=True, capture_output=True, text=True)
    return json.loads(shown.stdout)["top1"]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("groups", nargs="*", choices=[[], *GROUPS], help="all by default")
    parser.add_argument("--braid", default="build/bin/braid")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--work", type=pathlib.Path, default=pathlib.Path("runs/recipes"))
    args = parser.parse_args()
    args.work.mkdir(parents=True, exist_ok=True)
    kept = args.work / "results.json"
    results = json.loads(kept.read_text()) if kept.exists() else {}
    for group in args.groups or GROUPS:
        case = GROUPS[group]
        print(f"\n{group}: {case['model']}, {case['images']:,} images of {case['data'][1]}")
        for row, flags in case["rows"].items():
            scores = results.setdefault(group, {}).setdefault(row, {})
            for seed in range(args.seeds):
                if str(seed) not in scores:
                    scores[str(seed)] = run(args, group, row, flags, seed)
                    kept.write_text(json.dumps(results, indent=1) + "\n")
            print(f"  {row:34} {' '.join(f'{s:.2f}' for s in scores.values())}", flush=True)


if __name__ == "__main__":
    main()
