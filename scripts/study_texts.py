#!/usr/bin/env python3
"""The studies of texts: what docs/studies/translation.md, text-fusion.md and bert.md show, by the plain commands.

    scripts/study_texts.py GROUP... [--braid build/bin/braid] [--work runs/texts] [--threads 0]
        [--multi30k FOLDER] [--sst2 FOLDER] [--minilm FOLDER] [--scale 1]

translation: transformer_tiny for an hour on Multi30k, scored with sacrebleu where Python has it. trio: a CNN, a Transformer
and a fusion of both that translate, 25 minutes each on it. fusion: a CNN, a Transformer
and a fusion of both on SST-2, MiniLM tuned beside them, and on debian-packages, with the n-gram models. minilm: MiniLM tuned on
SST-2. bert: a BERT behind convolutions trained on Debian's descriptions for 40 minutes, then tuned on 2% of the sections' labels,
beside the same network from scratch, each with two seeds, and the n-gram models.
--scale 0.1 takes a tenth of every budget, to try the script. Each command and its output go to WORK/GROUP.log; a step that
is in it already is not done again.
"""
import argparse
import json
import os
import pathlib
import random
import subprocess

SHARE = 0.02  # of the labels


class Study:
    def __init__(self, args, name):
        self.args, self.log = args, args.work / f"{name}.log"
        args.work.mkdir(parents=True, exist_ok=True)

    def seconds(self, whole):
        return str(max(1, round(whole * self.args.scale)))

    def run(self, *command):
        """One step; braid's verbs are called by their names."""
        head = "$ " + " ".join(map(str, command))
        if self.log.exists() and head + "\n" in self.log.read_text():
            print(head, "(done)", flush=True)
            return
        print(head, flush=True)
        words = [str(c) for c in command]
        if words[0] == "braid":
            words[0] = self.args.braid
            if words[1] in ("train", "compare"):
                words += ["--threads", str(self.args.threads)]
        done = subprocess.run(words, check=True, capture_output=True, text=True)
        shown = "".join(line + "\n" for line in (done.stdout + done.stderr).splitlines() if " ETA " not in line)
        print(shown, flush=True)
        with open(self.log, "a") as file:
            file.write(f"{head}\n{shown}\n")


def translation(study):
    data, run = study.args.multi30k, study.args.work / "en-de"
    test = sorted(pathlib.Path(data).glob("test*2016*.en"))[0]
    study.run("braid", "train", "--model", "transformer_tiny", "--data", data, "--source-lang", "en", "--target-lang", "de",
              "--vocab-size", "4000", "--max-train-seconds", study.seconds(3600), "--output", run)
    study.run("braid", "translate", "--checkpoint", run, test, "--output", study.args.work / "test.de")
    study.run("braid", "eval", "--checkpoint", run, "--data", f"{test},{test.with_suffix('.de')}")
    study.run("python3", "-m", "sacrebleu", test.with_suffix(".de"), "-i", study.args.work / "test.de", "-m", "bleu", "chrf",
              "--format", "text")


def trio(study):
    for model in ("lightconv_tiny", "transformer_tiny", "lite_transformer_160"):
        run = study.args.work / model
        study.run("braid", "train", "--model", model, "--data", study.args.multi30k, "--source-lang", "en", "--target-lang", "de",
                  "--vocab-size", "4000", "--max-train-seconds", study.seconds(1500), "--output", run)
        study.run("braid", "eval", "--checkpoint", run, "--data", study.args.multi30k, "--split", "test")


def fusion(study):
    models = "textcnn,bert_tiny,bert_tiny_cnn"
    study.run("braid", "compare", "--data", study.args.sst2, "--models", f"{models},bert_base={study.args.minilm}", "--budget",
              f"time={study.seconds(180)}s", "--output", study.args.work / "sst2")
    study.run("braid", "compare", "--data", "debian-packages", "--models", models, "--budget", f"time={study.seconds(300)}s",
              "--skip", "efficiency", "--output", study.args.work / "sections")


def minilm(study):
    run = study.args.work / "minilm"
    study.run("braid", "train", "--model", "bert_base", "--weights", study.args.minilm, "--data", study.args.sst2, "--epochs", "3",
              "--output", run)
    study.run("braid", "eval", "--checkpoint", run, "--data", study.args.sst2, "--split", "val")


def few_labels(folder):
    """train.jsonl and test.jsonl of debian-packages, with a share of train's rows."""
    home = pathlib.Path(os.environ.get("BRAID_DATA_HOME", pathlib.Path.home() / ".cache/braid")) / "debian-packages"
    folder.mkdir(parents=True, exist_ok=True)
    rows = (home / "train.jsonl").read_text().splitlines()
    random.Random(0).shuffle(rows)
    (folder / "train.jsonl").write_text("\n".join(rows[:round(SHARE * len(rows))]) + "\n")
    classes = {json.loads(row)["label"] for row in rows[:round(SHARE * len(rows))]}
    known = [row for row in (home / "test.jsonl").read_text().splitlines() if json.loads(row)["label"] in classes]
    (folder / "test.jsonl").write_text("\n".join(known) + "\n")
    return folder


def bert(study):
    work, model = study.args.work, "conv_stem_bert_small"
    for name in ("debian-packages", "debian-packages-text"):
        study.run("braid", "data", "get", name)
    few = few_labels(work / "few")
    study.run("braid", "train", "--model", model, "--data", "debian-packages-text", "--max-train-seconds", study.seconds(2400),
              "--output", work / "lm")
    for seed in ("0", "1"):
        for name, start in (("tuned", "--weights"), ("scratch", "--tokenizer")):
            run = work / (name + seed)
            study.run("braid", "train", "--model", model, start, work / "lm/model_best", "--data", few, "--epochs", "15",
                      "--max-length", "128", "--seed", seed, "--output", run)
            study.run("braid", "eval", "--checkpoint", run, "--data", few, "--split", "test")
    study.run("braid", "compare", "--data", few, "--models", "textcnn", "--budget", "time=10s", "--skip", "efficiency",
              "robustness", "--output", work / "ngrams")


GROUPS = {"translation": translation, "trio": trio, "fusion": fusion, "minilm": minilm, "bert": bert}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("groups", nargs="+", choices=GROUPS)
    parser.add_argument("--braid", default="build/bin/braid")
    parser.add_argument("--work", type=pathlib.Path, default=pathlib.Path("runs/texts"))
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--multi30k", default="multi30k")
    parser.add_argument("--sst2", default="sst2")
    parser.add_argument("--minilm", default="minilm")
    parser.add_argument("--scale", type=float, default=1)
    args = parser.parse_args()
    for group in args.groups:
        GROUPS[group](Study(args, group))


if __name__ == "__main__":
    main()
