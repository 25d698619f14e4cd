#!/usr/bin/env python3
"""clang-tidy over the sources; what it checks stands in .clang-tidy. It looks at what the build compiles: with a unity
build several sources at once, because most of its time goes into the headers.

    scripts/check_tidy.py                what the last commit changed, then others until the time is over
    scripts/check_tidy.py --all          every one of them: an hour and more, LibTorch's headers are long
    scripts/check_tidy.py WORD...        what is compiled from sources whose paths hold one of these words

What passed is not looked at again before a source, a header of braid that it includes, or .clang-tidy changes.
--build FOLDER, --seconds N, --jobs N, --list: only say what would be looked at.
"""
import argparse
import concurrent.futures
import hashlib
import json
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"', re.M)
# What GCC alone knows, and precompiled headers, which only it can read.
NOT_FOR_CLANG = re.compile(r"-fpch-preprocess|-fopenmp|-Winvalid-pch|-W.*|-O\d|-x|c\+\+(-header)?|-include|.*cmake_pch\.hxx")
NOT_OURS = re.compile(r"verify_interface_header_sets|cmake_pch|/browser/|/fuzz/")


def git(*arguments: str) -> list:
    run = subprocess.run(["git", "-C", ROOT, *arguments], capture_output=True, text=True)
    return run.stdout.split("\n") if run.returncode == 0 else []


class Unit:
    """What one compiler is called for: its source, the flags that clang understands, all files of braid that it reads."""

    texts = {}

    def __init__(self, entry: dict):
        self.file, self.folder = pathlib.Path(entry["file"]), entry["directory"]
        words = shlex.split(entry["command"])
        words = words[next(i for i, word in enumerate(words) if word.startswith("-D") or word.startswith("-I")):words.index("-o")]
        self.flags = [word for word in words if not NOT_FOR_CLANG.fullmatch(word)]
        first = INCLUDE.findall(self.file.read_text()) if self.file.suffix == ".cxx" else [str(self.file)]
        self.sources = [name.removeprefix(f"{ROOT}/") for name in first if name.startswith(f"{ROOT}/") and name.endswith(".cpp")]
        self.reads, waiting = {}, list(self.sources)
        while waiting:
            name = waiting.pop()
            if name in self.reads:
                continue
            self.reads[name] = text = self.text(name)
            beside = str(pathlib.PurePosixPath(name).parent)
            waiting += [path for include in INCLUDE.findall(text) for path in (include, f"{beside}/{include}") if self.text(path)]

    @classmethod
    def text(cls, path: str) -> str:
        if path not in cls.texts:
            cls.texts[path] = (ROOT / path).read_text() if (ROOT / path).is_file() else ""
        return cls.texts[path]

    def digest(self, basis: str) -> str:
        whole = [basis, *self.flags, *(f"{name}\0{text}" for name, text in sorted(self.reads.items()))]
        return hashlib.sha256("\0".join(whole).encode()).hexdigest()

    def check(self, tidy: str) -> str:
        run = subprocess.run([tidy, "--quiet", str(self.file), "--", *self.flags], cwd=self.folder, capture_output=True, text=True)
        return "" if run.returncode == 0 else run.stdout or run.stderr or f"{tidy} ended with {run.returncode}"


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("words", nargs="*")
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build")
    parser.add_argument("--seconds", type=float, default=150)
    parser.add_argument("--jobs", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--list", action="store_true")
    options = parser.parse_args()
    tidy = shutil.which("clang-tidy-14") or shutil.which("clang-tidy")
    if not tidy:
        sys.exit("check_tidy: clang-tidy not found; run scripts/bootstrap.sh --tests")
    entries = json.loads((options.build / "compile_commands.json").read_text())
    units = [Unit(entry) for entry in entries if entry["file"].endswith((".cpp", ".cxx")) and not NOT_OURS.search(entry["file"])]
    units = [unit for unit in units if unit.sources]
    end = None
    if options.words:
        units = [unit for unit in units if any(word in source for word in options.words for source in unit.sources)]
    elif not options.all:
        changed = set(git("diff", "--name-only", "HEAD~1")) | set(git("diff", "--name-only"))
        commit = "".join(git("rev-parse", "HEAD"))
        units.sort(key=lambda unit: (-len(changed.intersection(unit.sources)), changed.isdisjoint(unit.reads),
                                     hashlib.sha1((commit + str(unit.file)).encode()).digest()))
        end = time.monotonic() + options.seconds
    passed = options.build / "tidy"
    passed.mkdir(exist_ok=True)
    basis = (ROOT / ".clang-tidy").read_text() + subprocess.run([tidy, "--version"], capture_output=True, text=True).stdout
    wrong, looked_at, known = 0, 0, 0

    def one(unit: Unit):
        mark = passed / unit.digest(basis)
        if mark.exists():
            return "known"
        if options.list or end and time.monotonic() > end:
            return None
        found = unit.check(tidy)
        if not found:
            mark.touch()
        return found

    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        for unit, found in zip(units, pool.map(one, units)):
            if options.list:
                print(f"{'passed' if found else 'to do '} {' '.join(unit.sources)}")
            known += found == "known"
            looked_at += found is not None
            if found and found != "known":
                wrong += 1
                print(f"{', '.join(unit.sources)}:\n{found}", flush=True)
    print(f"clang-tidy: {looked_at} of {len(units)} units ({known} of them unchanged since they passed), {wrong} with findings")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
