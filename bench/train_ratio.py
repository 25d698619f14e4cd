#!/usr/bin/env python3
"""Training speed of braid against PyTorch (timm, transformers): both in one run, alternating, median of several rounds.

Both sides train the same model on one fixed random batch (AdamW, channels-last), each in a process that stays alive and
works only when asked, so that neither disturbs the other. PyTorch gets jemalloc preloaded with braid's own options; with
--compile a third process runs it under torch.compile. Prints an aligned table; --output also writes JSON.
"""
import argparse
import json
import os
import pathlib
import platform
import statistics
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
JEMALLOC_OPTIONS = "thp:always,metadata_thp:auto,dirty_decay_ms:-1,muzzy_decay_ms:-1,background_thread:false"
TEXTS = ("bert_", "transformer_")  # their speed counts tokens
MODELS = ["resnet18", "vit_tiny_patch16_224", "coatnet_nano_rw_224"]


class Worker:
    def __init__(self, command: list[str], env: dict[str, str]):
        self.process = subprocess.Popen(command, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        if self.process.stdout.readline().strip() != "ready":
            sys.exit(f"train_ratio: {' '.join(command)} did not start")

    def seconds(self, steps: int) -> float:
        self.process.stdin.write(f"{steps}\n")
        self.process.stdin.flush()
        return float(self.process.stdout.readline())

    def close(self) -> None:
        self.process.stdin.close()
        self.process.wait()


def jemalloc() -> str:
    listing = subprocess.run(["ldconfig", "-p"], capture_output=True, text=True).stdout
    paths = [line.split()[-1] for line in listing.splitlines() if "libjemalloc.so.2" in line]
    if not paths:
        sys.exit("train_ratio: libjemalloc.so.2 not found; run scripts/bootstrap.sh")
    return paths[0]


def cpu() -> str:
    names = [line.split(":", 1)[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")]
    flags = next(line for line in open("/proc/cpuinfo") if line.startswith("flags")).split()
    matrix = [flag for flag in ("amx_bf16", "avx512_bf16", "avx512f", "avx2") if flag in flags]
    return f"{names[0]}, {len(names)} cores, {matrix[0] if matrix else 'no AVX2'}"


def measure(model: str, dtype: str, args: argparse.Namespace) -> dict:
    shape = ["--model", model, "--dtype", dtype, "--batch-size", str(args.batch_size), "--img-size", str(args.img_size),
             "--length", str(args.length), "--device", args.device]
    env = dict(os.environ, MALLOC_CONF=JEMALLOC_OPTIONS)
    python = [sys.executable, str(ROOT / "bench/train_torch.py"), *shape]
    preloaded = dict(env, LD_PRELOAD=jemalloc()) if args.device == "cpu" else env
    workers = {"torch": Worker([*python, "--attention", args.attention], preloaded)}
    if args.compile:
        workers["compiled"] = Worker([*python, "--attention", args.attention, "--compile"], preloaded)
    workers["braid"] = Worker([str(args.bin / "bench_train"), *shape], env)
    for worker in workers.values():
        worker.seconds(args.warmup)
    times = {name: [] for name in workers}
    for _ in range(args.rounds):
        for name, worker in workers.items():
            times[name].append(worker.seconds(args.steps))
    for worker in workers.values():
        worker.close()
    items = args.batch_size * args.steps * (args.length if model.startswith(TEXTS) else 1)
    ratios = [t / b for t, b in zip(times["torch"], times["braid"])]
    row = {"model": model, "dtype": dtype}
    row |= {f"{name}_per_s": items / statistics.median(seconds) for name, seconds in times.items()}
    row |= {"ratio": statistics.median(ratios), "ratio_min": min(ratios), "ratio_max": max(ratios)}
    if args.compile:
        row["ratio_to_compiled"] = statistics.median(t / b for t, b in zip(times["compiled"], times["braid"]))
    return row


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", default=",".join(MODELS))
    parser.add_argument("--dtypes", default="float32,bfloat16")
    parser.add_argument("--batch-size", type=int, default=16)
    parser.add_argument("--img-size", type=int, default=224)
    parser.add_argument("--length", type=int, default=128, help="tokens of a text")
    parser.add_argument("--attention", default="sdpa", choices=["sdpa", "eager"], help="of transformers")
    parser.add_argument("--warmup", type=int, default=2, help="steps before timing")
    parser.add_argument("--steps", type=int, default=4, help="steps per round")
    parser.add_argument("--rounds", type=int, default=5, help="alternations")
    parser.add_argument("--device", default="cpu", choices=["cpu", "cuda"])
    parser.add_argument("--compile", action="store_true", help="torch.compile beside eager PyTorch")
    parser.add_argument("--bin", type=pathlib.Path, default=ROOT / "build/bin", help="folder of bench_train")
    parser.add_argument("--output", help="JSON file")
    args = parser.parse_args()
    import torch
    machine = torch.cuda.get_device_name() if args.device == "cuda" else cpu()
    print(f"{machine}; PyTorch {torch.__version__}; Python {platform.python_version()}; batch {args.batch_size}, "
          f"{args.img_size} px, AdamW; {args.rounds} alternating rounds of {args.steps} steps")
    compiled = f" {'compiled items/s':>17} {'ratio':>6}" if args.compile else ""
    print(f"{'model':28} {'dtype':9} {'torch items/s':>14} {'braid items/s':>14} {'ratio':>6}  spread   {compiled}")
    rows = []
    for model in args.models.split(","):
        for dtype in args.dtypes.split(","):
            row = measure(model, dtype, args)
            rows.append(row)
            print(f"{model:28} {dtype:9} {row['torch_per_s']:14.1f} {row['braid_per_s']:14.1f} "
                  f"{row['ratio']:6.2f}  {row['ratio_min']:.2f}-{row['ratio_max']:.2f}", end="")
            print(f"  {row['compiled_per_s']:17.1f} {row['ratio_to_compiled']:6.2f}" if args.compile else "",
                  flush=True)
    if args.output:
        pathlib.Path(args.output).write_text(json.dumps({"machine": machine, "rows": rows}, indent=2) + "\n")


if __name__ == "__main__":
    main()
