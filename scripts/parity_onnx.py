#!/usr/bin/env python3
"""Compares exported ONNX files, run by ONNX Runtime, with the models they were made of.

    scripts/parity_onnx.py [NAME...] [--braid build/bin/braid] [--img-size 96] [--num-classes 7]
        [--head sequence_classification] [--preprocessing] [--engine onnxruntime]

Per model of the registry (or those named; a braidnet line is one too): random weights, disturbed so that norms and
zero-initialized branches take part; `braid export`; onnx.checker with full shape inference; logits of ONNX Runtime for
batches of 1, 2 and 7, of texts of 3, 17 and 40 tokens with padding, against those of `braid forward`. The error is the largest
absolute difference over the largest absolute logit. --head: of text encoders. Of models that write texts both files: the
encoder's hidden states, and the logits that the decoder's file gives on what the encoder's gave, of texts of 11, 1 and 29 tokens.
--engine openvino: that one instead of ONNX Runtime, in float32.
--preprocessing: files made with --with-preprocessing instead, on images of several sizes, against `braid predict`: the largest
difference of a probability. Needs numpy, safetensors, onnx, Pillow and the engine. Exits with 1 when a model is off by more
than 1e-4 (probabilities: 1e-2), or does not export.
"""
import argparse
import functools
import json
import pathlib
import subprocess
import sys
import tempfile

import numpy as np
import onnx
from safetensors.numpy import load_file, save_file

TOLERANCE = 1e-4
PROBABILITY_TOLERANCE = 1e-2
BATCHES = (1, 2, 7)
LENGTHS = (3, 17, 40)
WRITTEN = (11, 1, 29)
IMAGE_SIZES = ((200, 300), (333, 250), (64, 64))


def run(command):
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(done.stderr.strip().splitlines()[-1])
    return done.stdout


def disturb(file, rng):
    """Statistics that are not the initial ones, and no gain or branch that is nearly zero."""
    tensors = load_file(file)
    for name, value in tensors.items():
        if value.dtype != np.float32:
            continue
        if name.endswith("running_var"):
            value = rng.uniform(0.5, 1.5, value.shape)
        elif name.endswith("running_mean"):
            value = rng.normal(0, 0.1, value.shape)
        elif value.size and np.abs(value).max() < 1e-3 and value.ndim <= 1:  # biases, layer scales
            value = rng.uniform(0.05, 0.15, value.shape)
        elif value.ndim <= 1:
            value = value * rng.uniform(0.8, 1.2, value.shape)
        tensors[name] = value.astype(np.float32)
    save_file(tensors, file)


class OpenVino:
    """What of ONNX Runtime's session is used here."""

    def __init__(self, file):
        import openvino
        core = openvino.Core()
        self.model = core.compile_model(str(file), "CPU", {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": 1})
        self.inputs = [type("Input", (), {"name": i.get_any_name(), "shape": self.sizes(i)}) for i in self.model.inputs]

    @staticmethod
    def sizes(port):
        return [d.get_length() if d.is_static else None for d in port.get_partial_shape()]

    def get_inputs(self):
        return self.inputs

    def run(self, _, given):
        return list(self.model(given).values())


def session(file, engine="onnxruntime"):
    if engine == "openvino":
        return OpenVino(file)
    import onnxruntime
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])


def error_of_logits(arguments, name, checkpoint, file, folder, rng):
    report = json.loads(run([arguments.braid, "export", "--checkpoint", checkpoint, "--output", file, "--format", "json"]))
    onnx.checker.check_model(str(file), full_check=True)
    engine = session(file, arguments.engine)
    _, channels, height, width = engine.get_inputs()[0].shape
    x = rng.normal(size=(max(BATCHES), channels, height, width)).astype(np.float32)
    save_file({"input": x}, folder / "input.safetensors")
    classes = json.loads((pathlib.Path(checkpoint) / "config.json").read_text())["num_classes"]
    run([arguments.braid, "forward", name, "--weights", folder / "model.safetensors", "--reparameterize", "--num-classes", str(classes),
         "--img-size", str(height), "--input", folder / "input.safetensors", "--output", folder / "output.safetensors"])
    expected = load_file(folder / "output.safetensors")["logits"]
    scale = np.abs(expected).max()
    errors = [np.abs(engine.run(["logits"], {"pixel_values": x[:n]})[0] - expected[:n]).max() / scale for n in BATCHES]
    return max(errors), report["relative_error"], report["operators"], TOLERANCE


def error_of_texts(arguments, name, checkpoint, file, folder, rng):
    report = json.loads(run([arguments.braid, "export", "--checkpoint", checkpoint, "--output", file, "--format", "json"]))
    onnx.checker.check_model(str(file), full_check=True)
    engine = session(file, arguments.engine)
    config = json.loads((pathlib.Path(checkpoint) / "config.json").read_text())
    fields = {**config, **config.get("model_args", {}), **config.get("braid", {}).get("config", {})}
    words, pad = fields["vocab_size"], fields.get("pad_token_id") or 0
    errors = []
    for batch, length in zip(BATCHES, LENGTHS):
        given = {"input_ids": rng.integers(0, words, (batch, length)),
                 "attention_mask": (np.arange(length) < rng.integers(2, length + 1, (batch, 1))).astype(np.int64),
                 "token_type_ids": np.tile(np.arange(length) >= length // 2, (batch, 1)).astype(np.int64)}
        given["input_ids"][given["attention_mask"] == 0] = pad
        save_file(given, folder / "input.safetensors")
        run([arguments.braid, "forward", name, "--weights", folder, "--input", folder / "input.safetensors",
             "--output", folder / "output.safetensors"])
        taken = {i.name: given[i.name] for i in engine.get_inputs()}
        got = engine.run(None, taken)[0]
        expected = load_file(folder / "output.safetensors")["logits"]
        if got.ndim > 1 and got.shape[1] == length and got.ndim == expected.ndim and fields.get("num_labels") != length:
            real = given["attention_mask"] != 0  # what stands at padding means nothing
            got, expected = got[real], expected[real]
        errors.append(np.abs(got - expected).max() / np.abs(expected).max())
    return max(errors), report["relative_error"], report["operators"], TOLERANCE


def error_of_translators(arguments, name, checkpoint, file, folder, rng):
    files = folder / "exported"
    reports = json.loads(run([arguments.braid, "export", "--checkpoint", checkpoint, "--output", files, "--format", "json"]))
    for report in reports:
        onnx.checker.check_model(report["file"], full_check=True)
    encoder, decoder, with_past = (session(report["file"], arguments.engine) for report in reports)
    tokens = metadata(files / "encoder_model.onnx")
    words = json.loads((pathlib.Path(checkpoint) / "config.json").read_text())
    words = {**words, **words.get("braid", {}).get("config", {})}["vocab_size"]
    errors = []
    for batch, length, written in zip(BATCHES, LENGTHS, WRITTEN):
        mask = (np.arange(length) < rng.integers(2, length + 1, (batch, 1))).astype(np.int64)
        source, target = rng.integers(0, words, (batch, length)), rng.integers(0, words, (batch, written))
        source[mask == 0] = int(tokens["pad_token_id"])
        target[:, 0] = int(tokens["decoder_start_token_id"])
        save_file({"input_ids": source, "attention_mask": mask, "decoder_input_ids": target}, folder / "input.safetensors")
        run([arguments.braid, "forward", name, "--weights", folder, "--input", folder / "input.safetensors",
             "--output", folder / "output.safetensors"])
        expected = load_file(folder / "output.safetensors")
        hidden = encoder.run(None, {"input_ids": source, "attention_mask": mask})[0]
        of_decoder = {"encoder_hidden_states": hidden, "encoder_attention_mask": mask}
        logits = decoder.run(["logits"], {"input_ids": target, **of_decoder})[0]
        by_word = logits_by_word(decoder, with_past, target, of_decoder)
        real = mask != 0
        for got, wanted in ((hidden[real], expected["encoder_hidden"][real]), (logits, expected["logits"]),
                            (by_word, expected["logits"])):
            errors.append(np.abs(got - wanted).max() / np.abs(wanted).max())
    return max(errors), max(r["relative_error"] for r in reports), sum(r["operators"] for r in reports), TOLERANCE


def logits_by_word(decoder, with_past, target, given):
    """Of the first word by the decoder, of each word after it by the one that goes on from what is kept."""
    def run(engine, inputs):
        return dict(zip([output.name for output in engine.get_outputs()], engine.run(None, inputs)))

    outputs = run(decoder, {"input_ids": target[:, :1], **given})
    kept, logits = {}, [outputs["logits"]]
    for place in range(1, target.shape[1]):
        kept.update({name.replace("present", "past_key_values", 1): value for name, value in outputs.items() if name != "logits"})
        outputs = run(with_past, {"encoder_attention_mask": given["encoder_attention_mask"], "input_ids": target[:, place:place + 1], **kept})
        logits.append(outputs["logits"])
    return np.concatenate(logits, 1)


def metadata(file):
    return {entry.key: entry.value for entry in onnx.load(str(file)).metadata_props}


def error_of_probabilities(arguments, name, checkpoint, file, folder, rng):
    from PIL import Image
    report = json.loads(run([arguments.braid, "export", "--checkpoint", checkpoint, "--output", file, "--with-preprocessing", "--format", "json"]))
    onnx.checker.check_model(str(file), full_check=True)
    engine = session(file, arguments.engine)
    channels = engine.get_inputs()[0].shape[3]
    worst = 0.0
    for k, (height, width) in enumerate(IMAGE_SIZES):
        y, x = np.mgrid[:height, :width]
        waves = np.stack([np.sin(x / (7 + c)) + np.cos(y / (5 + c + k)) for c in range(channels)], -1)
        pixels = (127 + 50 * waves + rng.normal(0, 12, waves.shape)).clip(0, 255).astype(np.uint8)
        Image.fromarray(pixels if channels == 3 else pixels[..., 0]).save(folder / "image.png")
        told = json.loads(run([arguments.braid, "predict", "--checkpoint", checkpoint, folder / "image.png", "--top", "1000000", "--format", "json"]))
        got = engine.run(None, {"image": pixels[None]})[0][0]
        worst = max([worst] + [abs(got[p["index"]] - p["probability"]) for p in told[0]["predictions"]])
    return worst, report["relative_error"], report["operators"], PROBABILITY_TOLERANCE


@functools.cache
def rows(braid):
    return json.loads(run([braid, "models", "--format", "json"]))


def writes_texts(name):
    encoder_decoders = ("transformer_", "lightconv_", "dynamicconv_", "lite_transformer_")
    return name.startswith(encoder_decoders) and "_encoder_" not in name


def is_of_texts(braid, name):
    return any(row["name"] == name and len(row["input_size"]) == 1 for row in rows(braid))


def check(arguments, name, seed):
    rng = np.random.default_rng(seed)
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        command = [arguments.braid, "forward", name, "--init", "0", "--save-weights", f"{folder}/"]
        pair = writes_texts(name)
        texts = not pair and is_of_texts(arguments.braid, name)
        if texts:
            classes = arguments.num_classes or 5
            command += ["--model-kwargs", json.dumps({"head": arguments.head, "num_labels": classes})]
        for flag in () if texts or pair else ("img_size", "num_classes", "in_chans"):
            if getattr(arguments, flag) is not None:
                command += ["--" + flag.replace("_", "-"), str(getattr(arguments, flag))]
        run(command)
        disturb(folder / "model.safetensors", rng)
        measure = error_of_probabilities if arguments.preprocessing else error_of_logits
        measure = error_of_translators if pair else error_of_texts if texts else measure
        return measure(arguments, name, str(folder), folder / "model.onnx", folder, rng)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("names", nargs="*")
    parser.add_argument("--braid", default="build/bin/braid")
    parser.add_argument("--img-size", type=int)
    parser.add_argument("--num-classes", type=int)
    parser.add_argument("--in-chans", type=int)
    parser.add_argument("--head", default="sequence_classification")
    parser.add_argument("--engine", choices=("onnxruntime", "openvino"), default="onnxruntime")
    parser.add_argument("--preprocessing", action="store_true")
    arguments = parser.parse_args()
    names = arguments.names or [row["name"] for row in rows(arguments.braid)]
    failed = 0
    print(f"{'name':36} {'operators':>9} {'graph':>9} {'engine':>9}", flush=True)
    for seed, name in enumerate(names):
        try:
            error, graph_error, operators, tolerance = check(arguments, name, seed)
        except Exception as e:  # one model's failure does not end the run
            failed += 1
            print(f"{name:36} FAILED: {str(e).splitlines()[0][:300]}", flush=True)
            continue
        good = error <= tolerance
        failed += not good
        print(f"{name:36} {operators:9} {graph_error:9.1e} {error:9.1e}{'' if good else '  TOO FAR'}", flush=True)
    print(f"{len(names) - failed} of {len(names)} agree")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
