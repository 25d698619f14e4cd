#!/usr/bin/env python3
"""Fails when an include points up the layers of docs/architecture.md, or when core, io or text include LibTorch.

A folder of braid/ may include only folders of a lower rank, or itself. --graph prints the rooms and their arrows.
"""
import pathlib
import re
import sys

ROOMS = ["core", "io", "text", "runtime", "data", "ops", "nn", "models", "generate", "graph", "tasks", "train", "evaluate",
         "explain", "compress", "export", "serve"]
RANK = {room: rank for rank, room in enumerate(ROOMS)}
TORCH = re.compile(r"(torch|ATen|c10|caffe2)/|braid/torch\.h$")
INCLUDE = re.compile(r'^\s*#\s*include\s+["<]([^">]+)[">]', re.MULTILINE)


def main() -> int:
    root = pathlib.Path(__file__).resolve().parent.parent
    problems, arrows = [], {}
    for file in sorted((root / "braid").rglob("*")):
        parts = file.relative_to(root).parts
        if file.suffix not in (".h", ".cpp") or len(parts) < 3:
            continue
        room = parts[1]
        if room not in RANK:
            problems.append(f"{file.relative_to(root)}: room '{room}' is not in the plan")
            continue
        for name in INCLUDE.findall(file.read_text()):
            where = f"{file.relative_to(root)}: includes {name}"
            if RANK[room] <= RANK["text"] and TORCH.match(name):
                problems.append(where + ", but core, io and text know no LibTorch")
            target = re.match(r"braid/(\w+)/", name)
            if name.startswith("cli/"):
                problems.append(where + ", but the library does not know the program")
            elif target and target[1] != room:
                arrows.setdefault(room, set()).add(target[1])
                if RANK.get(target[1], 99) >= RANK[room]:
                    problems.append(where + ", which points up or sideways")
    if "--graph" in sys.argv:
        for room in sorted(arrows, key=RANK.get):
            print(f"{room:10} -> {', '.join(sorted(arrows[room], key=RANK.get))}")
    for problem in problems:
        print(problem, file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
