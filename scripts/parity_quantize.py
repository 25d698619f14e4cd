#!/usr/bin/env python3
"""Runs what `braid quantize` writes in ONNX Runtime and OpenVINO, beside ONNX Runtime's own quantizer and NNCF, OpenVINO's, on
the same images.

    scripts/parity_quantize.py CHECKPOINT DATA [--braid build/bin/braid] [--samples 512] [--images 2000] [--max-drop 0.5]
        [--reduce-range auto] [--weight-bits 8] [--speed]

The checkpoint is exported in float32 and quantized (best and naive) by braid, and quantized by
onnxruntime.quantization.quantize_static (MinMax; per channel with weights of 8 and of 7 bits, and per tensor) and, where it is
installed, nncf.quantize (its defaults; model_type TRANSFORMER where there is attention) with images of the training split. All files then
label images of the test split (of training where there is none), prepared by `braid predict`'s rules: DATA is a
name or an ImageFolder with class folders below train/, val/ or test/ (--test FOLDER: its pictures instead). Prints top-1, the drop
against float32, the share of images with float32's class, the squared error of the logits over their variance, and the size of each
file; with --speed also images per second in both engines, and in OpenVINO, where the processor computes in it, what is float in
bf16 in the same turns. Exits with 1 where braid's int8 loses more than --max-drop, is
larger than 0.27 of the float32 file, or, by more than half a standard error, is behind another quantizer.
Needs numpy, onnx, onnxruntime; openvino and nncf where they are there.
"""
import argparse
import gzip
import json
import math
import pathlib
import subprocess
import sys
import tempfile
import time

import numpy as np
import onnx
import onnxruntime
from onnxruntime.quantization import CalibrationDataReader, CalibrationMethod, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process

try:
    import openvino
except ImportError:
    openvino = None
try:
    import nncf
except ImportError:
    nncf = None


def run(command):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(done.stderr.strip())
    return done.stdout


def read_idx(folder, part):
    def read(name, header):
        for file in (folder / name, folder / (name + ".gz")):
            if file.exists():
                data = (gzip.open if file.suffix == ".gz" else open)(file, "rb").read()
                return np.frombuffer(data, np.uint8, offset=header)
        raise FileNotFoundError(folder / name)
    labels = read(f"{part}-labels-idx1-ubyte", 8)
    return read(f"{part}-images-idx3-ubyte", 16).reshape(len(labels), 28, 28, 1), labels


def read_split(data, split, classes, count, rng):
    """[(pixels [H,W,C] uint8, label)], at most count, seeded."""
    folder = pathlib.Path("/usr/share/datasets") / data
    folder = folder if folder.is_dir() else pathlib.Path(data)
    if any(folder.glob("*-images-idx3-ubyte*")):
        images, labels = read_idx(folder, "t10k" if split == "test" else "train")
        chosen = rng.permutation(len(images))[:count]
        return [(images[i], int(labels[i])) for i in chosen]
    from PIL import Image
    root = folder / split if (folder / split).is_dir() else folder
    files = [(file, classes.index(part.name)) for part in sorted(root.iterdir()) if part.is_dir() for file in sorted(part.iterdir())]
    chosen = rng.permutation(len(files))[:count]
    return [(np.asarray(Image.open(files[i][0]).convert("RGB")), files[i][1]) for i in chosen]


def prepare(pixels, config, channels):
    """PIL's resize and centre crop, as braid and timm evaluate."""
    from PIL import Image
    height = config["input_size"][1]
    image = Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels)
    image = image.convert("L" if channels == 1 else "RGB")
    resized = round(height / config["crop_pct"]) if config["crop_mode"] == "center" else height
    method = Image.BICUBIC if config["interpolation"] == "bicubic" else Image.BILINEAR
    width, tall = image.size
    scale = resized / min(width, tall)
    size = (max(resized, int(width * scale)), max(resized, int(tall * scale)))
    image = image if image.size == size else image.resize(size, method)
    left, top = round((size[0] - height) / 2), round((size[1] - height) / 2)
    x = np.asarray(image.crop((left, top, left + height, top + height)), np.float32).reshape(height, height, channels) / 255
    return ((x - np.array(config["mean"], np.float32)) / np.array(config["std"], np.float32)).transpose(2, 0, 1)


class Reader(CalibrationDataReader):
    def __init__(self, images):
        self.batches = iter([{"pixel_values": images[i:i + 32]} for i in range(0, len(images), 32)])

    def get_next(self):
        return next(self.batches, None)


def ort_session(file):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])


def ort_runner(file):
    session = ort_session(file)
    return lambda x: session.run(["logits"], {"pixel_values": x})[0]


def quantize_by_nncf(file, calibration, output):
    model = openvino.Core().read_model(str(file))
    attention = sum(node.get_type_name() in ("Softmax", "ScaledDotProductAttention") for node in model.get_ops()) > 0
    dataset = nncf.Dataset([calibration[i:i + 1] for i in range(len(calibration))])
    quantized = nncf.quantize(model, dataset, model_type=nncf.ModelType.TRANSFORMER if attention else None,
                              subset_size=len(calibration))
    openvino.save_model(quantized, str(output), compress_to_fp16=False)


def computes_in_bf16():
    return openvino is not None and "BF16" in openvino.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")


def size_of(file):
    weights = file.with_suffix(".bin")
    return file.stat().st_size + (weights.stat().st_size if file.suffix == ".xml" else 0)


def openvino_runner(file, precision="f32"):
    model = openvino.Core().compile_model(str(file), "CPU", {"INFERENCE_NUM_THREADS": 1, "INFERENCE_PRECISION_HINT": precision})
    return lambda x: model({"pixel_values": x})["logits"]


def label(runner, images, batch=64):
    return np.concatenate([runner(images[i:i + batch]) for i in range(0, len(images), batch)])


def speeds(runners, images, batch, rounds=7):
    """Median images per second, the files in turn so that a busy machine slows all of them."""
    x = images[:batch]
    repeats = {}
    for name, runner in runners.items():
        runner(x)
        start = time.perf_counter()
        runner(x)
        repeats[name] = max(1, int(0.15 / (time.perf_counter() - start)))
    taken = {name: [] for name in runners}
    for _ in range(rounds):
        for name, runner in runners.items():
            start = time.perf_counter()
            for _ in range(repeats[name]):
                runner(x)
            taken[name].append((time.perf_counter() - start) / repeats[name])
    return {name: len(x) / np.median(times) for name, times in taken.items()}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("checkpoint")
    parser.add_argument("data")
    parser.add_argument("--braid", default="build/bin/braid")
    parser.add_argument("--samples", type=int, default=512)
    parser.add_argument("--test", help="a folder of class folders that judges")
    parser.add_argument("--images", type=int, default=2000)
    parser.add_argument("--max-drop", type=float, default=0.5)
    parser.add_argument("--weight-bits", type=int, default=8)
    parser.add_argument("--reduce-range", choices=["auto", "on", "off"], default="auto")
    parser.add_argument("--speed", action="store_true")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        files = {"float32": folder / "float.onnx"}
        run([arguments.braid, "export", "--checkpoint", arguments.checkpoint, "--output", files["float32"]])
        reports = {}
        for mode in ("best", "naive"):
            files[f"braid {mode}"] = folder / f"{mode}.onnx"
            command = [arguments.braid, "quantize", "--checkpoint", arguments.checkpoint, "--data", arguments.data, "--mode", mode, "--output",
                       files[f"braid {mode}"], "--samples", arguments.samples, "--weight-bits", arguments.weight_bits, "--reduce-range",
                       arguments.reduce_range, "--format", "json"]
            reports[mode] = json.loads(run(command))
            onnx.checker.check_model(str(files[f"braid {mode}"]), full_check=True)
        config = json.loads(ort_session(files["float32"]).get_modelmeta().custom_metadata_map["preprocessing"])
        channels = config["input_size"][0]
        rng = np.random.default_rng(0)
        calibration = np.stack([prepare(x, config, channels)
                                for x, _ in read_split(arguments.data, "train", config.get("label_names"), arguments.samples, rng)])
        split = "test" if reports["best"]["split"] == "test" or arguments.test else "train"
        test = read_split(arguments.test or arguments.data, split, config.get("label_names"), arguments.images, rng)
        images, labels = np.stack([prepare(x, config, channels) for x, _ in test]), np.array([y for _, y in test])
        quant_pre_process(str(files["float32"]), str(folder / "pre.onnx"))
        for name, per_channel, reduce_range in (("ORT per channel", True, False), ("ORT 7 bits", True, True), ("ORT per tensor", False, False)):
            files[name] = folder / f"ort{len(files)}.onnx"
            try:
                quantize_static(str(folder / "pre.onnx"), str(files[name]), Reader(calibration), quant_format=QuantFormat.QDQ, per_channel=per_channel,
                                reduce_range=reduce_range, activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8,
                                calibrate_method=CalibrationMethod.MinMax)
            except Exception as e:  # the other side's failure is a result too
                print(f"{name}: failed: {str(e).splitlines()[0][:200]}")
                del files[name]
        if openvino and nncf:
            try:
                quantize_by_nncf(files["float32"], calibration, folder / "nncf.xml")
                files["NNCF"] = folder / "nncf.xml"
            except Exception as e:
                print(f"NNCF: failed: {str(e).splitlines()[0][:200]}")
        engines = {"ONNX Runtime": ort_runner}
        if openvino:
            engines["OpenVINO"] = openvino_runner
        top1, same, error, speed = {}, {}, {}, {}
        for engine, make in engines.items():
            runners = {name: make(file) for name, file in files.items() if engine == "OpenVINO" or file.suffix == ".onnx"}
            expected = label(runners["float32"], images)
            for name, runner in runners.items():
                logits = label(runner, images)
                top1[engine, name] = 100 * np.mean(logits.argmax(1) == labels)
                same[engine, name] = 100 * np.mean(logits.argmax(1) == expected.argmax(1))
                error[engine, name] = np.mean((logits - expected) ** 2) / expected.var()
            if arguments.speed:
                timed = {n: r for n, r in runners.items() if n in ("float32", "braid best", "ORT per channel", "NNCF")}
                if engine == "OpenVINO" and computes_in_bf16():  # ONNX Runtime has none on the CPU
                    timed |= {f"{n}, bf16": make(files[n], "bf16") for n in ("float32", "braid best")}
                for batch in (1, 32):
                    for name, value in speeds(timed, images, batch).items():
                        speed[engine, name, batch] = value
        size = size_of(files["float32"])
        print(f"{arguments.checkpoint}: {reports['best']['architecture']}, {len(labels)} images of {arguments.test or arguments.data}, split {split}")
        print(f"braid's replay: {reports['best']['float_top1']} -> {reports['best']['top1']} on {reports['best']['count']} images; "
              f"{len(reports['best']['in_float'])} of {reports['best']['units']} operators in float")
        for name, file in files.items():
            line = f"  {name:16} {size_of(file) / size:6.3f}x"
            for engine in engines:
                if (engine, name) not in top1:
                    continue
                line += f"   {engine} {top1[engine, name]:6.2f}% ({top1[engine, name] - top1[engine, 'float32']:+.2f})"
                line += f" {same[engine, name]:6.2f}% same, error {error[engine, name]:.5f}"
                for batch in (1, 32):
                    if (engine, name, batch) in speed:
                        line += f" {speed[engine, name, batch]:8.0f}/s ({speed[engine, name, batch] / speed[engine, 'float32', batch]:.2f}x)"
            print(line)
        for name in ("float32", "braid best"):
            rates = [(batch, speed.get(("OpenVINO", f"{name}, bf16", batch))) for batch in (1, 32)]
            if rates[0][1]:
                print(f"  {name}, bf16 in OpenVINO:" + "".join(
                    f" {rate:8.0f}/s at a batch of {batch}, {rate / speed['OpenVINO', 'float32', batch]:.2f}x float32, braid best is "
                    f"{speed['OpenVINO', 'braid best', batch] / rate:.2f}x of it;" for batch, rate in rates).rstrip(";"))
        failed = size_of(files["braid best"]) > 0.27 * size
        noise = 0.5 * 100 * math.sqrt(0.01 / len(labels))  # of two labellings that differ on 1% of the images
        for engine in engines:
            best = top1[engine, "braid best"]
            failed |= top1[engine, "float32"] - best > arguments.max_drop + noise
            failed |= any(best < top1[engine, name] - noise for name in files if name.startswith(("ORT", "NNCF")) and (engine, name) in top1)
        print("FAILED" if failed else "passed")
        return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
