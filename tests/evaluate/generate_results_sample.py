#!/usr/bin/env python3
"""Writes fixtures/results_sample.json: invented, plausible results for the tests and pictures of report.html.

Nothing in it was measured, except that the misclassified images are images of Fashion-MNIST's test set (MIT licence,
Debian's dataset-fashion-mnist). Seed 7; Python 3.11's random; Pillow 13 for the PNGs.
"""
import base64
import gzip
import io
import json
import pathlib
import random
import struct

from PIL import Image

random.seed(7)
CLASSES = ["T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"]
CONFUSED = {(0, 6): 9, (6, 0): 11, (2, 4): 6, (4, 2): 7, (2, 6): 6, (6, 2): 7, (4, 6): 5, (6, 4): 5, (3, 0): 2, (0, 3): 2,
            (3, 4): 2, (9, 7): 4, (7, 9): 3, (5, 7): 2, (6, 3): 2}
CORRUPTIONS = ["noise", "blur", "occlusion", "shift", "rotation", "contrast"]
drawn = random.Random(11)  # for what was added later, so that the rest stays
DATASET = pathlib.Path("/usr/share/datasets/fashion-mnist")

# name, family, parameters, MACs, top-1, training images/s, latency ms, throughput, peak MiB, drop per corruption and severity,
# drop when the patches are shuffled, accuracy lost with 10% and 30% of the data
MODELS = [
    ("resnet20", "cnn", 272186, 40551936, 90.31, 2110, 2.9, 2640, 310, [5.5, 4.2, 3.0, 1.3, 3.6, 2.9], [9, 31, 48], (8.2, 3.6)),
    ("resnet56", "cnn", 855482, 125485824, 90.92, 760, 8.1, 940, 520, [5.2, 4.0, 2.8, 1.2, 3.5, 2.7], [8, 29, 46], (9.1, 3.9)),
    ("vit_lite_7_4_32", "transformer", 3738378, 239800000, 86.44, 690, 5.2, 1120, 610, [2.6, 2.3, 2.6, 4.4, 4.9, 1.9], [14, 38, 57], (14.8, 6.9)),
    ("cct_2_3x2_32", "hybrid", 284298, 33070000, 91.58, 1840, 2.4, 2980, 280, [3.4, 2.9, 2.5, 1.6, 3.7, 2.0], [11, 35, 53], (7.9, 3.1)),
    ("coatnet_pico_32", "hybrid", 2104226, 118600000, 92.07, 640, 6.7, 1010, 560, [3.3, 2.7, 2.4, 1.4, 3.4, 1.9], [12, 36, 55], (9.4, 3.4)),
]


# What ships of each, in braid-run-int8: top-1 lost, latency ms, throughput, share of the float file's bytes.
DEPLOYED = {
    "resnet20": (0.12, 2.2, 3100, 0.268), "resnet56": (0.18, 6.3, 1120, 0.262), "vit_lite_7_4_32": (0.61, 4.6, 1210, 0.259),
    "cct_2_3x2_32": (0.24, 2.1, 3220, 0.281),
}


def interval(top1, count=10000):
    p, z = top1 / 100, 1.96
    half = z * (p * (1 - p) / count + z * z / (4 * count * count)) ** 0.5 / (1 + z * z / count)
    center = (p + z * z / (2 * count)) / (1 + z * z / count)
    return [round(100 * (center - half), 2), round(100 * (center + half), 2)]


SCORES = [("top1", "top-1", "%", True), ("top5", "top-5", "%", True), ("macro_f1", "macro-F1", "%", True),
          ("ece", "ECE", "%", False), ("nll", "nll", "nats", False)]


def score(kind, value, low=None, high=None):
    name, _, unit, higher = kind
    return {"name": name, "unit": unit, "value": value, "low": value if low is None else low, "high": value if high is None else high,
            "higher_is_better": higher}


def top1_score(top1):
    return score(SCORES[0], top1, *interval(top1))


def confusion(top1):
    wrong = 1000 * 10 * (100 - top1) / 100
    weights = {(i, j): CONFUSED.get((i, j), 0.12) for i in range(10) for j in range(10) if i != j}
    scale = wrong / sum(weights.values())
    matrix = [[0] * 10 for _ in range(10)]
    for (i, j), weight in weights.items():
        matrix[i][j] = round(weight * scale * random.uniform(0.8, 1.2))
    for i in range(10):
        matrix[i][i] = 1000 - sum(matrix[i])
    return matrix


def test_images():
    pixels = gzip.open(DATASET / "t10k-images-idx3-ubyte.gz").read()[16:]
    labels = gzip.open(DATASET / "t10k-labels-idx1-ubyte.gz").read()[8:]
    by_class = {k: [i for i, label in enumerate(labels) if label == k] for k in range(10)}
    return pixels, by_class


def misclassified(pixels, by_class):
    rows = []
    for label, prediction in random.sample(sorted(CONFUSED), 12):
        index = random.choice(by_class[label])
        png = io.BytesIO()
        Image.frombytes("L", (28, 28), pixels[784 * index:784 * (index + 1)]).save(png, "PNG", optimize=True)
        rows.append({"file": f"t10k-images-idx3-ubyte[{index}]", "label": CLASSES[label], "prediction": CLASSES[prediction],
                     "confidence": round(random.uniform(0.7, 0.995), 3), "image_png": base64.b64encode(png.getvalue()).decode()})
    return sorted(rows, key=lambda row: -row["confidence"])


def curve(top1, rate):
    epochs = max(4, round(120 * rate / 54000))
    rows = []
    for epoch in range(1, epochs + 1):
        done = epoch / epochs
        rows.append({"epoch": epoch, "seconds": round(120 * done, 1), "lr": round(1e-3 * (1 - done), 6),
                     "train_loss": round(0.24 + 1.1 * 2.718 ** (-5 * done) + random.uniform(-.01, .01), 4),
                     "val_loss": round(0.27 + 0.9 * 2.718 ** (-5 * done) + random.uniform(-.015, .015), 4),
                     "val_score": round(top1 + 0.3 - 26 * 2.718 ** (-4.6 * done) + random.uniform(-.3, .3), 2)})
    return rows


def looks(name, pixels, by_class):
    """The same three images for every model, under maps that are drawn, not computed."""
    rows = []
    for label in (1, 8, 9):
        side, index = 56, by_class[label][3]
        image = Image.frombytes("L", (28, 28), pixels[784 * index:784 * (index + 1)]).resize((side, side))
        x, y = (drawn.uniform(0.3, 0.7) * side for _ in range(2))
        heat = Image.new("L", (side, side))
        heat.putdata([int(255 * 2.718 ** (-((k % side - x) ** 2 + (k // side - y) ** 2) / 200)) for k in range(side * side)])
        shown = Image.merge("RGB", (heat, heat.point(lambda v: v // 2), Image.new("L", (side, side), 60)))
        pngs = []
        for picture in (image, Image.blend(image.convert("RGB"), shown, 0.5).quantize(32)):
            png = io.BytesIO()
            picture.save(png, "PNG", optimize=True)
            pngs.append(base64.b64encode(png.getvalue()).decode())
        rows.append({"label": CLASSES[label], "prediction": CLASSES[label], "confidence": round(drawn.uniform(0.7, 0.995), 3),
                     "image_png": pngs[0], "map_png": pngs[1]})
    if name == "resnet56":
        return {"error": "[graph] expected operators that can be captured, got one that draws random numbers"}
    layers = {"vit_lite_7_4_32": 7, "cct_2_3x2_32": 2, "coatnet_pico_32": 4}.get(name, 0)
    return {"layer": "the last map", "input_size": [28, 28], "images": rows,
            "attention": [{"layer": f"blocks.{i}.attn", "distance": [round(drawn.uniform(3, 7) + i, 2) for _ in range(4)]}
                          for i in range(layers)]}


def deployed(name, params, top1):
    if name not in DEPLOYED:
        return {"engine": "braid-run-int8", "error": "[graph] expected operators that can be captured, got one that draws random numbers"}
    drop, latency, throughput, share = DEPLOYED[name]
    shipped, float_bytes = top1_score(round(top1 - drop, 2)), 4 * params + 24000
    return {"engine": "braid-run-int8", "error": None, "file": f"runs/sample/deployed/{name}-seed0/model.int8.onnx",
            "bytes": round(share * float_bytes), "float_bytes": float_bytes, "score": shipped, "scores": [shipped], "drop": drop,
            "latency_ms_p50": latency, "latency_ms_p95": round(1.2 * latency, 2), "throughput_items_per_s": throughput,
            "weight_bits": 8, "operators": 24, "operators_in_float": 2}


def behind_best(top1):
    value = round(max(entry[4] for entry in MODELS) - top1, 2)
    return {"value": value, "low": round(value - .45, 2), "high": round(value + .43, 2)} if value > 0 else None


def model(entry, pixels, by_class):
    name, family, params, macs, top1, rate, latency, throughput, peak, drops, shuffle, scarce = entry
    fusion = {"cct_2_3x2_32": "serial", "coatnet_pico_32": "interleaved"}.get(name, "none")
    scores = [top1_score(top1), score(SCORES[1], round(99.1 + random.uniform(0, .7), 2)),
              score(SCORES[2], round(top1 - random.uniform(.02, .2), 2)), score(SCORES[3], round(random.uniform(.8, 3.2), 2)),
              score(SCORES[4], round(2.6 * (100 - top1) / 100, 4))]
    return {
        "name": name, "family": family, "fusion": fusion, "error": None, "params": params, "macs": macs, "train_macs": macs,
        "score": scores[0], "scores": scores, "behind_best": behind_best(top1), "val_score": top1, "seed_scores": [top1], "best_seed": 0,
        "train_items_per_s": rate, "train_seconds": 120.0,
        "epochs": round(120 * rate / 54000, 1), "latency_ms_p50": latency, "latency_ms_p95": round(latency * random.uniform(1.1, 1.5), 2),
        "throughput_items_per_s": throughput, "peak_memory_bytes": peak << 20, "checkpoint_bytes": 4 * params + 9000,
        "checkpoint": f"runs/sample/{name}/model_best", "bad_samples": 0,
        "resolved": {"device": "cpu", "dtype": "float32", "threads": 2, "batch_size": 128, "input_size": [1, 28, 28]},
        "recipe": {"opt": "sgd" if family == "cnn" else "adamw", "lr": 0.1 if family == "cnn" else 0.001, "sched": "cosine",
                   "weight_decay": 0.0005 if family == "cnn" else 0.05, "warmup_epochs": 1, "smoothing": 0.1, "batch_size": 128},
        "curve": curve(top1, rate),
        "sample_efficiency": [{"fraction": f, "score": round(top1 - loss, 2)} for f, loss in zip((0.1, 0.3, 1.0), (*scarce, 0))],
        "robustness": {
            "items": 500, "bad_samples": 0, "clean_score": top1,
            "corruptions": [{"corruption": c, "severity": s, "score": round(max(10, top1 - d * s ** 1.35 + random.uniform(-.4, .4)), 2)}
                            for c, d in zip(CORRUPTIONS, drops) for s in range(1, 6)],
            "shuffled_patches": [{"grid": g, "score": round(max(10, top1 - d), 2)} for g, d in zip((1, 2, 4, 7), (0, *shuffle))]},
        "confusion": confusion(top1), "misclassified": misclassified(pixels, by_class),
        "looks": looks(name, pixels, by_class), "deployed": deployed(name, params, top1),
    }


def main():
    data = test_images()
    models = [model(entry, *data) for entry in MODELS]
    fusion = {
        "cnn": "resnet56", "transformer": "vit_lite_7_4_32", "hybrid": "coatnet_pico_32",
        "late_fusion": {"score": top1_score(91.36), "params": 855482 + 3738378, "macs": 365285824,
                        "latency_ms_p50": 13.4, "latency_ms_p95": 16.1, "checkpoint": None},
        "distillation": {"score": top1_score(88.57), "params": 3738570, "macs": 240100000,
                         "latency_ms_p50": 5.3, "latency_ms_p95": 6.6, "checkpoint": "runs/sample/distilled/model_best"},
        "oracle_score": 94.06,
        "overlap": {"both_right": 83.3, "only_cnn_right": 7.62, "only_transformer_right": 3.14, "both_wrong": 5.94},
    }
    results = {
        "schema_version": 2, "braid_version": "0.1.0", "created": "2026-01-01T12:00:00Z",
        "command": "braid compare --data fashion-mnist --models resnet20,resnet56,vit_lite_7_4_32,cct_2_3x2_32,coatnet_pico_32 --budget time=2m --deploy braid-run-int8",
        "task": "image_classification", "score": "top1",
        "scores": [{"name": n, "title": t, "unit": u, "higher_is_better": h} for n, t, u, h in SCORES],
        "budget": {"kind": "time", "value": 120, "text": "time=2m"}, "prefer": "accuracy", "deploy": "braid-run-int8", "seeds": [0],
        "machine": {"cpu": "Sample CPU 2.0 GHz", "cores": 2, "threads": 2, "memory_bytes": 16 << 30, "device": "cpu", "dtype": "float32",
                    "torch_version": "2.13.0", "os": "Debian GNU/Linux 12"},
        "data": {"name": "fashion-mnist (invented sample)", "items": "images", "classes": CLASSES, "train": 54000, "val": 6000, "test": 10000,
                 "test_split": "test", "channels": 1, "bad_samples": 0},
        "recommendation": {"model": "cct_2_3x2_32", "checkpoint": "runs/sample/winner", "file": "runs/sample/winner/model.int8.onnx",
                           "reason": "cct_2_3x2_32 is the best with 91.34% top-1, and also the fastest of those whose intervals overlap with its own. "
                                     "These figures are those of the exported models in braid-run-int8. coatnet_pico_32 could not be deployed."},
        "models": models, "fusion": fusion,
    }
    target = pathlib.Path(__file__).parent / "fixtures" / "results_sample.json"
    target.write_text(json.dumps(results, indent=None, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
