#!/usr/bin/env python3
"""Writes fixtures/bleu_interval.json: sacreBLEU's bootstrap of a small corpus, by four seeds.

Made with sacrebleu 2.6.0, Python 3.11. Usage: generate_bleu_interval.py > fixtures/bleu_interval.json
"""
import json
import os
import random

from sacrebleu.metrics import BLEU

rng = random.Random(3)
WORDS = "a dog man walks sleeps today here quickly the house".split()
references = [" ".join(rng.choice(WORDS) for _ in range(rng.randint(4, 9))) for _ in range(60)]
texts = []
for reference in references:
    words = [rng.choice(WORDS) if rng.random() < 0.25 else word for word in reference.split()]
    texts.append(" ".join(words[:-1] if rng.random() < 0.3 else words))
means, halves = [], []
for seed in range(4):
    os.environ["SACREBLEU_SEED"] = str(seed)
    score = BLEU(references=[references]).corpus_score(texts, None, n_bootstrap=1000)
    means.append(score._mean)
    halves.append(score._ci)
print(json.dumps({"texts": texts, "references": references, "means": means, "halves": halves}, indent=0))
