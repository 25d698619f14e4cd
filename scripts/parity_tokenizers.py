#!/usr/bin/env python3
"""Compares `braid data tokenize` with Hugging Face's `tokenizers` on lines of many scripts.

    scripts/parity_tokenizers.py TOKENIZER... [--braid build/bin/braid] [--lines 10000] [--seed 0]

TOKENIZER: a tokenizer.json, BERT's vocab.txt, or a SentencePiece model (held against the sentencepiece module). Lines: a third
from the message catalogues on this machine (/usr/share/locale, 100 languages where iso-codes is installed), a third of words
of random scripts, a third of random code points of all planes with spaces, accents and special tokens between. Compared are
ids and offsets in code points; of the first two also words, and ids cut to 16 tokens. Exits with 1 on the first kind that
differs, and shows its first lines.
"""
import argparse
import gettext
import json
import pathlib
import random
import subprocess
import sys
import tempfile

from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors

SCRIPTS = [(0x41, 0x5A), (0x61, 0x7A), (0xC0, 0x24F), (0x370, 0x3FF), (0x400, 0x52F), (0x590, 0x5FF), (0x600, 0x6FF),
           (0x900, 0x97F), (0xE00, 0xE7F), (0x1100, 0x11FF), (0x1E00, 0x1FFF), (0x3040, 0x30FF), (0x4E00, 0x9FFF),
           (0xAC00, 0xD7A3), (0xFF00, 0xFFEF), (0x1F300, 0x1F6FF), (0x1D400, 0x1D7FF), (0x20000, 0x2A6DF)]
BETWEEN = [" ", "  ", "\t", "\u00a0", "\u3000", "'s ", "'LL ", "\u2019", ". ", "-", "123", "\u0301", "\u0323", "\u302e", "\u200d", "/",
           "\r", "\u2028", "\u00ad", "[MASK]", "<|endoftext|>", "\u0130", "\u00df", "\ufb01", "\ufffd", "\u017f", "[ MASK ]"]


def catalogue_lines(rng, count):
    found = []
    for path in sorted(pathlib.Path("/usr/share/locale").rglob("*.mo")):
        try:
            with open(path, "rb") as file:
                messages = gettext.GNUTranslations(file)._catalog
        except Exception:
            continue
        for text in messages.values():
            found += [line for line in str(text).split("\n") if line.strip()]
    return rng.sample(found, count) if len(found) >= count else [rng.choice(found) for _ in range(count)] if found else []


def made_lines(rng, count):
    for _ in range(count):
        words = []
        for _ in range(rng.randint(1, 12)):
            first, last = rng.choice(SCRIPTS)
            words.append("".join(chr(rng.randint(first, last)) for _ in range(rng.randint(1, 8))))
            words.append(rng.choice(BETWEEN) if rng.random() < 0.7 else " ")
        yield "".join(words)


def wild_lines(rng, count):
    for _ in range(count):
        text = []
        for _ in range(rng.randint(0, 30)):
            code = rng.choice([rng.randint(1, 0x7F), rng.randint(1, 0x2FFF), rng.randint(1, 0x1FFFF), rng.randint(1, 0x10FFFF)])
            text.append(rng.choice(BETWEEN) if 0xD800 <= code < 0xE000 or rng.random() < 0.2 else chr(code))
        yield "".join(text)


def make_lines(count, seed):
    rng = random.Random(seed)
    lines = catalogue_lines(rng, count // 3)
    lines += list(made_lines(rng, (count - len(lines)) // 2))
    lines += list(wild_lines(rng, count - len(lines)))
    return [line.replace("\n", " ").rstrip("\r") for line in lines]  # CR LF ends a line


def reference(path):
    path = pathlib.Path(path)
    if path.suffix == ".json":
        tokenizer = Tokenizer.from_file(str(path))
        tokenizer.no_padding()
        return tokenizer
    vocab = models.WordPiece.read_file(str(path))
    tokenizer = Tokenizer(models.WordPiece(vocab, unk_token="[UNK]"))
    tokenizer.add_special_tokens([token for token in ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]") if token in vocab])
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", vocab["[CLS]"]), ("[SEP]", vocab["[SEP]"])])
    tokenizer.decoder = decoders.WordPiece()
    return tokenizer


def rows_of(braid, tokenizer, file, *flags):
    run = subprocess.run([braid, "data", "tokenize", "--tokenizer", tokenizer, file, "--format", "jsonl", "--offsets", "chars",
                          *flags], capture_output=True, text=True)
    if run.returncode:
        sys.exit(run.stderr)
    return [json.loads(line) for line in run.stdout.split("\n")[:-1]]


def fields_of(message):
    """(number, value) of a protobuf message's integers, strings and floats."""
    at = 0

    def varint():
        nonlocal at
        value = shift = 0
        while True:
            byte, at = message[at], at + 1
            value, shift = value | (byte & 0x7F) << shift, shift + 7
            if byte < 0x80:
                return value

    while at < len(message):
        number, wire = divmod(varint(), 8)
        if wire == 0:
            yield number, varint()
            continue
        size = varint() if wire == 2 else 4
        at += size
        yield number, message[at - size:at]


def pieces_of(message, line):
    """Number and span in code points of each piece of a SentencePieceText."""
    text = line.encode()
    pieces = [dict(fields_of(piece)) for number, piece in fields_of(message) if number == 2]
    return [(piece.get(2, 0), [len(text[:piece.get(place, 0)].decode(errors="ignore")) for place in (4, 5)]) for piece in pieces]


def report(what, lines, theirs, ours):
    wrong = [i for i, (a, b) in enumerate(zip(theirs, ours)) if a != b]
    print(f"  {what:28} {len(lines) - len(wrong)} of {len(lines)} lines equal")
    for i in wrong[:3]:
        print(f"    {lines[i]!r}\n      reference {theirs[i]}\n      braid     {ours[i]}")
    return not wrong


def compare(braid, path, lines):
    print(path)
    with tempfile.TemporaryDirectory() as folder:
        file = pathlib.Path(folder, "lines.txt")
        file.write_text("".join(line + "\n" for line in lines), encoding="utf-8", newline="")
        if not path.endswith((".json", ".txt")):
            import sentencepiece
            processor = sentencepiece.SentencePieceProcessor(model_file=path)
            rows = rows_of(braid, path, file, "--no-special-tokens")
            theirs = [pieces_of(processor.encode(line, out_type="serialized_proto"), line) for line in lines]
            good = report("ids", lines, [[id for id, _ in row] for row in theirs], [row["ids"] for row in rows])
            return good & report("offsets in code points", lines, [[span for _, span in row] for row in theirs],
                                 [row["offsets"] for row in rows])
        tokenizer = reference(path)
        tokenizer.no_truncation()
        theirs, rows = [tokenizer.encode(line) for line in lines], rows_of(braid, path, file)
        good = report("ids", lines, [e.ids for e in theirs], [row["ids"] for row in rows])
        good &= report("offsets in code points", lines, [[list(o) for o in e.offsets] for e in theirs],
                       [row["offsets"] for row in rows])
        good &= report("words", lines, [e.word_ids for e in theirs],
                       [[None if word < 0 else word for word in row["words"]] for row in rows])
        tokenizer.enable_truncation(16)
        rows = rows_of(braid, path, file, "--max-length", "16")
        good &= report("ids, cut to 16 tokens", lines, [tokenizer.encode(line).ids for line in lines], [row["ids"] for row in rows])
        return good


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("tokenizers", nargs="+")
    parser.add_argument("--braid", default="build/bin/braid")
    parser.add_argument("--lines", type=int, default=10000)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    lines = make_lines(arguments.lines, arguments.seed)
    return 0 if all([compare(arguments.braid, path, lines) for path in arguments.tokenizers]) else 1


if __name__ == "__main__":
    sys.exit(main())
