"""What the peers of bench/translate_ratio.py have in common.

A peer reads a line with a number of searches, makes them, answers with the seconds they took and a checksum of the texts;
it ends at end of input.
"""
import argparse
import sys
import time
from collections.abc import Callable, Iterable


def arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser()
    parser.add_argument("--folder", required=True)
    parser.add_argument("--input", required=True)
    parser.add_argument("--beams", type=int, default=4)
    parser.add_argument("--tokens", type=int, default=32)
    parser.add_argument("--dtype", default="float32")
    return parser


def answer(search: Callable, tokens_of: Callable[..., Iterable[int]]) -> None:
    """search() -> texts; tokens_of(texts): all of them, each with its first."""
    print("ready", flush=True)
    for line in sys.stdin:
        start = time.perf_counter()
        for _ in range(int(line)):
            texts = search()
        seconds = time.perf_counter() - start
        print(seconds, sum((i + 1) * token for i, token in enumerate(tokens_of(texts))), flush=True)
