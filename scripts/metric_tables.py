#!/usr/bin/env python3
"""Writes braid/tasks/metrics/unicode_classes.inc: what sacreBLEU's tokenizers and Python's str.lower() know of code points.

Made with regex 2026.11.19 and Python 3.11 (Unicode 14 for the lower case). Usage: metric_tables.py > unicode_classes.inc
"""
import regex

ALL = [chr(c) for c in range(0x110000) if not 0xD800 <= c < 0xE000]


def ranges(test):
    found, start, last = [], None, None
    for char in ALL:
        code = ord(char)
        if test(char):
            if start is None or code != last + 1:
                if start is not None:
                    found.append((start, last))
                start = code
            last = code
    if start is not None:
        found.append((start, last))
    return found


def table(name, rows):
    out = [f"constexpr std::array<Range, {len(rows)}> {name}{{{{"]
    line = "   "
    for row in rows:
        item = " {0x%X, 0x%X}," % row
        if len(line) + len(item) > 100:
            out.append(line)
            line = "   "
        line += item
    out += [line, "}};"]
    return "\n".join(out)


def final_sigma(text):
    return text.lower().endswith("\u03c2")


def lower_runs():
    """(first, last, step, added): every step-th code point of the run has this lower case."""
    single = [(ord(c), ord(c.lower()) - ord(c)) for c in ALL if c.lower() != c and len(c.lower()) == 1]
    runs = []
    for code, added in single:
        if runs:
            first, last, step, before = runs[-1]
            gap = code - last
            if before == added and gap <= 2 and (step == 0 or gap == step):
                runs[-1] = (first, code, gap, added)
                continue
        runs.append((code, code, 0, added))
    several = [(c, c.lower()) for c in ALL if len(c.lower()) > 1]
    assert several == [("\u0130", "i\u0307")], several
    return [(a, b, max(step, 1), added) for a, b, step, added in runs]


def main():
    print("// Made by scripts/metric_tables.py.")
    for name, pattern in (("kPunctuation", r"\p{P}"), ("kSymbols", r"\p{S}"), ("kNumbers", r"\p{N}")):
        compiled = regex.compile(pattern)
        print(table(name, ranges(compiled.fullmatch)))
    cased = {c for c in ALL if final_sigma(c + "\u03a3")}
    print("// Of the rule of the final sigma.")
    print(table("kCased", ranges(lambda c: c in cased)))
    print(table("kCaseIgnorable", ranges(lambda c: c not in cased and final_sigma("a" + c + "\u03a3"))))
    print(table("kSpaces", ranges(str.isspace)))
    runs = lower_runs()
    print(f"constexpr std::array<LowerRun, {len(runs)}> kLower{{{{")
    line = "   "
    for first, last, step, added in runs:
        item = " {0x%X, 0x%X, %d, %d}," % (first, last, step, added)
        if len(line) + len(item) > 100:
            print(line)
            line = "   "
        line += item
    print(line)
    print("}};")


main()
