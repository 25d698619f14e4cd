#!/usr/bin/env python3
"""Models that go from timm to braid and back, on random weights and small images.

    timm_round_trip.py [NAME... | all] [--braid build/bin/braid]

Per name: a folder that timm's save_for_hf wrote is run by braid (forward, predict with timm's preprocessing, eval) and
fine-tuned by it on images of another size, channel and class count; a folder that `braid train` wrote is loaded by
timm.create_model("local-dir:..."). Without names: the models of DEFAULT, and what concerns files (shards, pickles).
`all`: every architecture of braid that timm has. Exits with 77 (skipped) without timm, with 1 when anything differs.
"""
import argparse
import json
import pathlib
import re
import shlex
import subprocess
import sys
import tempfile

try:
    import torch
    for operator in ("nms", "qnms"):  # timm imports torchvision, whose operators a mere CPU wheel may lack
        try:
            torch.library.define(f"torchvision::{operator}", "(Tensor a, Tensor b, float c) -> Tensor")
        except RuntimeError:
            pass
    import numpy as np
    import timm
    from huggingface_hub import split_torch_state_dict_into_shards
    from PIL import Image
    from safetensors import safe_open
    from safetensors.torch import load_file, save_file
    from timm.models import save_for_hf
except ImportError as error:
    print(f"skipped: {error}; scripts/oracle.sh installs what is needed")
    sys.exit(77)
sys.path.insert(0, str(pathlib.Path(__file__).parents[2] / "scripts"))
from parity import randomize, relative_error  # noqa: E402

TOLERANCE = 1e-4  # of logits, relative to the largest
GREY_LEVEL = 0.02  # of probabilities: resizing differs by a grey level from PIL's
# name -> channels, classes, pixels of the timm folder; the preprocessing it asks for
DEFAULT = {
    "resnet18": ((3, 5, 64), {"interpolation": "bilinear", "crop_pct": 0.9, "crop_mode": "squash"}),
    "deit_tiny_distilled_patch16_224": ((1, 7, 80), {"crop_pct": 0.95, "crop_mode": "border"}),
    "coatnet_nano_rw_224": ((3, 6, 64), {"interpolation": "bicubic"}),
}
OTHERS = ((3, 5, 64), {})
failures = []


def expect(ok, what):
    if not ok:
        failures.append(what)
        print(f"  FAILED: {what}")


class Braid:
    def __init__(self, program):
        self.program = program

    def run(self, *words):
        return subprocess.run([self.program, *map(str, words)], capture_output=True, text=True)

    def __call__(self, *words):
        done = self.run(*words)
        if done.returncode != 0:
            raise RuntimeError(f"braid {shlex.join(map(str, words))}: exit code {done.returncode}\n{done.stderr}")
        return done.stdout, done.stderr

    def logits(self, name, weights, x, work):
        save_file({"input": x}, work / "input.safetensors")
        self("forward", name, "--weights", weights, "--input", work / "input.safetensors", "--output",
             work / "output.safetensors")
        return load_file(work / "output.safetensors")["logits"]


def write_images(folder, channels, classes, generator, per_class=2):
    """PNG files larger than any crop, of many shapes; returns them in order."""
    files = []
    for label in range(classes):
        for index in range(per_class):
            height, width = (int(n) for n in generator.integers(90, 140, 2))
            waves = np.add.outer(np.arange(height) * (label + 1), np.arange(width) * (index + 2))[..., None]
            pixels = (waves + generator.integers(0, 90, (height, width, channels))) % 256
            file = folder / f"class{label}" / f"{index}.png"
            file.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray((pixels[..., 0] if channels == 1 else pixels).astype(np.uint8)).save(file)
            files.append(file)
    return files


def timm_probabilities(model, channels, files):
    config = timm.data.resolve_model_data_config(model)
    transform = timm.data.create_transform(**config)
    images = [Image.open(file).convert("L" if channels == 1 else "RGB") for file in files]
    with torch.no_grad():
        return model(torch.stack([transform(image) for image in images])).softmax(-1)


def check_predictions(braid, model, folder, channels, files, what):
    expected = timm_probabilities(model, channels, files)
    out, _ = braid("predict", "--checkpoint", folder, "--format", "json", "--top", 1000, *files)
    for row, answer in zip(expected, json.loads(out)):
        got = torch.zeros_like(row)
        for entry in answer["predictions"]:
            got[entry["index"]] = entry["probability"]
        expect((got - row).abs().max() < GREY_LEVEL, f"{what}: predict differs from timm's transform and model")
    return expected


def takes_img_size(name):
    return bool(timm.get_pretrained_cfg(name).fixed_input_size)


def timm_model(name, channels, classes, size):
    kwargs = {"img_size": size} if takes_img_size(name) else {}
    model = timm.create_model(name, in_chans=channels, num_classes=classes, **kwargs)
    randomize(model, torch.Generator().manual_seed(1))
    return model.eval()


def from_timm(braid, name, shape, preprocessing, work, generator):
    channels, classes, size = shape
    folder = work / "from_timm"
    model = timm_model(name, channels, classes, size)
    names = [f"class{label}" for label in range(classes)]
    save_for_hf(model, folder, safe_serialization=True, model_config={"label_names": names},
                data_config={"img_size": size, **preprocessing})
    x = torch.randn(2, channels, size, size)
    with torch.no_grad():
        expected = model(x)
    expect(relative_error(braid.logits(name, folder, x, work), expected) < TOLERANCE, f"{name}: logits of timm's folder")

    config = json.loads((folder / "config.json").read_text())
    again = timm.create_model(f"local-dir:{folder}", pretrained=True).eval()
    files = write_images(work / "images", channels, classes, generator)
    expected = check_predictions(braid, again, folder, channels, files, f"{name} from timm")
    report = json.loads(braid("eval", "--checkpoint", folder, "--data", work / "images", "--format", "json")[0])
    labels = torch.arange(classes).repeat_interleave(len(files) // classes)
    loss = float(-expected[torch.arange(len(files)), labels].log().mean())
    expect(report["count"] == len(files) and abs(report["loss"] - loss) < GREY_LEVEL * max(1, loss),
           f"{name}: eval's loss {report['loss']}, timm's {loss}")

    # The same with a tag in the name, and without names of classes.
    config["architecture"] += ".some_tag"
    del config["label_names"]
    (folder / "config.json").write_text(json.dumps(config))
    tagged = json.loads(braid("eval", "--checkpoint", folder, "--data", work / "images", "--format", "json")[0])
    expect(abs(tagged["loss"] - report["loss"]) < 1e-5, f"{name}: eval with a tag and without names")
    config["architecture"] = name
    (folder / "config.json").write_text(json.dumps(config))
    return folder, model


def fine_tune(braid, name, shape, folder, work, generator):
    """--lr 0 keeps what was loaded; timm loads the same folder for the same other data."""
    channels, classes, size = 4 - shape[0], shape[1] + 2, 96  # 1 <-> 3 channels
    write_images(work / "other", channels, classes, generator)
    run = work / "fine_tuned"
    _, said = braid("train", "--model", f"{name}.some_tag", "--weights", folder, "--data", work / "other", "--img-size",
                    size, "--lr", 0, "--recipe", "none", "--batch-size", 4, "--max-steps", 1, "--output", run)
    expect("classifier" in said and "channels" in said, f"{name}: what was adapted is said: {said}")
    kwargs = {"img_size": size} if takes_img_size(name) else {}
    reference = timm.create_model(f"local-dir:{folder}", pretrained=True, num_classes=classes, in_chans=channels,
                                  **kwargs)
    loaded = load_file(run / "last" / "model.safetensors")
    heads = reference.pretrained_cfg["classifier"]
    heads = (heads,) if isinstance(heads, str) else tuple(heads)
    for key, value in reference.named_parameters():
        if key.startswith(heads):
            expect(loaded[key].shape == value.shape, f"{name}: shape of {key}")
        else:
            expect(relative_error(loaded[key], value.detach()) < 1e-5, f"{name}: fine-tuning starts from another {key}")
    first = reference.pretrained_cfg["first_conv"]
    written = json.loads((run / "last" / "config.json").read_text())["pretrained_cfg"]
    expect(written["first_conv"] == first, f"{name}: first_conv {written['first_conv']}, timm's {first}")
    expect(written["tag"] == "some_tag", f"{name}: the tag is kept")


def to_timm(braid, name, shape, work, generator):
    channels, classes, size = shape
    data = work / "train"
    files = write_images(data, channels, classes, generator, per_class=3)
    run = work / "run"
    braid("train", "--model", name, "--data", data, "--img-size", size, "--batch-size", 4, "--max-steps", 3, "--lr", 1e-3,
          "--output", run)
    folder = run / "model_best"
    model = timm.create_model(f"local-dir:{folder}", pretrained=True).eval()
    expect(model.num_classes == classes, f"{name}: timm's num_classes")
    x = torch.randn(2, channels, size, size)
    with torch.no_grad():
        expected = model(x)
    expect(relative_error(braid.logits(name, folder, x, work), expected) < TOLERANCE,
           f"{name}: logits of braid's folder in timm")
    check_predictions(braid, model, folder, channels, files, f"{name} to timm")
    # What timm writes of it is what braid wrote.
    save_for_hf(model, work / "again", safe_serialization=True)
    ours, theirs = (json.loads((f / "config.json").read_text()) for f in (folder, work / "again"))
    for key in ("architecture", "num_classes", "num_features", "global_pool"):
        expect(ours.get(key) == theirs.get(key), f"{name}: {key} {ours.get(key)}, timm's {theirs.get(key)}")
    for key in ("input_size", "fixed_input_size", "interpolation", "crop_pct", "crop_mode", "mean", "std", "num_classes",
                "first_conv", "classifier"):
        a, b = ours["pretrained_cfg"].get(key), theirs["pretrained_cfg"].get(key)
        expect(a == b, f"{name}: pretrained_cfg {key} {a}, timm's {b}")
    out, _ = braid("eval", "--checkpoint", work / "again", "--data", data, "--format", "json")
    expect(json.loads(out)["count"] > 0, f"{name}: timm's copy of braid's folder")


def shards(braid, work):
    folder = work / "sharded"
    braid("forward", "vit_tiny_patch16_224", "--init", 3, "--save-weights", f"{folder}/", "--max-shard-size", "2MB")
    braid("forward", "vit_tiny_patch16_224", "--init", 3, "--save-weights", work / "whole.safetensors")
    whole = load_file(work / "whole.safetensors")
    index = json.loads((folder / "model.safetensors.index.json").read_text())
    own = {key: whole[key].clone() for key in sorted(whole)}  # tensors that share memory would share a shard
    split = split_torch_state_dict_into_shards(own, max_shard_size="2MB")
    expect(index["weight_map"] == split.tensor_to_filename, "shards: huggingface_hub splits otherwise")
    expect(index["metadata"]["total_size"] == split.metadata["total_size"], "shards: total_size")
    for key, file in index["weight_map"].items():
        with safe_open(folder / file, "pt") as opened:
            expect(torch.equal(opened.get_tensor(key), whole[key]), f"shards: {key}")
    x = torch.randn(1, 3, 224, 224)
    a, b = (braid.logits("vit_tiny_patch16_224", f, x, work) for f in (folder, work / "whole.safetensors"))
    expect(torch.equal(a, b), "shards: logits")


def pickles(braid, work):
    """The command in the message converts what it refuses."""
    whole = load_file(work / "whole.safetensors")
    torch.save({"state_dict": {f"module.{k}": v.half() for k, v in whole.items()}, "epoch": 3}, work / "old.pth.tar")
    for words in (("eval", "--data", work, "--checkpoint"), ("predict", "x.png", "--checkpoint"),
                  ("forward", "vit_tiny_patch16_224", "--save-weights", work / "w.safetensors", "--weights"),
                  ("train", "--model", "vit_tiny_patch16_224", "--data", work / "images", "--output", work / "no",
                   "--weights")):
        done = braid.run(*words, work / "old.pth.tar")
        expect(done.returncode == 65 and "python -c" in done.stderr, f"pickle refused by {words[0]}: {done.stderr}")
    command = shlex.split(re.search(r"python -c .*", done.stderr)[0])
    subprocess.run([sys.executable, *command[1:]], check=True)
    x = torch.randn(1, 3, 224, 224)
    got = braid.logits("vit_tiny_patch16_224", work / "old.safetensors", x, work)
    expected = braid.logits("vit_tiny_patch16_224", work / "whole.safetensors", x, work)
    expect(relative_error(got, expected) < 0.02, "pickle: converted half-precision weights under module.")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("names", nargs="*")
    parser.add_argument("--braid", default="build/bin/braid")
    args = parser.parse_args()
    braid = Braid(args.braid)
    names = args.names or list(DEFAULT)
    if names == ["all"]:
        names = [entry["name"] for entry in json.loads(braid("models", "--format", "json")[0])
                 if timm.is_model(entry["name"])]
    for name in names:
        print(name, flush=True)
        shape, preprocessing = DEFAULT.get(name, OTHERS)
        torch.manual_seed(2)
        generator = np.random.default_rng(3)
        with tempfile.TemporaryDirectory() as scratch:
            work = pathlib.Path(scratch)
            try:
                folder, _ = from_timm(braid, name, shape, preprocessing, work, generator)
                fine_tune(braid, name, shape, folder, work, generator)
                to_timm(braid, name, shape, work, generator)
            except (RuntimeError, TypeError, AssertionError) as error:
                expect(False, f"{name}: {error}")
    if not args.names:
        print("files", flush=True)
        with tempfile.TemporaryDirectory() as scratch:
            work = pathlib.Path(scratch)
            write_images(work / "images", 3, 2, np.random.default_rng(3))
            shards(braid, work)
            pickles(braid, work)
    print(f"{len(names)} models, {len(failures)} differences")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
