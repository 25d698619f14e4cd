#!/usr/bin/env python3
"""Runs what `braid quantize` writes of a classifier of texts in ONNX Runtime and braid-run, beside ONNX Runtime's own quantizers.

    scripts/parity_quantize_texts.py CHECKPOINT DATA [--braid build/bin/braid] [--runner build/bin/braid-run] [--samples 512]
        [--max-drop 0.5] [--reduce-range auto] [--keep FOLDER]

DATA is a folder of train.tsv, val.tsv and test.tsv (text, tab, label). The checkpoint is exported in float32 and quantized (best and
naive) by braid, and by onnxruntime.quantization: quantize_dynamic, and quantize_static (MinMax, per channel, weights of 8 and of 7
bits) with texts of the training split, one length a batch as braid has them. All files label the test split, tokenized by the Python
package tokenizers, in padded batches of 32. Prints top-1, the drop against float32, the share of texts with its class, the error of
the logits over their variance, and the size of each file; of braid's file also in braid-run. Exits with 1 where braid's int8 loses
more than --max-drop, is larger than 0.27 of the float32 file (the tokenizer in both left out), or braid-run's class is another than ONNX Runtime's on more than 1% of
the texts. Needs numpy, onnx, onnxruntime, tokenizers, safetensors.
"""
import argparse
import json
import pathlib
import subprocess
import sys
import tempfile

import numpy as np
import onnx
import onnxruntime
from onnxruntime.quantization import CalibrationDataReader, CalibrationMethod, QuantFormat, QuantType, quantize_dynamic, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process
from safetensors.numpy import load_file, save_file
from tokenizers import Tokenizer

BATCH = 32


def run(command):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(done.stderr.strip())
    return done.stdout


def read_split(data, split):
    lines = (pathlib.Path(data) / f"{split}.tsv").read_text(encoding="utf-8").split("\n")
    return [line.rsplit("\t", 1) for line in lines if line]


def session_of(file):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])


class Texts:
    """Batches for a session, from tokenized texts."""

    def __init__(self, session):
        metadata = session.get_modelmeta().custom_metadata_map
        self.names = [value.name for value in session.get_inputs()]
        self.classes = json.loads(metadata["label_names"])
        self.pad = int(metadata["pad_token_id"])
        self.tokenizer_json = metadata["tokenizer.json"]
        self.tokenizer = Tokenizer.from_str(self.tokenizer_json)
        self.tokenizer.no_padding()
        self.tokenizer.enable_truncation(int(metadata["max_length"]))

    def ids(self, texts):
        return [encoding.ids for encoding in self.tokenizer.encode_batch(texts)]

    def batch(self, rows):
        width = max(len(row) for row in rows)
        ids = np.full((len(rows), width), self.pad, np.int64)
        mask = np.zeros_like(ids)
        for i, row in enumerate(rows):
            ids[i, :len(row)], mask[i, :len(row)] = row, 1
        given = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
        return {name: given[name] for name in self.names}

    def batches(self, rows):
        return [self.batch(rows[i:i + BATCH]) for i in range(0, len(rows), BATCH)]


class Reader(CalibrationDataReader):
    def __init__(self, texts, rows):
        by_length = {}
        for row in rows:
            by_length.setdefault(len(row), []).append(row)
        self.batches = iter([texts.batch(same) for same in by_length.values()])

    def get_next(self):
        return next(self.batches, None)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("checkpoint")
    parser.add_argument("data")
    parser.add_argument("--braid", default="build/bin/braid")
    parser.add_argument("--runner", default="build/bin/braid-run")
    parser.add_argument("--samples", type=int, default=512)
    parser.add_argument("--max-drop", type=float, default=0.5)
    parser.add_argument("--reduce-range", choices=["auto", "on", "off"], default="auto")
    parser.add_argument("--keep", help="a folder for the files")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(arguments.keep or temporary)
        folder.mkdir(parents=True, exist_ok=True)
        files = {"float32": folder / "float.onnx"}
        run([arguments.braid, "export", "--checkpoint", arguments.checkpoint, "--output", files["float32"]])
        reports = {}
        for mode in ("best", "naive"):
            files[f"braid {mode}"] = folder / f"{mode}.onnx"
            reports[mode] = json.loads(run([arguments.braid, "quantize", "--checkpoint", arguments.checkpoint, "--data", arguments.data,
                                            "--mode", mode, "--output", files[f"braid {mode}"], "--samples", arguments.samples,
                                            "--reduce-range", arguments.reduce_range, "--format", "json"]))
            onnx.checker.check_model(str(files[f"braid {mode}"]), full_check=True)
        texts = Texts(session_of(files["float32"]))
        rng = np.random.default_rng(0)
        train = read_split(arguments.data, "train")
        calibration = texts.ids([train[i][0] for i in rng.permutation(len(train))[:arguments.samples]])
        test = read_split(arguments.data, "test")
        rows, labels = texts.ids([text for text, _ in test]), np.array([texts.classes.index(label) for _, label in test])
        batches = texts.batches(rows)
        quant_pre_process(str(files["float32"]), str(folder / "pre.onnx"), skip_symbolic_shape=True)

        def dynamic(target, reduce_range):
            quantize_dynamic(str(folder / "pre.onnx"), str(target), per_channel=True, reduce_range=reduce_range, weight_type=QuantType.QInt8)

        def static(target, reduce_range):
            quantize_static(str(folder / "pre.onnx"), str(target), Reader(texts, calibration), quant_format=QuantFormat.QDQ, per_channel=True,
                            reduce_range=reduce_range, activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8,
                            calibrate_method=CalibrationMethod.MinMax)

        for name, make, reduce_range in (("ORT dynamic", dynamic, False), ("ORT dynamic 7 bits", dynamic, True), ("ORT static", static, False),
                                         ("ORT static 7 bits", static, True)):
            files[name] = folder / (name.replace(" ", "-") + ".onnx")
            try:
                make(files[name], reduce_range)
                session_of(files[name])
            except Exception as e:  # the other side's failure is a result too
                print(f"{name}: failed: {str(e).splitlines()[0][:200]}")
                del files[name]
        logits = {}
        for name, file in files.items():
            session = session_of(file)
            logits[name] = np.concatenate([session.run(["logits"], given)[0] for given in batches])
        parts = []
        for given in batches:
            save_file(given, folder / "input.safetensors")
            run([arguments.runner, files["braid best"], "--input", folder / "input.safetensors", "--output", folder / "output.safetensors"])
            parts.append(load_file(folder / "output.safetensors")["logits"])
        logits["braid best in braid-run"] = np.concatenate(parts)
        tokenizer = len(texts.tokenizer_json.encode())
        size, exact = {name: file.stat().st_size - tokenizer for name, file in files.items()}, logits["float32"]
        best = reports["best"]
        print(f"{arguments.checkpoint}: {best['architecture']}, {len(labels)} texts, tokenizer {tokenizer / 1e3:.0f} kB; {len(best['in_float'])} of {best['units']} operators in float; "
              f"braid's replay: {best['float_top1']:.2f} -> {best['top1']:.2f}")
        for step in best["steps"]:
            print(f"    {step['step']:24} KL {step['kl']:.2g} error {step['error']:.2g} same {step['agreement']:.2f}% {step['note']}"
                  f"{'' if step['kept'] else ' taken back'}")
        top1 = {name: 100 * np.mean(values.argmax(1) == labels) for name, values in logits.items()}
        for name, values in logits.items():
            ratio = f"{size[name] / size['float32']:.3f}x" if name in files else ""
            error = np.mean((values - exact)**2) / np.mean((exact - exact.mean(1, keepdims=True))**2)
            print(f"  {name:24} {ratio:7} {top1[name]:6.2f}% ({top1[name] - top1['float32']:+.2f})  same {100 * np.mean(values.argmax(1) == exact.argmax(1)):6.2f}%"
                  f"  error {error:.2g}")
        same = np.mean(logits["braid best in braid-run"].argmax(1) == logits["braid best"].argmax(1))
        failed = top1["float32"] - top1["braid best"] > arguments.max_drop or size["braid best"] > 0.27 * size["float32"] or same < 0.99
        print("FAILED" if failed else "passed")
        return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
