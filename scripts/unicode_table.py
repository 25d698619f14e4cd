#!/usr/bin/env python3
"""Writes braid/text/unicode_table.inc: what Hugging Face's `tokenizers` holds of every code point.

    scripts/unicode_table.py > braid/text/unicode_table.inc

Asked of the package itself, since five versions of Unicode meet in it: categories of 8 (clean_text, accents, punctuation),
decompositions of 9, Rust's own lower case and white space, the words of its regular expressions, and Oniguruma's letters
and digits. Made with tokenizers 0.23.3; takes a minute.
"""
import sys
import unicodedata

from tokenizers import AddedToken, Regex, Tokenizer, models, normalizers, pre_tokenizers

FLAGS = ["removed", "space", "white", "punct", "cjk", "mn", "word", "letter", "number", "onig_space", "upper", "lower",
         "other", "mark"]
BIT = {name: 1 << i for i, name in enumerate(FLAGS)}
CODES = [cp for cp in range(0x110000) if not 0xD800 <= cp < 0xE000]
BLOCK = 128


def bert(**on):
    options = {"clean_text": False, "handle_chinese_chars": False, "strip_accents": False, "lowercase": False}
    return normalizers.BertNormalizer(**{**options, **on})


def members(pattern):
    """The code points that Oniguruma's class matches."""
    cut = pre_tokenizers.Split(Regex(pattern), "removed")
    found = set()
    for first in range(0, len(CODES), 4096):
        part = [chr(cp) for cp in CODES[first:first + 4096]]
        left = {c for piece, _ in cut.pre_tokenize_str("".join(part)) for c in piece}
        found |= set(part) - left
    return found


def combining_classes(nfd, marks):
    """Two marks of one class stay as they are, of two classes the lower comes first, whatever the order was."""
    still = [c for c in marks if nfd(c) == c and nfd(c + "\u0334") + nfd("\u0334" + c) + nfd(c + "\u0301") + nfd("\u0301" + c)
             != c + "\u0334" + "\u0334" + c + c + "\u0301" + "\u0301" + c]  # moved by one of two classes: has one
    examples = {}
    for c in still:
        examples.setdefault(unicodedata.combining(c), c)
    classes = {}
    for c in still:
        same = [value for value, other in examples.items() if nfd(c + other) == c + other and nfd(other + c) == other + c]
        assert len(same) == 1, f"U+{ord(c):04X}"
        classes[c] = same[0]
    return classes


def main():
    clean, cjk, strip, lower = (bert(**{name: True}).normalize_str for name in
                                ("clean_text", "handle_chinese_chars", "strip_accents", "lowercase"))
    nfd = normalizers.NFD().normalize_str
    split = pre_tokenizers.BertPreTokenizer().pre_tokenize_str
    single = Tokenizer(models.WordLevel({"x": 0, "TOK": 1}, unk_token="x"))
    single.add_tokens([AddedToken("TOK", single_word=True, normalized=False)])
    onig = {name: members(pattern) for name, pattern in
            {"letter": r"\p{L}", "number": r"\p{N}", "onig_space": r"\s", "upper": r"[\p{Lu}\p{Lt}]", "lower": r"\p{Ll}",
             "other": r"[\p{Lm}\p{Lo}]", "mark": r"\p{M}"}.items()}
    classes = combining_classes(nfd, [chr(cp) for cp in CODES if unicodedata.combining(chr(cp))])

    records, index, pool = {}, [], []
    for cp in range(0x110000):
        if 0xD800 <= cp < 0xE000:
            index.append(index[0x378])  # no text holds them
            continue
        c = chr(cp)
        flags = 0
        cleaned = clean("a" + c + "b")
        flags |= {"ab": BIT["removed"], "a b": BIT["space"]}.get(cleaned, 0)
        assert flags or cleaned == "a" + c + "b"
        pieces = len(split("a" + c + "b"))
        flags |= {1: 0, 2: BIT["white"], 3: BIT["punct"]}[pieces]
        if cjk(c) != c:
            assert cjk(c) == " " + c + " "
            flags |= BIT["cjk"]
        decomposed, stripped = nfd(c), strip(c)
        if decomposed == c and stripped == "":
            flags |= BIT["mn"]
        if single.encode(c + "TOK").ids[-1:] != [1]:
            flags |= BIT["word"]
        for name, which in onig.items():
            if c in which:
                flags |= BIT[name]
        lowered = lower(c)
        assert len(lowered) in (1, 2)
        extra = ord(lowered[1]) if len(lowered) == 2 else 0
        place = length = 0
        if decomposed != c and not 0xAC00 <= cp < 0xD7A4:
            place, length = len(pool), len(decomposed)
            pool += [ord(x) for x in decomposed]
        record = (flags, classes.get(c, 0), ord(lowered[0]) - cp, extra, place, length)
        index.append(records.setdefault(record, len(records)))

    blocks, first = {}, []
    for start in range(0, len(index), BLOCK):
        first.append(blocks.setdefault(tuple(index[start:start + BLOCK]), len(blocks)))
    assert len(records) < 65536 and len(pool) < 65536 and len(blocks) < 65536
    print(f"// Written by scripts/unicode_table.py; {len(records)} kinds of code points in {len(blocks)} blocks of {BLOCK}.")

    def numbers(name, kind, values):
        print(f"constexpr {kind} {name}[{len(values)}] = {{")
        line = ""
        for value in values:
            text = f"{value},"
            if len(line) + len(text) > 120:
                print(line)
                line = ""
            line += text
        print(line + "};")

    print(f"constexpr CodePoint kKinds[{len(records)}] = {{")
    line = ""
    for record in records:
        text = "{" + ",".join(map(str, record)) + "},"
        if len(line) + len(text) > 120:
            print(line)
            line = ""
        line += text
    print(line + "};")
    numbers("kDecompositions", "uint32_t", pool)
    numbers("kBlockOf", "uint16_t", first)
    numbers("kKindOf", "uint16_t", [kind for block in blocks for kind in block])
    print(f"U+: {len(blocks) * BLOCK * 2 + len(first) * 2 + len(records) * 16 + len(pool) * 4} bytes", file=sys.stderr)


if __name__ == "__main__":
    main()
