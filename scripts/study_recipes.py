#!/usr/bin/env python3
"""The experiments behind the recipes: what a choice is worth, at a fixed number of training images.

    scripts/study_recipes.py [GROUP...] [--braid build/bin/braid] [--seeds 1] [--rows REGEX] [--work runs/recipes]
        [--fashion FOLDER] [--photos FOLDER] [--weights hf-hub:timm/tf_efficientnet_lite0.in1k]

Every row trains once per seed by --max-steps (so that the machine's speed decides nothing) and is judged on the test
split. Rows that are there already in WORK/results.json are kept. Prints a table per group; docs/studies/recipes.md
says what follows from them. A row of flags that begins with a model and a number of images has these instead of its
group's. --fashion: the IDX files of Fashion-MNIST, from which the group "long tail" makes its data. --photos: few
photos with a test split, for the group "fine-tune", which is left out without; --weights: what it starts from.
"""
import argparse
import gzip
import json
import pathlib
import re
import subprocess

FASHION = ["--data", "fashion-mnist"]
NESTEROV = ["--opt", "nesterov", "--lr", "0.1", "--momentum", "0.9", "--weight-decay", "5e-4"]
FINE_TUNED = ["--weights", "{weights}", "--img-size", "128"]
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
            "nesterov, lr 0.1": NESTEROV,
            "nesterov, biases at 8 times the rate": [*NESTEROV, "--bias-lr-scale", "8"],
            "nesterov, biases at 64 times the rate": [*NESTEROV, "--bias-lr-scale", "64"],
            "nmuon, biases at 4 times the rate": ["--bias-lr-scale", "4"],
            "nmuon, biases at 16 times the rate": ["--bias-lr-scale", "16"],
        },
    },
    "craft": {
        "data": FASHION, "model": "airbench_nano", "images": 240_000, "batch": 256,
        "rows": {
            "the recipe": [],
            "no label smoothing": ["--smoothing", "0"],
            "alternating flip": ["--alternate-flip"],
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
    # What arithmetic in bfloat16 costs.
    "dtype": {
        "data": FASHION, "model": "airbench_nano", "images": 240_000, "batch": 256,
        "rows": {f"{model}, {dtype}": [model, images, "--dtype", dtype]
                 for model, images in (("airbench_nano", 240_000), ("airvit_nano", 120_000), ("vit_nano_patch7_gap_28", 240_000))
                 for dtype in ("float32", "bfloat16")},
    },
    # Published weights on few photos.
    "fine-tune": {
        "data": ["--data", "{photos}"], "model": "tf_efficientnet_lite0", "images": 6_400, "batch": 32,
        "rows": {
            "the recipe": FINE_TUNED,
            "the head alone": [*FINE_TUNED, "--freeze", "backbone"],
            "the head first, for an epoch": [*FINE_TUNED, "--freeze", "backbone", "--freeze-epochs", "1"],
            "kept statistics of batch norms": [*FINE_TUNED, "--freeze-bn-stats"],
            "both": [*FINE_TUNED, "--freeze", "backbone", "--freeze-epochs", "1", "--freeze-bn-stats"],
        },
    },
    # 6,000 images of the first class down to 60 of the last; the test split has as many of each.
    "long tail": {
        "data": ["--data", "{long_tail}"], "model": "airbench_nano", "images": 120_000, "batch": 64,
        "rows": {
            "the recipe": [],
            "--class-weights balanced": ["--class-weights", "balanced"],
            "--sampler balanced": ["--sampler", "balanced"],
        },
    },
}


def read_idx(folder, name):
    """(The header, the items' bytes) of an IDX file, packed or not."""
    path = folder / name
    content = path.read_bytes() if path.exists() else gzip.decompress((folder / (name + ".gz")).read_bytes())
    header = 4 + 4 * content[3]
    return content[:header], content[header:]


def make_long_tail(source, folder, factor=100):
    """Fashion-MNIST whose classes' sizes fall by equal factors from 6,000 to 6,000 / factor (Cui et al., 2019)."""
    if (folder / "train-labels-idx1-ubyte").exists():
        return folder
    folder.mkdir(parents=True, exist_ok=True)
    images_header, images = read_idx(source, "train-images-idx3-ubyte")
    labels_header, labels = read_idx(source, "train-labels-idx1-ubyte")
    classes, size, seen, kept = 10, len(images) // len(labels), [0] * 10, []
    for i, label in enumerate(labels):
        seen[label] += 1
        if seen[label] <= round(6_000 * factor ** (-label / (classes - 1))):
            kept.append(i)
    count = len(kept).to_bytes(4, "big")
    chosen = b"".join(images[size * i:size * (i + 1)] for i in kept)
    (folder / "train-images-idx3-ubyte").write_bytes(images_header[:4] + count + images_header[8:] + chosen)
    for name in ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"):
        (folder / name).write_bytes(b"".join(read_idx(source, name)))
    (folder / "train-labels-idx1-ubyte").write_bytes(labels_header[:4] + count + bytes(labels[i] for i in kept))
    return folder


def fill(args, words):
    """The words with what this run's arguments give for those in braces."""
    places = {"{photos}": lambda: args.photos, "{weights}": lambda: args.weights,
              "{long_tail}": lambda: make_long_tail(args.fashion, args.work / "fashion-long-tail")}
    return [str(places[word]()) if word in places else word for word in words]


def run(args, group, row, flags, seed):
    case = dict(GROUPS[group])
    if flags and not flags[0].startswith("--"):
        case["model"], case["images"], *flags = flags
    case["data"], flags = fill(args, case["data"]), fill(args, flags)
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
    parser.add_argument("--rows", help="only those whose names fit this regular expression")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--fashion", type=pathlib.Path, default=pathlib.Path("/usr/share/datasets/fashion-mnist"))
    parser.add_argument("--photos", type=pathlib.Path)
    parser.add_argument("--weights", default="hf-hub:timm/tf_efficientnet_lite0.in1k")
    parser.add_argument("--work", type=pathlib.Path, default=pathlib.Path("runs/recipes"))
    args = parser.parse_args()
    if "fine-tune" in args.groups and not args.photos:
        parser.error("expected --photos FOLDER for the group fine-tune")
    args.work.mkdir(parents=True, exist_ok=True)
    kept = args.work / "results.json"
    results = json.loads(kept.read_text()) if kept.exists() else {}
    for group in args.groups or [g for g in GROUPS if args.photos or g != "fine-tune"]:
        case = GROUPS[group]
        print(f"\n{group}: {case['model']}, {case['images']:,} images of {case['data'][1].strip('{}')}")
        for row, flags in case["rows"].items():
            if args.rows and not re.search(args.rows, row):
                continue
            scores = results.setdefault(group, {}).setdefault(row, {})
            for seed in range(args.seeds):
                if str(seed) not in scores:
                    scores[str(seed)] = run(args, group, row, flags, seed)
                    kept.write_text(json.dumps(results, indent=1) + "\n")
            print(f"  {row:34} {' '.join(f'{s:.2f}' for s in scores.values())}", flush=True)


if __name__ == "__main__":
    main()
