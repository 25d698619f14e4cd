#!/usr/bin/env python3
"""Writes fixtures/questions.json: what the references say of extractive question answering.

    .venv/bin/python tests/tasks/generate_questions.py   (transformers 5.24.0; seed 1)

`scores`: exact match and F1 of SQuAD's evaluate-v1.1.py and evaluate-v2.0.py, re-stated below word by word. `windows`: rows and
labels of run_qa.py (Hugging Face transformers) with a BERT tokenizer of `vocab`, for several lengths and strides; a label that
run_qa.py puts behind the window, where the answer begins with the window's last token, is left out (null). `spans`: answers of
its postprocess_qa_predictions to random logits of several windows, without and with unanswerable questions.
"""
import collections
import json
import pathlib
import re
import string
import tempfile

import numpy as np
import torch

for op in ("nms", "qnms"):  # transformers imports torchvision, whose operators a mere CPU wheel may lack
    try:
        torch.library.define(f"torchvision::{op}", "(Tensor a, Tensor b, float c) -> Tensor")
    except RuntimeError:
        pass
from transformers import BertTokenizerFast  # noqa: E402


def normalize(s):
    s = "".join(ch for ch in s.lower() if ch not in set(string.punctuation))
    return " ".join(re.sub(r"\b(a|an|the)\b", " ", s).split())


def f1(prediction, truth, version_2):
    got, wanted = normalize(prediction).split(), normalize(truth).split()
    same = sum((collections.Counter(got) & collections.Counter(wanted)).values())
    if version_2 and (not got or not wanted):
        return int(got == wanted)
    if same == 0:
        return 0
    precision, recall = same / len(got), same / len(wanted)
    return 2 * precision * recall / (precision + recall)


def score(prediction, references, version_2):
    truths = [r for r in references if normalize(r)] if version_2 else references
    truths = truths or [""]
    return [max(int(normalize(t) == normalize(prediction)) for t in truths),
            max(f1(prediction, t, version_2) for t in truths)]


CASES = [
    ("the Denver Broncos", ["Denver Broncos", "The Denver Broncos!"]), ("Denver", ["Denver Broncos"]),
    ("a cat, a dog", ["cat and dog"]), ("", []), ("something", []), ("", ["an answer"]), ("the", ["the"]), ("the", ["a"]),
    ("U.S.", ["US"]), ("re-entry", ["reentry"]), ("theatre", ["the atre"]), ("a-b", ["ab", "a b"]),
    ("1,000 people", ["1000 People"]), ("İSTANBUL", ["i̇stanbul"]), ("ΟΔΟΣ", ["οδος", "οδοσ"]), ("l’an 2000", ["an 2000"]),
    ("x\u00a0y\u2003z", ["x y z"]), ("the the the end", ["end end"]), ("to be to be", ["to be or not to be", "be"]),
    ("«the» end", ["« » end", "end"]), ("an_apple", ["anapple"]), ("A 中文 the答", ["中文 答"]), ("é the̍ e", ["e"]),
    ("50%", ["50", "fifty"]), ("\x1cword\x1fword", ["word word"]), ("Straße", ["STRASSE", "straße"]),
]

WORDS = "where is the cat who sat on a mat in house old man and his dog went away to see big red tree ran ##s ##ing ##ed".split()
VOCAB = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"] + sorted(set(WORDS)) + list("bcdefghijklmnopqrstuvwxyz.,?")


def windows():
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "vocab.txt"
        path.write_text("\n".join(VOCAB) + "\n")
        tokenizer = BertTokenizerFast.from_pretrained(folder)
    context = "The old man sees a cat, and his dogs ran away. Who sat on the mat in his house? A big red tree."
    questions = [("Where is the cat?", "on the mat"), ("Who ran?", "his dogs"), ("Where?", "The old man"),
                 ("Who went?", ""), ("Where is it?", "tree."), ("What is the man?", context)]
    out = []
    for max_length, stride in [(24, 4), (20, 8), (14, 3), (64, 16)]:
        for question, answer in questions:
            start = context.find(answer) if answer else -1
            encoded = tokenizer(question, context, truncation="only_second", max_length=max_length, stride=stride,
                                return_overflowing_tokens=True, return_offsets_mapping=True)
            rows = []
            for i, ids in enumerate(encoded["input_ids"]):
                offsets, sequence = encoded["offset_mapping"][i], encoded.sequence_ids(i)
                first, last = 0, len(ids) - 1
                while sequence[first] != 1:
                    first += 1
                while sequence[last] != 1:
                    last -= 1
                begin, end = first, last
                label = [0, 0]
                if start >= 0 and offsets[begin][0] <= start and offsets[end][1] >= start + len(answer):
                    while begin < len(offsets) and offsets[begin][0] <= start:
                        begin += 1
                    while offsets[end][1] >= start + len(answer):
                        end -= 1
                    label = [begin - 1, end + 1] if begin - 1 <= last else None
                rows.append({"ids": ids, "types": encoded["token_type_ids"][i], "label": label,
                             "begin": first, "spans": [list(o) for o in offsets[first:last + 1]]})
            out.append({"question": question, "answer": answer, "start": start, "max_length": max_length,
                        "doc_stride": stride, "rows": rows})
    return {"vocab": VOCAB, "context": context, "cases": out}


def postprocess(context, features, n_best, longest, version_2, threshold):
    """utils_qa.py's, for one question; features: (start logits, end logits, offsets or None)."""
    null, found = None, []
    for starts, ends, offsets in features:
        if null is None or null > starts[0] + ends[0]:
            null = starts[0] + ends[0]
        for s in np.argsort(starts)[-1:-n_best - 1:-1].tolist():
            for e in np.argsort(ends)[-1:-n_best - 1:-1].tolist():
                if offsets[s] is None or offsets[e] is None or e < s or e - s + 1 > longest:
                    continue
                found.append((float(starts[s] + ends[e]), offsets[s][0], offsets[e][1]))
    found.sort(key=lambda x: -x[0])
    if not found:
        return ""
    if version_2 and null - found[0][0] > threshold:
        return ""
    return context[found[0][1]:found[0][2]]


def spans():
    rng = np.random.RandomState(1)
    context = " ".join(f"w{i}" for i in range(40))
    places = [(m.start(), m.end()) for m in re.finditer(r"\S+", context)]
    out = []
    for case in range(40):
        windows_, first = [], 0
        while True:
            part = places[first:first + 16]
            offsets = [None] * 4 + part + [None]
            scale = 3.0 if case % 3 else 0.3
            starts, ends = np.round(rng.randn(2, len(offsets)) * scale, 3)
            if case % 2:
                starts[0] += 4
            windows_.append((starts, ends, offsets))
            if first + 16 >= len(places):
                break
            first += 12
        options = {"n_best": [3, 20, 1][case % 3], "longest": [30, 2, 5][case % 3],
                   "threshold": float([0, -2, 1.5][case % 3])}
        args = (options["n_best"], options["longest"])
        out.append({"options": options,
                    "windows": [{"starts": np.round(s, 3).tolist(), "ends": e.tolist(), "spans": o} for s, e, o in windows_],
                    "answer": postprocess(context, windows_, *args, False, options["threshold"]),
                    "answer_2": postprocess(context, windows_, *args, True, options["threshold"])})
    return {"context": context, "cases": out}


out = {"scores": [{"answer": p, "references": r, "v1": score(p, r, False), "v2": score(p, r, True)} for p, r in CASES],
       "windows": windows(), "spans": spans()}
path = pathlib.Path(__file__).resolve().parent / "fixtures" / "questions.json"
path.write_text(json.dumps(out, ensure_ascii=False, separators=(",", ":")) + "\n")
print(path, path.stat().st_size)
