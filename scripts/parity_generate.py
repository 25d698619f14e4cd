#!/usr/bin/env python3
"""Holds braid's text generation against `generate` of Hugging Face transformers, token for token.

    .venv/bin/python scripts/parity_generate.py [--models 30] [--cases 40] [--seed 7] [--program build/bin/test_generate]

Makes many small MarianMTModels and searches (tests/generate/generate_cases.py), and lets braid's test program write them.
"""
import argparse
import os
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[1]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--models", type=int, default=30)
    parser.add_argument("--cases", type=int, default=40)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--program", type=pathlib.Path, default=ROOT / "build/bin/test_generate")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([sys.executable, ROOT / "tests/generate/generate_cases.py", folder, "--models", str(args.models),
                        "--cases", str(args.cases), "--seed", str(args.seed)], check=True)
        tests = "--gtest_filter=Search.WritesWhatTransformersWritesInAnotherFolder"
        return subprocess.run([args.program, tests], env={**os.environ, "BRAID_GENERATE_CASES": folder}).returncode


if __name__ == "__main__":
    sys.exit(main())
