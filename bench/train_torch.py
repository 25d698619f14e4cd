"""The PyTorch + timm side of bench/train_ratio.py: trains one model on one fixed random batch.

Reads a line with a number of steps, trains them, answers with the seconds they took; ends at end of input.
PyTorch gets its best settings: channels-last, and the allocator that the caller preloads.
"""
import argparse
import sys
import time

import torch

for operator in ("nms", "qnms"):  # torchvision's own operators do not load beside the CPU wheel
    torch.library.define(f"torchvision::{operator}", "(Tensor a, Tensor b, float c) -> Tensor")
import timm  # noqa: E402


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", required=True)
    parser.add_argument("--dtype", default="float32", choices=["float32", "bfloat16"])
    parser.add_argument("--batch-size", type=int, default=16)
    parser.add_argument("--img-size", type=int, default=224)
    args = parser.parse_args()
    torch.manual_seed(0)
    model = timm.create_model(args.model).train().to(memory_format=torch.channels_last)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=0.05, fused=True)
    images = torch.randn(args.batch_size, 3, args.img_size, args.img_size).to(memory_format=torch.channels_last)
    labels = torch.randint(1000, (args.batch_size,))
    print("ready", flush=True)
    for line in sys.stdin:
        start = time.perf_counter()
        for _ in range(int(line)):
            optimizer.zero_grad(set_to_none=True)
            with torch.autocast("cpu", dtype=torch.bfloat16, enabled=args.dtype == "bfloat16"):
                loss = torch.nn.functional.cross_entropy(model(images), labels)
            loss.backward()
            optimizer.step()
        print(time.perf_counter() - start, flush=True)


main()
