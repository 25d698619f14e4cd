#!/usr/bin/env python3
"""Writes fixtures/corpus_scores.json: what sacreBLEU gives for random and for written texts.

Made with sacrebleu 2.6.0, regex 2026.11.19, Python 3.11. Usage: generate_corpus_scores.py [cases] [seed] > fixtures/corpus_scores.json
"""
import json
import logging
import random
import sys

from sacrebleu.metrics import BLEU, CHRF

logging.disable(logging.WARNING)
WORDS = """the a man dog in front of house is running two young women U.S. 3,000.50 1.5 -5 2-3 10-year-old it's don't "quoted" (hi) [x] {y}
&amp; &quot;w&quot; &lt;b&gt; &amp;lt; <skipped> e.g. i.e., etc... wait... what?! $5.00 50% a/b C++ x=y #1 @me ~ ^ ` | \\ _under_ end. end, .5 5. 5, ,5 -- -
Straße ÄÖÜ naïve café Ein Mann läuft „Zitat“ ‚so‘ – — … € £5 ½ ² ① Ⅳ № ™ ° ΟΔΟΣ ΣΑΣ Σ aΣ. ΑΣ'Β İstanbul ISTANBUL ǅ ß ẞ ﬁ Привет, мир! ДА
你好，世界。 中文 １２３ 日本語「です」 かな ｶﾅ العربية ٣٫١٤ ، हिन्दी । १२३ 한국어 עברית שלום ไทย 😀 👨‍👩‍👧 🇩🇪 e\u0301 A\u030a \u200bzw a\u00a0b c\u2009d \u2028 \u0085
\x1c x\x1fy \x0b tab\there soft\u00adhyphen \ufeffbom \u01c5 ℌ K Å""".split(" ")
WORDS = [w for w in " ".join(WORDS).replace("\n", " ").split(" ") if w]


def line(rng):
    n = rng.choice([0, 1, 2, 3, 4, 5, 8, 12, 20, 35])
    spaces = [" "] * 12 + ["  ", "\t", "\u3000", ""]
    return "".join(w + rng.choice(spaces) for w in rng.choices(WORDS, k=n)).replace("\n", " ")


def changed(rng, text):
    words = text.split(" ")
    for _ in range(rng.randrange(0, 6)):
        if not words:
            break
        i = rng.randrange(len(words))
        what = rng.randrange(5)
        if what == 0:
            words[i] = rng.choice(WORDS)
        elif what == 1:
            del words[i]
        elif what == 2:
            words.insert(i, rng.choice(WORDS))
        elif what == 3:
            words[i] = words[i].upper()
        else:
            j = rng.randrange(len(words))
            words[i], words[j] = words[j], words[i]
    return " ".join(words)


def scores(texts, references, rng):
    bleu = dict(
        tokenize=rng.choice(["13a", "13a", "none", "char", "intl", "intl"]),
        lowercase=rng.random() < 0.4,
        smooth_method=rng.choice(["exp", "exp", "floor", "add-k", "none"]),
        smooth_value=rng.choice([None, None, 0.5, 0.01]),
        max_ngram_order=rng.choice([4, 4, 4, 1, 2, 6]),
        effective_order=rng.random() < 0.3,
    )
    chrf = dict(
        char_order=rng.choice([6, 6, 4]),
        word_order=rng.choice([0, 2, 2, 1]),
        beta=rng.choice([2, 2, 1, 3]),
        lowercase=rng.random() < 0.3,
        whitespace=rng.random() < 0.3,
        eps_smoothing=rng.random() < 0.3,
    )
    b, c = BLEU(force=True, **bleu), CHRF(**chrf)
    by_place = [list(r) for r in zip(*references)]  # sacreBLEU wants a list for each reference
    result_b, result_c = b.corpus_score(texts, by_place), c.corpus_score(texts, by_place)
    without_version = lambda m: str(m.get_signature()).rsplit("|", 1)[0]
    return dict(
        bleu_options=bleu, chrf_options=chrf,
        bleu=dict(score=result_b.score, precisions=result_b.precisions, matched=result_b.counts, all=result_b.totals,
                  brevity_penalty=result_b.bp, length=result_b.sys_len, reference_length=result_b.ref_len,
                  text=result_b._verbose, signature=without_version(b)),
        chrf=dict(score=result_c.score, name=result_c.name, signature=without_version(c)),
    )


def main():
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 120
    rng = random.Random(int(sys.argv[2]) if len(sys.argv) > 2 else 0)
    cases = []
    for _ in range(count):
        size, each = rng.choice([1, 1, 2, 5, 12]), rng.choice([1, 1, 2, 3])
        references = [[line(rng) for _ in range(each)] for _ in range(size)]
        texts = [changed(rng, rng.choice(r)) if rng.random() < 0.9 else line(rng) for r in references]
        cases.append(dict(texts=texts, references=references, **scores(texts, references, rng)))
    tokens = []
    for tokenizer in ("13a", "none", "char", "intl"):
        for text in WORDS + [line(rng) for _ in range(20)]:
            tokens.append([tokenizer, text, " ".join(BLEU(tokenize=tokenizer).tokenizer(text).split())])
    lower = [[text, text.lower()] for text in WORDS + ["ΑΣ ΑΣ.", "ΑΣ\u00ad", "Σ", "1Σ", "ΑΣ\u0301Α", "\U00010400"]]
    json.dump(dict(cases=cases, tokens=tokens, lower=lower), sys.stdout, ensure_ascii=True, indent=None, separators=(",", ":"))
    print()


main()
