#!/usr/bin/env python3
"""clang-tidy over the sources; what it checks stands in .clang-tidy. Most of its time goes into LibTorch's headers, so up
to --batch sources are looked at as one unit; those whose names clash with others in it are then looked at apart.

    scripts/check_tidy.py                what the last commit changed, then others until the time is over
    scripts/check_tidy.py --all          every one of them: minutes
    scripts/check_tidy.py WORD...        sources whose paths hold one of these words

What passed is not looked at again before the source, a header of braid that it includes, or .clang-tidy changes.
--build FOLDER, --seconds N, --jobs N, --batch N, --list: only say what would be looked at.
"""
import argparse
import concurrent.futures
import hashlib
import json
import os
import pathlib
import re
import shlex
import subprocess
import sys
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
TIDY = ROOT / ".venv/bin/clang-tidy"  # PyPI's, which scripts/bootstrap.sh pins: each version finds other things
INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"', re.M)
# What GCC alone knows, and precompiled headers, which only it can read.
NOT_FOR_CLANG = re.compile(r"-fpch-preprocess|-fopenmp|-Winvalid-pch|-W.*|-O\d|-x|c\+\+(-header)?|-include|.*cmake_pch\.hxx")
NOT_SOURCES = re.compile(r"verify_interface_header_sets|cmake_pch")
FINDING = re.compile(r"^(/[^:\n]+):\d+:\d+: (?:error|warning): .*", re.M)
CLASH = "clang-diagnostic-error"


def git(*arguments: str) -> list:
    run = subprocess.run(["git", "-C", ROOT, *arguments], capture_output=True, text=True)
    return run.stdout.split("\n") if run.returncode == 0 else []


class Source:
    """A source, the flags of its compiler that clang understands, all files of braid that it reads."""

    texts = {}

    def __init__(self, path: str, folder: str, words: list):
        self.path, self.folder = path, folder
        self.room = "/".join(path.split("/")[:2])
        self.config = ROOT / ("tests/.clang-tidy" if path.startswith("tests/") else ".clang-tidy")
        words = [word for word in words if not NOT_FOR_CLANG.fullmatch(word)]
        # "OLD NEW": each fuzz target is compiled with a name of its own for one function.
        self.renames = [word[2:].replace("=", " ") for word in words if word.startswith("-DLLVMFuzzerTestOneInput=")]
        self.flags = tuple(word for word in words if not word.startswith("-DLLVMFuzzerTestOneInput="))
        self.has_main = re.search(r"^int main\(", self.text(path), re.M) is not None
        self.reads, waiting = {}, [path]
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


def sources_of(build: pathlib.Path) -> list:
    """Every source that the build compiles, once, in the order of paths."""
    found = {}
    for entry in json.loads((build / "compile_commands.json").read_text()):
        file = pathlib.Path(entry["file"])
        if file.suffix not in (".cpp", ".cxx") or NOT_SOURCES.search(entry["file"]):
            continue
        words = shlex.split(entry["command"])
        words = words[next(i for i, word in enumerate(words) if re.match("-([DI]|isystem$)", word)):words.index("-o")]
        names = INCLUDE.findall(file.read_text()) if file.suffix == ".cxx" else [str(file)]  # a unit of the unity build
        for name in names:
            path = name.removeprefix(f"{ROOT}/")
            if path != name and path.endswith(".cpp") and path not in found:
                found[path] = Source(path, entry["directory"], words)
    return [source for _, source in sorted(found.items())]


def units_of(sources: list, most: int) -> list:
    """Lists of at most so many sources with the same flags; rooms stay together where they fit."""
    rooms, units = {}, []
    for source in sources:
        rooms.setdefault((source.config, source.flags, source.room), []).append(source)
    for (config, flags, _), room in sorted(rooms.items(), key=lambda item: (item[0], len(item[1]))):
        if units and (units[-1][0].config, units[-1][0].flags) == (config, flags) and len(units[-1]) + len(room) <= most:
            units[-1] += room
            continue
        parts = -(-len(room) // most)
        units += [room[i * len(room) // parts:(i + 1) * len(room) // parts] for i in range(parts)]
    return units


def path_in(name: str) -> str:
    return os.path.normpath(name).removeprefix(f"{ROOT}/")


def look_at(unit: list, scratch: pathlib.Path) -> tuple:
    """(findings as texts, sources that passed)"""
    file = scratch / f"unit_{hashlib.sha1(' '.join(s.path for s in unit).encode()).hexdigest()[:12]}.cpp"
    lines, mains = [], 0
    for source in sorted(unit, key=lambda source: source.has_main):
        names = source.renames
        mains += source.has_main
        if source.has_main and mains > 1:
            names = [*names, f"main main_{mains}"]
        lines += [*(f"#define {name}" for name in names), f'#include "{ROOT / source.path}"', *(f"#undef {name.split()[0]}" for name in names)]
    file.write_text("\n".join(lines) + "\n")
    command = [str(TIDY), "--quiet", f"--config-file={unit[0].config}", str(file), "--", *unit[0].flags]
    run = subprocess.run(command, cwd=unit[0].folder, capture_output=True, text=True)
    file.unlink()
    if run.returncode == 0:
        return [], unit
    if CLASH in run.stdout and len(unit) > 1:  # that may have kept it from looking at the others
        errors = {path_in(match[1]) for match in FINDING.finditer(run.stdout) if CLASH in match[0]}
        apart = [s for s in unit if s.path in errors]
        if not apart or len(apart) == len(unit):
            apart = unit[:len(unit) // 2]
        print(f"not to be looked at together with others: {' '.join(s.path for s in apart)}", file=sys.stderr, flush=True)
        results = [look_at(part, scratch) for part in (apart, [s for s in unit if s not in apart])]
        return results[0][0] + results[1][0], results[0][1] + results[1][1]
    starts = [match.start() for match in FINDING.finditer(run.stdout)]
    found = [run.stdout[start:end].rstrip() for start, end in zip(starts, [*starts[1:], len(run.stdout)])]
    if not found or CLASH in run.stdout:  # it could not look at all of it
        return found or [f"{TIDY} ended with {run.returncode}\n{run.stderr}"], []
    where = {path_in(match[1]) for match in FINDING.finditer(run.stdout)}
    return found, [source for source in unit if where.isdisjoint(source.reads)]


def finds_what_is_planted(scratch: pathlib.Path) -> bool:
    """Whether clang-tidy, as it is set up here, sees a fault at all."""
    file = scratch / "planted.cpp"
    file.write_text("#include <string>\n#include <utility>\n"
                    "std::string twice(std::string a) {\n  std::string b = std::move(a);\n  return a + b;\n}\n")
    command = [str(TIDY), "--quiet", f"--config-file={ROOT / '.clang-tidy'}", str(file), "--", "-std=c++20"]
    run = subprocess.run(command, capture_output=True, text=True)
    file.unlink()
    return run.returncode != 0 and "bugprone-use-after-move" in run.stdout


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("words", nargs="*")
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build")
    parser.add_argument("--seconds", type=float, default=150)
    parser.add_argument("--jobs", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--list", action="store_true")
    options = parser.parse_args()
    if not TIDY.exists():
        sys.exit(f"check_tidy: expected clang-tidy at {TIDY}, got none; run scripts/bootstrap.sh --tests, which installs it from PyPI")
    every = sources_of(options.build)
    scratch = options.build / "tidy"
    scratch.mkdir(exist_ok=True)
    marks = scratch / "passed.txt"
    passed = set(marks.read_text().split()) if marks.exists() else set()
    version = subprocess.run([TIDY, "--version"], capture_output=True, text=True).stdout
    basis = version + (ROOT / ".clang-tidy").read_text()
    digests = {source.path: source.digest(basis + source.config.read_text()) for source in every}
    chosen = [s for s in every if not options.words or any(word in s.path for word in options.words)]
    waiting = [source for source in chosen if digests[source.path] not in passed]
    known, end = len(chosen) - len(waiting), None
    if options.words or options.all:
        units = units_of(waiting, options.batch)
    else:
        changed = set(git("diff", "--name-only", "HEAD~1")) | set(git("diff", "--name-only"))
        ranks = [[], [], []]
        for source in waiting:
            ranks[0 if source.path in changed else 1 if not changed.isdisjoint(source.reads) else 2].append(source)
        commit = "".join(git("rev-parse", "HEAD"))  # of the rest another part at every commit
        others = sorted(units_of(ranks[2], options.batch), key=lambda unit: hashlib.sha1((commit + unit[0].path).encode()).digest())
        units = units_of(ranks[0], options.batch) + units_of(ranks[1], options.batch) + others
        end = time.monotonic() + options.seconds
    if options.list:
        for unit in units:
            print(" ".join(source.path for source in unit))
        print(f"clang-tidy: {len(waiting)} of {len(chosen)} sources to look at, in {len(units)} units")
        return 0
    if not finds_what_is_planted(scratch):
        sys.exit(f"check_tidy: expected {TIDY} to find a planted fault, it passed; see .clang-tidy")
    told, done, lock = set(), 0, threading.Lock()

    def one(unit: list):
        if end and time.monotonic() > end:
            return 0
        found, good = look_at(unit, scratch)
        with lock:
            with marks.open("a") as file:
                file.writelines(digests[source.path] + "\n" for source in good)
            for text in found:  # a header's come with each unit that reads it
                if text not in told:
                    told.add(text)
                    print(text, flush=True)
        return len(unit)

    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        done = sum(pool.map(one, units))
    print(f"clang-tidy: {done + known} of {len(chosen)} sources ({known} of them unchanged since they passed), {len(told)} findings")
    return 1 if told else 0


if __name__ == "__main__":
    sys.exit(main())
