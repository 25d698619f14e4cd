#!/usr/bin/env python3
"""Writes fixtures/entities.tsv: sequences of random tags and their entities, kind:begin-end, by seqeval 1.2.2.

    tests/tasks/generate_entities.py    # needs pip's seqeval
"""
import pathlib
import random

from seqeval.metrics.sequence_labeling import get_entities

TAGS = ["O", "B-A", "I-A", "B-B", "I-B", "E-A", "S-A", "E-B", "S-B"]

random.seed(3)
rows = []
for n in range(60):
    tags = TAGS if n % 2 else TAGS[:5]
    sequence = [random.choice(tags) for _ in range(random.randint(1, 9))]
    rows.append(" ".join(sequence) + "\t" + " ".join(f"{k}:{b}-{e + 1}" for k, b, e in get_entities(sequence)))
pathlib.Path(__file__).with_name("fixtures").joinpath("entities.tsv").write_text("\n".join(rows) + "\n")
