"""The transformers side of bench/translate_ratio.py: writes texts for one fixed batch.

Reads a line with a number of searches, makes them, answers with the seconds they took and a checksum of the texts; ends
at end of input.
"""
import argparse
import sys
import time

import torch

for op in ("nms", "qnms"):  # torchvision's own operators do not load beside the CPU wheel
    torch.library.define(f"torchvision::{op}", "(Tensor a, Tensor b, float c) -> Tensor")
from safetensors.torch import load_file  # noqa: E402
from transformers import GenerationConfig, MarianMTModel  # noqa: E402


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--folder", required=True)
    parser.add_argument("--input", required=True)
    parser.add_argument("--beams", type=int, default=4)
    parser.add_argument("--tokens", type=int, default=32)
    parser.add_argument("--dtype", default="float32")
    args = parser.parse_args()
    model = MarianMTModel.from_pretrained(args.folder, dtype=getattr(torch, args.dtype)).eval()
    batch = load_file(args.input)
    config = GenerationConfig(max_length=args.tokens + 1, min_length=args.tokens + 1, num_beams=args.beams,
                              do_sample=False, pad_token_id=model.config.pad_token_id,
                              bad_words_ids=[[model.config.pad_token_id]],  # as a MarianMTModel's own file says
                              eos_token_id=model.config.eos_token_id,
                              decoder_start_token_id=model.config.decoder_start_token_id)
    print("ready", flush=True)
    for line in sys.stdin:
        start = time.perf_counter()
        with torch.inference_mode():
            for _ in range(int(line)):
                texts = model.generate(**batch, generation_config=config)
        seconds = time.perf_counter() - start
        print(seconds, (texts.flatten() * torch.arange(1, texts.numel() + 1)).sum().item(), flush=True)


main()
