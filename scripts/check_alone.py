#!/usr/bin/env python3
"""Compiles sources and installed headers each by itself, without the unity build, which hides what a file forgot to
include. It checks their syntax alone, with the precompiled header of the build, one compiler per core.

    scripts/check_alone.py                what the last commit changed and what looks as if it lacked an include, then
                                          others until the time is over
    scripts/check_alone.py --all          every one of them: minutes
    scripts/check_alone.py FILE...        these

What is checked beyond the change is another part at every commit. --build FOLDER, --seconds N (0: no limit).
"""
import argparse
import concurrent.futures
import fnmatch
import functools
import hashlib
import json
import os
import pathlib
import re
import shlex
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
NOT_ALONE = re.compile(r"^tests/fuzz/|^examples/|/browser/|/kernels/\w+_(baseline|avx\w+)\.cpp$")  # built by other means, or alone


TYPE = re.compile(r"^(?:(?:class|struct|enum class|using) |TORCH_MODULE\()(\w+)(?= final| :| \{| =|\))", re.M)
FUNCTION = re.compile(r"^[\w:<>,&* \[\]]+[ &*]([a-z]+_\w+)\(", re.M)


def git(*arguments: str) -> list:
    run = subprocess.run(["git", "-C", ROOT, *arguments], capture_output=True, text=True)
    return run.stdout.split("\n") if run.returncode == 0 else []


def candidates() -> list:
    """Sources, and the headers that are installed."""
    lines = (ROOT / "cmake/public_headers.txt").read_text().splitlines()
    public = [line for line in lines if line and not line.startswith("#")]
    return sorted(path for path in git("ls-files") if not NOT_ALONE.search(path) and path != "braid/pch.h" and
                  (path.endswith(".cpp") or any(fnmatch.fnmatch(path, pattern) for pattern in public)))


def target_of(path: str) -> str:
    parts = path.split("/")
    if parts[0] == "braid":
        return "braid_base" if parts[1] in ("core", "io", "text", "decoding") else "braid"
    if parts[0] == "cli":
        return "braid_program" if parts[1] == "front" else "braid_torch_program"
    return pathlib.Path(path).stem if parts[0] == "bench" else "_".join(["test", *parts[1:-1]])


def commands(build: pathlib.Path) -> dict:
    """{target: (folder, command without its source and output)}"""
    found = {}
    for entry in json.loads((build / "compile_commands.json").read_text()):
        words = shlex.split(entry["command"])
        target = re.search(r"CMakeFiles/([^/]+)\.dir/", words[words.index("-o") + 1])
        if not target or target[1] in found or not re.search(r"(?<!cmake_pch\.hxx)\.(cpp|cxx)$", entry["file"]):
            continue  # nor the precompiled header's own, which compiles sources as headers, without it
        words = words[:words.index("-o")]  # what follows is the output and the source
        compiler = next(i for i, word in enumerate(words) if re.search(r"(\+\+|clang|g)(-\d+)?$", word))
        found[target[1]] = (entry["directory"], words[compiler:])
    return found


def without_comments(text: str) -> str:
    text = re.sub(r'R"(\w*)\(.*?\)\1"|"(\\.|[^"\\\n])*"', '""', text, flags=re.S)
    return re.sub(r"//[^\n]*", "", text)


def suspects(paths: list) -> set:
    """Those that name a type or function of the project which nothing they include declares, as far as words tell."""
    texts = {path: (ROOT / path).read_text() for path in git("ls-files", "*.h", "*.cpp") if path and (ROOT / path).exists()}
    includes = {path: re.findall(r'^#include "([^"]+)"', text, flags=re.M) for path, text in texts.items()}
    texts = {path: without_comments(text) for path, text in texts.items()}
    declared = {}
    for path, text in texts.items():
        if path.endswith(".h"):
            for name in TYPE.findall(text) + FUNCTION.findall(text):
                declared.setdefault(name, set()).add(path)

    @functools.cache
    def reached(path: str) -> frozenset:
        beside = [str(pathlib.Path(path).parent / other) for other in includes[path]]
        return frozenset({path}).union(*(reached(other) for other in includes[path] + beside if other in texts))

    def lacks(path: str) -> bool:
        text = texts[path]
        own = set(re.findall(r"\b(?:class|struct|enum class|using) (?:\w+::)*(\w+)|(?:\w[\w:<>,]*[ &*]+|TEST\()(\w+)[(,]", text))
        used = set(re.findall(r"(?<![\w.>:])(?:braid::|nn::|ops::)?([A-Z]\w+|[a-z]+_\w+(?=\())", text)) & declared.keys()
        return any(not declared[name] & reached(path) for name in used - {name for pair in own for name in pair})

    return {path for path in paths if lacks(path)}


def check(path: str, known: dict) -> str:
    folder, command = known[target_of(path)]
    # A header comes in as in a source that begins with it.
    source = ["-x", "c++", "-"] if path.endswith(".h") else [str(ROOT / path)]
    run = subprocess.run([*command, "-fsyntax-only", *source], cwd=folder, capture_output=True, text=True,
                         input=f'#include "{path}"\n')
    return f"{path}: does not compile by itself\n{run.stderr}" if run.returncode != 0 else ""


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("files", nargs="*")
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build")
    parser.add_argument("--seconds", type=float, default=120)
    options = parser.parse_args()
    known = commands(options.build)
    every = [path for path in candidates() if target_of(path) in known]
    files = options.files or every
    end = None
    if not options.files and not options.all:
        changed = set(git("diff", "--name-only", "HEAD~1")) | set(git("diff", "--name-only"))
        commit = "".join(git("rev-parse", "HEAD"))
        suspected = suspects(every)
        files = sorted(every, key=lambda path: (path not in changed, path not in suspected, hashlib.sha1((commit + path).encode()).digest()))
        end = time.monotonic() + options.seconds if options.seconds > 0 else None
    done, problems = 0, []

    def one(path: str):
        return None if end and time.monotonic() > end else check(path, known)

    with concurrent.futures.ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        for problem in pool.map(one, files):
            done += problem is not None
            if problem:
                problems.append(problem)
    print("\n".join(problems + [f"{done} of {len(files)} files compiled alone, {len(problems)} could not"]))
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
