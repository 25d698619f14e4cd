#!/usr/bin/env python3
"""Speed of writing texts with braid against Hugging Face transformers or CTranslate2: both in one run, alternating, median of
rounds.

A MarianMTModel of transformer_base's size with random weights, one batch of random sentences, beam search to a fixed number of
tokens; each side in a process that stays alive and works only when asked. PyTorch gets jemalloc preloaded with braid's own
options; CTranslate2 (--peer ctranslate2, pip install ctranslate2) comes with an allocator of its own, and gets the dtype
int8, too, which is braid's --load-in-8bit. Prints an aligned table with target tokens per second; --output also writes JSON.
"""
import argparse
import importlib.metadata
import itertools
import json
import os
import pathlib
import platform
import statistics
import sys
import tempfile

import torch

for op in ("nms", "qnms"):  # torchvision's own operators do not load beside the CPU wheel
    torch.library.define(f"torchvision::{op}", "(Tensor a, Tensor b, float c) -> Tensor")
import transformers  # noqa: E402
from safetensors.torch import save_file  # noqa: E402

from peers import JEMALLOC_OPTIONS, ROOT, Worker, cpu, jemalloc  # noqa: E402


class Writer(Worker):
    def texts(self, count: int) -> tuple[float, str]:
        seconds, checksum = self.answer(count).split()
        return float(seconds), checksum


def make_model(folder: pathlib.Path, vocab: int) -> dict:
    torch.manual_seed(0)
    fields = {"vocab_size": vocab, "decoder_vocab_size": vocab, "d_model": 512, "encoder_layers": 6, "decoder_layers": 6,
              "encoder_attention_heads": 8, "decoder_attention_heads": 8, "encoder_ffn_dim": 2048,
              "decoder_ffn_dim": 2048, "activation_function": "swish", "scale_embedding": True, "pad_token_id": vocab - 1,
              "decoder_start_token_id": vocab - 1, "eos_token_id": 0}
    model = transformers.MarianMTModel(transformers.MarianConfig(**fields))
    with torch.no_grad():  # choices that are as clear as a trained model's
        model.model.shared.weight.normal_(0, 0.15)
        model.model.shared.weight[vocab - 1] = 0  # which pads, and begins: CTranslate2 begins with zeros
    model.save_pretrained(folder)
    return fields


def measure(batch: int, beams: int, dtype: str, folder: pathlib.Path, fields: dict, args: argparse.Namespace) -> dict:
    torch.manual_seed(batch)
    lengths = torch.randint(args.source // 2, args.source + 1, (batch,))
    lengths[0] = args.source
    ids = torch.randint(1, fields["vocab_size"] - 1, (batch, args.source))
    mask = (torch.arange(args.source) < lengths[:, None]).long()
    ids[mask == 0] = fields["pad_token_id"]
    save_file({"input_ids": ids, "attention_mask": mask}, folder / "in.safetensors")
    common = ["--input", str(folder / "in.safetensors"), "--beams", str(beams), "--tokens", str(args.tokens)]
    env = dict(os.environ, MALLOC_CONF=JEMALLOC_OPTIONS, OMP_NUM_THREADS=str(args.threads))
    of_peer = ["--folder", str(folder), *common, "--dtype", dtype]
    if args.peer == "ctranslate2":
        python = Writer([sys.executable, str(ROOT / "bench/translate_ctranslate2.py"), *of_peer, "--threads", str(args.threads)], env)
    else:
        python = Writer([sys.executable, str(ROOT / "bench/translate_torch.py"), *of_peer], dict(env, LD_PRELOAD=jemalloc()))
    own = ["--dtype", dtype.removeprefix("int8").strip("_") or "float32", "--int8", "1" if dtype.startswith("int8") else "0"]
    braid = Writer([args.program, "--model", "transformer_base", "--config", json.dumps(fields), "--weights",
                    str(folder / "model.safetensors"), *common, *own], env)
    sums = {writer.texts(args.warmup)[1] for writer in (python, braid)}
    times = {args.peer: [], "braid": []}
    for _ in range(args.rounds):
        times[args.peer].append(python.texts(args.searches)[0])
        times["braid"].append(braid.texts(args.searches)[0])
    for writer in (python, braid):
        writer.close()
    tokens = batch * args.tokens * args.searches
    ratios = [t / b for t, b in zip(times[args.peer], times["braid"])]
    return {"dtype": dtype, "batch": batch, "beams": beams, "same_texts": len(sums) == 1,
            "peer": args.peer, "peer_tokens_per_s": tokens / statistics.median(times[args.peer]),
            "braid_tokens_per_s": tokens / statistics.median(times["braid"]),
            "ratio": statistics.median(ratios), "ratio_min": min(ratios), "ratio_max": max(ratios)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--batches", default="1,64")
    parser.add_argument("--beams", default="4")
    parser.add_argument("--dtypes", default="float32,bfloat16")
    parser.add_argument("--peer", choices=["transformers", "ctranslate2"], default="transformers")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--tokens", type=int, default=32, help="of each text that is written")
    parser.add_argument("--source", type=int, default=24, help="tokens of the longest text that is read")
    parser.add_argument("--vocab", type=int, default=16000)
    parser.add_argument("--warmup", type=int, default=1, help="searches before timing")
    parser.add_argument("--searches", type=int, default=2, help="searches per round")
    parser.add_argument("--rounds", type=int, default=5, help="alternations")
    parser.add_argument("--program", default=str(ROOT / "build/bin/bench_generate"))
    parser.add_argument("--output", help="JSON file")
    args = parser.parse_args()
    transformers.logging.set_verbosity_error()
    own = f"CTranslate2 {importlib.metadata.version('ctranslate2')}, " if args.peer == "ctranslate2" else ""
    print(f"{cpu()}; {own}PyTorch {torch.__version__}, transformers {transformers.__version__}; Python "
          f"{platform.python_version()}; transformer_base, {args.vocab} words, {args.tokens} tokens a text; {args.threads} threads; {args.rounds} "
          f"alternating rounds of {args.searches} searches")
    print(f"{'dtype':13} {'batch':>5} {'beams':>5} {args.peer + ' tok/s':>19} {'braid tok/s':>12} {'ratio':>6}  {'spread':10} texts")
    rows = []
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        fields = make_model(folder, args.vocab)
        for dtype, batch, beams in itertools.product(args.dtypes.split(","), map(int, args.batches.split(",")),
                                                     map(int, args.beams.split(","))):
            row = measure(batch, beams, dtype, folder, fields, args)
            rows.append(row)
            spread = f"{row['ratio_min']:.2f}-{row['ratio_max']:.2f}"
            print(f"{dtype:13} {batch:5} {beams:5} {row['peer_tokens_per_s']:19.1f} {row['braid_tokens_per_s']:12.1f} "
                  f"{row['ratio']:6.2f}  {spread:10} {'the same' if row['same_texts'] else 'DIFFER'}", flush=True)
    if args.output:
        pathlib.Path(args.output).write_text(json.dumps({"machine": cpu(), "rows": rows}, indent=2) + "\n")


if __name__ == "__main__":
    main()
