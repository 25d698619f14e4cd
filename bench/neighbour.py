#!/usr/bin/env python3
"""Training speed on a machine that others use, too: alone, beside one busy process, within half a core's quota.

    bench/neighbour.py [--model airbench_nano] [--seconds 10] [--spins "braid's,500"] [--output FILE.json]

braid trains by a budget of time, whose team sheds the threads that others slow down, and with a team of fixed size
(--threads); PyTorch trains the CNN of thirty lines of bench/torch_baselines.py, of the size of airbench_nano, with the same
allocator. Shares are of what is fair: of N cores N / (N + 1) of the speed alone beside one busy process, and half of a core's
part, 1 / (2 N), within the quota. The quota is a control group's of the kernel's CPU controller, version 1 or 2: without the
right to make one, that column is left out, and that is said. --spins: how long OpenMP's threads spin before they sleep
(GOMP_SPINCOUNT), one pair of braid's rows each. Needs a machine where nothing else runs.
"""
import argparse
import contextlib
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

import peers

GROUPS = pathlib.Path("/sys/fs/cgroup")
PERIOD_US, QUOTA_US = 100_000, 50_000  # half a core


class Quota:
    """A control group that gets half a core; `folder` is None where none can be made."""

    def __init__(self):
        self.folder = None
        for mount, files in ((GROUPS, {"cpu.max": f"{QUOTA_US} {PERIOD_US}"}),
                             (GROUPS / "cpu", {"cpu.cfs_period_us": PERIOD_US, "cpu.cfs_quota_us": QUOTA_US})):
            folder = mount / f"braid-bench-{os.getpid()}"
            try:
                folder.mkdir()
                for name, value in files.items():
                    if not (folder / name).exists():
                        raise OSError(f"no {name}")
                    (folder / name).write_text(str(value))
            except OSError as error:
                with contextlib.suppress(OSError):
                    folder.rmdir()
                self.why_not = str(error)
                continue
            self.folder = folder
            return

    def enter(self):
        (self.folder / "cgroup.procs").write_text(str(os.getpid()))

    def close(self):
        if self.folder:
            self.folder.rmdir()


def output_of(command: list, env: dict, quota: Quota | None) -> str:
    result = subprocess.run([str(part) for part in command], env=env, capture_output=True, text=True, cwd=peers.ROOT,
                            preexec_fn=quota.enter if quota else None)
    if result.returncode:
        sys.exit(f"neighbour: {' '.join(map(str, command))} ended with {result.returncode}\n{result.stderr}")
    return result.stdout


def braid(args, spins: str, fixed: bool, quota: Quota | None) -> float:
    env = {k: v for k, v in os.environ.items() if k not in ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY")}
    if spins != "braid's":
        env["GOMP_SPINCOUNT"] = spins
    threads = ["--threads", len(os.sched_getaffinity(0))] if fixed else []
    with tempfile.TemporaryDirectory() as folder:
        shown = output_of([args.braid, "train", "--model", args.model, "--data", "fashion-mnist", "--batch-size", args.batch_size,
                           "--max-train-seconds", args.seconds, "--output", folder + "/run", *threads], env, quota)
    return float(re.search(r"([\d,.]+) images/s, ", shown).group(1).replace(",", ""))


def pytorch(args, quota: Quota | None) -> float:
    env = dict(os.environ, LD_PRELOAD=peers.jemalloc(), MALLOC_CONF=peers.JEMALLOC_OPTIONS)
    return float(output_of([sys.executable, "bench/torch_baselines.py", "cnn", args.seconds], env, quota).split()[1])


@contextlib.contextmanager
def busy_process():
    neighbour = subprocess.Popen(["sh", "-c", "while :; do :; done"])
    try:
        yield
    finally:
        neighbour.kill()
        neighbour.wait()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--braid", default="build/bin/braid")
    parser.add_argument("--model", default="airbench_nano")
    parser.add_argument("--batch-size", type=int, default=256)
    parser.add_argument("--seconds", type=float, default=10, help="of each training")
    parser.add_argument("--spins", default="braid's", help="separated by commas: braid's, or counts")
    parser.add_argument("--output", type=pathlib.Path, help="JSON file")
    args = parser.parse_args()

    cores = len(os.sched_getaffinity(0))
    quota = Quota()
    if not quota.folder:
        print(f"left out: half a core's quota, which needs the right to make a control group ({quota.why_not})")
    sides = []
    for spins in args.spins.split(","):
        name = "braid" if spins == "braid's" else f"braid, {spins} spins"
        sides += [(name, lambda q, s=spins: braid(args, s, False, q)),
                  (name + ", fixed team", lambda q, s=spins: braid(args, s, True, q))]
    sides.append(("PyTorch, thirty lines", lambda q: pytorch(args, q)))

    print(f"{peers.cpu()}; {args.model}; {args.seconds:g} s each; images/s, and shares of what is fair")
    print(f"{'who':28} {'alone':>8} {'beside one':>11} {'share':>6} {'half a core':>12} {'share':>6}")
    rows = []
    try:
        for who, rate in sides:
            row = {"who": who, "alone": rate(None)}
            with busy_process():
                row["beside"] = rate(None)
            row["beside_share"] = row["beside"] / (row["alone"] * cores / (cores + 1))
            shown = f"{who:28} {row['alone']:8.0f} {row['beside']:11.0f} {row['beside_share']:6.2f}"
            if quota.folder:
                row["half_core"] = rate(quota)
                row["half_core_share"] = row["half_core"] / (row["alone"] * QUOTA_US / PERIOD_US / cores)
                shown += f" {row['half_core']:12.0f} {row['half_core_share']:6.2f}"
            rows.append(row)
            print(shown, flush=True)
    finally:
        quota.close()
    if args.output:
        facts = {"cpu": peers.cpu(), "model": args.model, "seconds": args.seconds, "rows": rows}
        args.output.write_text(json.dumps(facts, indent=1))


if __name__ == "__main__":
    main()
