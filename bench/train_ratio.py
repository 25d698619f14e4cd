#!/usr/bin/env python3
"""Training speed of braid against PyTorch (timm, transformers): both in one run, alternating, median of several rounds.

Both sides train the same model on one fixed random batch (AdamW), each in a process that stays alive and works only when
asked, so that neither disturbs the other. By default PyTorch gets what is best for it without compiling: channels-last, and
jemalloc preloaded with braid's own options. --settings all measures braid against each of PyTorch's settings: as it comes
(stock), channels-last, autocast to bfloat16, torch.compile, each with the C library's allocator and with jemalloc, and attention
composed of two products and a softmax, which is faster in bfloat16. Prints an
aligned table (--output: JSON, too) with the share of the machine's peak, that of LibTorch's matrix product in the same type,
and the most memory of either process.
"""
import argparse
import json
import os
import pathlib
import platform
import statistics
import sys
from typing import NamedTuple

from peers import JEMALLOC_OPTIONS, ROOT, Worker, architecture, cpu, jemalloc, peak_gflops

MODELS = ["resnet18", "vit_tiny_patch16_224", "coatnet_nano_rw_224"]
FLOPS_OF_TRAINING = 6  # of a multiply-accumulate: forward, and the gradients of input and weights


class Setting(NamedTuple):
    dtype: str
    channels_last: bool = True
    compile: bool = False
    jemalloc: bool = True
    attention: str = "sdpa"

    def __str__(self) -> str:
        layout = "channels-last" if self.channels_last else "stock"
        return " ".join([self.dtype, layout] + ["compiled"] * self.compile + ["jemalloc"] * self.jemalloc +
                        ["composed"] * (self.attention == "eager"))

    def flags(self) -> list[str]:
        return ["--dtype", self.dtype, "--attention", self.attention] + ["--channels-last"] * self.channels_last + ["--compile"] * self.compile


STOCK = Setting("float32", channels_last=False, jemalloc=False)


def settings(dtypes: list[str], has_attention: bool, args: argparse.Namespace) -> list[Setting]:
    on_cpu = args.device == "cpu"
    attentions = args.attention.split(",") if has_attention else ["sdpa"]
    if args.settings == "best":
        return [Setting(dtype, compile=compiled, jemalloc=on_cpu, attention=attention) for dtype in dtypes
                for compiled in ([False, True] if args.compile else [False]) for attention in attentions]
    plain = [STOCK, Setting("float32"), Setting("bfloat16"), Setting("float32", compile=True), Setting("bfloat16", compile=True)]
    more = [Setting("bfloat16", jemalloc=on_cpu, attention="eager")] if has_attention else []
    return [setting._replace(jemalloc=wanted) for setting in plain for wanted in ([False, True] if on_cpu else [False])] + more


def measure(model: str, dtypes: list[str], args: argparse.Namespace, peaks: dict[str, float]) -> list[dict]:
    own = architecture(model)
    macs, own_size = own["macs"], own["input_size"]
    is_image = len(own_size) == 3
    size = args.img_size or own_size[-1]
    chans = args.in_chans or (own_size[0] if is_image else 3)
    items = args.batch_size * args.steps * (1 if is_image else args.length)
    flops = FLOPS_OF_TRAINING * macs if is_image and size == own_size[-1] else 0  # of a text: it depends on the hidden words
    shape = ["--model", model, "--batch-size", str(args.batch_size), "--img-size", str(size), "--length", str(args.length),
             "--device", args.device, "--in-chans", str(chans), "--classes", str(args.classes)]
    checkout = ["--compact-transformers", args.compact_transformers] if args.compact_transformers else []
    env = dict(os.environ, MALLOC_CONF=JEMALLOC_OPTIONS)

    def speed(seconds: list[float], dtype: str) -> tuple[float, float | None]:
        per_s = items / statistics.median(seconds)
        return per_s, 100 * per_s * flops / peaks[dtype] / 1e9 if flops and dtype in peaks else None

    braids = {dtype: Worker([str(args.bin / "bench_train"), *shape, "--dtype", dtype], env) for dtype in dtypes}
    for worker in braids.values():
        worker.seconds(args.warmup)
    rows = []
    for setting in settings(dtypes, own["family"] != "cnn", args):
        compared = {dtype: worker for dtype, worker in braids.items() if dtype in (setting.dtype, "bfloat16")
                    and (args.settings == "all" or dtype == setting.dtype)}
        if not compared:
            continue
        torch = Worker([sys.executable, str(ROOT / "bench/train_torch.py"), *shape, *setting.flags(), *checkout],
                       dict(env, LD_PRELOAD=jemalloc()) if setting.jemalloc else dict(os.environ))
        torch.seconds(args.warmup)
        theirs, ours = [], {dtype: [] for dtype in compared}
        for _ in range(args.rounds):
            theirs.append(torch.seconds(args.steps))
            for dtype, worker in compared.items():
                ours[dtype].append(worker.seconds(args.steps))
        torch_per_s, torch_of_peak = speed(theirs, setting.dtype)
        for dtype, seconds in ours.items():
            ratios = [t / b for t, b in zip(theirs, seconds)]
            per_s, of_peak = speed(seconds, dtype)
            row = {"model": model, "dtype": dtype, "torch": str(setting), "torch_per_s": torch_per_s, "torch_of_peak": torch_of_peak,
                   "torch_mib": torch.peak_mib(), "braid_per_s": per_s, "braid_of_peak": of_peak,
                   "braid_mib": braids[dtype].peak_mib(), "ratio": statistics.median(ratios), "ratio_min": min(ratios),
                   "ratio_max": max(ratios)}
            rows.append(row)
            print_row(row)
        torch.close()
    for worker in braids.values():
        worker.close()
    return rows


def percent(value: float | None) -> str:
    return "-" if value is None else f"{value:.0f}%"


def print_row(row: dict) -> None:
    print(f"{row['model']:24} {row['dtype']:9} {row['torch']:40} {row['torch_per_s']:9.1f} {percent(row['torch_of_peak']):>5} "
          f"{row['torch_mib']:6.0f} {row['braid_per_s']:9.1f} {percent(row['braid_of_peak']):>5} {row['braid_mib']:6.0f} "
          f"{row['ratio']:6.2f}  {row['ratio_min']:.2f}-{row['ratio_max']:.2f}", flush=True)


def print_best(rows: list[dict]) -> None:
    """braid against PyTorch as it comes and against the best of all its settings, for each model and type."""
    print(f"\n{'model':24} {'dtype':9} {'to stock':>8} {'to best':>8}  the best of PyTorch's")
    least = {}
    for model, dtype in dict.fromkeys((row["model"], row["dtype"]) for row in rows):
        own = [row for row in rows if (row["model"], row["dtype"]) == (model, dtype)]
        stock = next(row for row in own if row["torch"] == str(STOCK))
        best = min(own, key=lambda row: row["ratio"])
        least.setdefault(dtype, []).append(best["ratio"])
        print(f"{model:24} {dtype:9} {stock['ratio']:8.2f} {best['ratio']:8.2f}  {best['torch']}")
    for dtype, ratios in least.items():
        print(f"{'geometric mean':24} {dtype:9} {'':8} {statistics.geometric_mean(ratios):8.2f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", default=",".join(MODELS))
    parser.add_argument("--dtypes", default="float32,bfloat16", help="of braid")
    parser.add_argument("--batch-size", type=int, default=16)
    parser.add_argument("--img-size", type=int, default=0, help="pixels of images, 0: the model's own")
    parser.add_argument("--in-chans", type=int, default=0, help="channels of images, 0: the model's own")
    parser.add_argument("--classes", type=int, default=1000, help="of images")
    parser.add_argument("--compact-transformers", metavar="DIR", help="a checkout, as scripts/parity.py takes it, for cct_* and vit_lite_*")
    parser.add_argument("--length", type=int, default=128, help="tokens of a text")
    parser.add_argument("--attention", default="sdpa,eager", help="of PyTorch where it has it: its kernel (sdpa), or composed of products (eager)")
    parser.add_argument("--settings", default="best", choices=["best", "all"], help="of PyTorch")
    parser.add_argument("--compile", action="store_true", help="with the best settings: torch.compile, too")
    parser.add_argument("--warmup", type=int, default=2, help="steps before timing")
    parser.add_argument("--steps", type=int, default=4, help="steps per round")
    parser.add_argument("--rounds", type=int, default=5, help="alternations")
    parser.add_argument("--device", default="cpu", choices=["cpu", "cuda"])
    parser.add_argument("--bin", type=pathlib.Path, default=ROOT / "build/bin", help="folder of bench_train")
    parser.add_argument("--output", help="JSON file")
    args = parser.parse_args()
    import torch
    dtypes = args.dtypes.split(",")
    machine = torch.cuda.get_device_name() if args.device == "cuda" else cpu()
    peaks = {dtype: peak_gflops(dtype) for dtype in ("float32", "bfloat16")} if args.device == "cpu" else {}
    print(f"{machine}; PyTorch {torch.__version__}; Python {platform.python_version()}; batch {args.batch_size}, "
          f"AdamW; {args.rounds} alternating rounds of {args.steps} steps")
    print("".join(f"peak {dtype}: {gflops:.0f} GFLOP/s; " for dtype, gflops in peaks.items())
          + "speeds in images or tokens per second")
    print(f"{'model':24} {'dtype':9} {'PyTorch':40} {'PyTorch':>9} {'peak':>5} {'MiB':>6} {'braid':>9} {'peak':>5} {'MiB':>6} "
          f"{'ratio':>6}  spread")
    rows = [row for model in args.models.split(",") for row in measure(model, dtypes, args, peaks)]
    if args.settings == "all":
        print_best(rows)
    if args.output:
        pathlib.Path(args.output).write_text(json.dumps({"machine": machine, "peak_gflops": peaks, "rows": rows}, indent=2) + "\n")


if __name__ == "__main__":
    main()
