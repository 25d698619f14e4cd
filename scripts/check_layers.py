#!/usr/bin/env python3
"""Holds the sources to the plan of docs/architecture.md. Fails on

- an include that points up the layers, or LibTorch in core, io, text, decoding, runner or serve outside of serve/torch: a folder of braid/
  may include only folders of a lower rank, or itself; OpenVINO outside of its module; evaluate/deploy in evaluate/ itself;
- a cycle of includes inside a folder, a header and its source taken as one;
- a header under nn/ that only one architecture reaches (the composer alone is enough): it belongs beside its model;
- what has one door and is entered elsewhere: attention, dropout, foreign JSON, devices from text;
- a header of cmake/public_headers.txt that includes one that is not in it, and so not installed;
- a test that includes something of a room above its own;
- a test that reaches GoogleTest only through the precompiled header, which clang-tidy does not read.

--graph prints the rooms and their arrows.
"""
import fnmatch
import pathlib
import re
import sys

ROOMS = ["core", "io", "text", "decoding", "runner", "runtime", "data", "ops", "nn", "models", "generate", "graph", "tasks", "train", "explain",
         "compress", "export", "serve", "evaluate"]
RANK = {room: rank for rank, room in enumerate(ROOMS)}
TORCH = re.compile(r"(torch|ATen|c10|caffe2)/|braid/torch\.h$")
INCLUDE = re.compile(r'^\s*#\s*include\s+["<]([^">]+)[">]', re.MULTILINE)
COMMENT = re.compile(r"//[^\n]*")
# An architecture's file declares `void add_NAME(Registry& table);`.
ARCHITECTURE = re.compile(r"^void add_\w+\(Registry&", re.MULTILINE)
GTEST_MACRO = re.compile(r"^ *(TEST(_F|_P)?|EXPECT_\w+|ASSERT_\w+)\(", re.MULTILINE)
# What, where it stands, which file may do it.
DOORS = [
    ("scaled_dot_product_attention", re.compile(r"\bscaled_dot_product_attention\s*\("), "braid/nn/attention/core"),
    ("dropout", re.compile(r"\b(?:at|torch)::dropout\s*\("), "braid/nn/basic/dropout"),
    ("Json::parse", re.compile(r"\b(?:Json|json|ordered_json)::parse\s*\("), "braid/core/json"),
    # With an argument that is no constant; a function's declaration begins its parameters with const.
    ("torch::Device of a text", re.compile(r"\b(?:torch|at|c10)::Device(?:\s+\w+)?\s*[({](?!const |(?:torch|at|c10)::k)[^(){}\s]"),
     "braid/runtime/device"),
]


def read_sources(root: pathlib.Path) -> dict:
    """{path below root: text without comments} of the library and the program."""
    files = {}
    for folder in ("braid", "cli"):
        for file in sorted((root / folder).rglob("*")):
            if file.suffix in (".h", ".cpp"):
                files[file.relative_to(root).as_posix()] = COMMENT.sub("", file.read_text())
    return files


def stem(path: str) -> str:
    return path.rsplit(".", 1)[0]


def include_graph(files: dict) -> dict:
    """{stem: stems that it includes}; a header and its source are one stem."""
    known = {stem(path) for path in files}
    graph = {name: set() for name in known}
    for path, text in files.items():
        graph[stem(path)] |= {stem(name) for name in INCLUDE.findall(text) if stem(name) in known} - {stem(path)}
    return graph


def check_rooms(files: dict, arrows: dict) -> list:
    problems = []
    for path, text in files.items():
        parts = path.split("/")
        if parts[0] != "braid" or len(parts) < 3:
            continue
        room = parts[1]
        if room not in RANK:
            problems.append(f"{path}: room '{room}' is not in the plan")
            continue
        for name in INCLUDE.findall(text):
            where = f"{path}: includes {name}"
            target = re.match(r"braid/(\w+)/", name)
            server = room == "serve" and parts[2] != "torch"
            most = "runner" if parts[2] == "onnx" else "text"
            if (RANK[room] <= RANK["runner"] or server) and TORCH.match(name):
                problems.append(where + ", but core, io, text, decoding, runner and the server itself know no LibTorch")
            if server and target and RANK[most] < RANK.get(target[1], 99) < RANK["serve"]:
                problems.append(where + ", but the server outside of serve/torch uses core, io and text alone, serve/onnx the runner too")
            if name.startswith("openvino/") and parts[2] != "openvino":
                problems.append(where + ", but the program must start without OpenVINO: its module alone knows it")
            if room == "evaluate" and len(parts) == 3 and name.startswith("braid/evaluate/deploy/"):
                problems.append(where + ", but deploy/ knows evaluate/'s own files, and these know nothing of it")
            if name.startswith("cli/"):
                problems.append(where + ", but the library does not know the program")
            elif target and target[1] != room:
                arrows.setdefault(room, set()).add(target[1])
                if RANK.get(target[1], 99) >= RANK[room]:
                    problems.append(where + ", which points up or sideways")
    return problems


def cycles(graph: dict) -> list:
    """The sets of stems that include each other in a circle (Tarjan's algorithm)."""
    order, low, stack, found = {}, {}, [], []

    def visit(node: str) -> None:
        order[node] = low[node] = len(order)
        stack.append(node)
        for target in sorted(graph[node]):
            if target not in order:
                visit(target)
                low[node] = min(low[node], low[target])
            elif target in stack:
                low[node] = min(low[node], order[target])
        if low[node] == order[node]:
            circle = stack[stack.index(node):]
            del stack[stack.index(node):]
            if len(circle) > 1:
                found.append(sorted(circle))

    for node in sorted(graph):
        if node not in order:
            visit(node)
    return found


def reached(graph: dict, starts: set) -> set:
    seen, todo = set(starts), list(starts)
    while todo:
        for target in graph[todo.pop()] - seen:
            seen.add(target)
            todo.append(target)
    return seen


def check_layers_in_use(files: dict, graph: dict) -> list:
    users = {}
    for path, text in files.items():
        if path.startswith("braid/models/") and path.endswith(".h") and ARCHITECTURE.search(text):
            # The composer's blocks are several sources behind one header.
            folder = path.rsplit("/", 1)[0] + "/"
            own = {name for name in graph if name.startswith(folder)} if "/composer/" in path else {stem(path)}
            for name in reached(graph, own):
                users.setdefault(name, set()).add(stem(path))
    problems = []
    for path in files:
        if not path.startswith("braid/nn/") or not path.endswith(".h"):
            continue
        of = users.get(stem(path), set())
        if len(of) < 2 and not any("/composer/" in user for user in of):
            who = f"only {min(of)}" if of else "no architecture"
            problems.append(f"{path}: {who} reaches it, but nn/ is for what two share: put it beside its model")
    return problems


def check_doors(files: dict) -> list:
    problems = []
    for what, pattern, door in DOORS:
        for path, text in files.items():
            if stem(path) != door and pattern.search(text):
                problems.append(f"{path}: {what}, which only {door} may use")
    return problems


def check_public_headers(root: pathlib.Path, files: dict) -> list:
    lines = (root / "cmake/public_headers.txt").read_text().splitlines()
    patterns = [line for line in lines if line and not line.startswith("#")]
    headers = {path for path in files if path.endswith(".h") and path.startswith("braid/")}
    # CMake's recursive glob: the folder's pattern holds for the folders in it too.
    public = {path for path in headers for pattern in patterns if fnmatch.fnmatch(path, pattern)}
    problems = [f"cmake/public_headers.txt: nothing is named {pattern}" for pattern in patterns
                if not any(fnmatch.fnmatch(path, pattern) for path in headers)]
    for path in sorted(public):
        problems += [f"{path}: is installed, but includes {name}, which is not (cmake/public_headers.txt)"
                     for name in INCLUDE.findall(files[path]) if name in headers - public]
    return problems


def check_tests(root: pathlib.Path) -> list:
    files = {file.relative_to(root).as_posix(): file.read_text() for file in sorted((root / "tests").rglob("*"))
             if file.suffix in (".h", ".cpp")}
    problems = []
    for path, text in files.items():
        room = path.split("/")[1]
        for name in INCLUDE.findall(COMMENT.sub("", text)) if room in RANK else []:
            target = re.match(r"(?:braid|tests)/(\w+)/", name)
            if target and RANK.get(target[1], -1) > RANK[room]:
                problems.append(f"{path}: includes {name}, which points up")
        reads = {path} if path.endswith(".cpp") and GTEST_MACRO.search(text) else set()
        waiting = list(reads)
        while waiting:
            new = set(INCLUDE.findall(files.get(waiting.pop(), ""))) - reads
            reads |= new
            waiting += new
        if reads and not any(name.startswith(("gtest/", "gmock/")) for name in reads):
            problems.append(f"{path}: uses GoogleTest without including <gtest/gtest.h>")
    return problems


def main() -> int:
    root = pathlib.Path(__file__).resolve().parent.parent
    files = read_sources(root)
    graph, arrows = include_graph(files), {}
    problems = check_rooms(files, arrows)
    problems += [f"{', '.join(circle)}: include each other in a circle" for circle in cycles(graph)]
    problems += check_layers_in_use(files, graph) + check_doors(files) + check_public_headers(root, files)
    problems += check_tests(root)
    if "--graph" in sys.argv:
        for room in sorted(arrows, key=RANK.get):
            print(f"{room:10} -> {', '.join(sorted(arrows[room], key=RANK.get))}")
    for problem in problems:
        print(problem, file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
