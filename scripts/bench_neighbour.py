#!/usr/bin/env python3
"""Training speed alone and beside one busy process, by how long OpenMP's threads spin before they sleep, with a team of
threads of fixed size and with braid's, which sheds threads.

    scripts/bench_neighbour.py [--braid build/bin/braid] [--model airbench_nano] [--seconds 10]

Needs a machine where nothing else runs. The fair share beside one busy process on N cores is N / (N + 1) of the speed alone
where the work fills N threads.
"""
import argparse
import os
import re
import subprocess
import tempfile


def rate(args, spins, fixed=False):
    env = {k: v for k, v in os.environ.items() if k not in ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY")}
    if spins == "spin":
        env["OMP_WAIT_POLICY"] = "active"
    elif spins != "braid's":
        env["GOMP_SPINCOUNT"] = spins
    with tempfile.TemporaryDirectory() as folder:
        shown = subprocess.run([args.braid, "train", "--model", args.model, "--data", "fashion-mnist", "--batch-size", "128",
                                "--max-train-seconds", str(args.seconds), "--output", folder + "/run",
                                *(["--threads", str(len(os.sched_getaffinity(0)))] if fixed else [])],
                               env=env, capture_output=True, text=True, check=True)
    return float(re.search(r"([\d,.]+) images/s, ", shown.stdout).group(1).replace(",", ""))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--braid", default="build/bin/braid")
    parser.add_argument("--model", default="airbench_nano")
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--spins", default="braid's,500,3000,default")
    args = parser.parse_args()
    print(f"{'spins':10} {'alone':>8} {'beside one, fixed team':>23} {'beside one':>11}")
    for spins in args.spins.split(","):
        set_to = "300000" if spins == "default" else spins
        alone = rate(args, set_to)
        neighbour = subprocess.Popen(["sh", "-c", "while :; do :; done"])
        try:
            fixed, beside = rate(args, set_to, fixed=True), rate(args, set_to)
        finally:
            neighbour.kill()
        print(f"{spins:10} {alone:8.0f} {fixed:23.0f} {beside:11.0f}", flush=True)


if __name__ == "__main__":
    main()
