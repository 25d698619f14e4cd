"""The PyTorch + timm side of bench/train_ratio.py: trains one model on one fixed random batch.

Reads a line with a number of steps, trains them, answers with the seconds they took; ends at end of input.
PyTorch gets its best settings: channels-last, and the allocator that the caller preloads; with --compile, torch.compile
too, on a GPU with CUDA graphs ("reduce-overhead").
"""
import argparse
import sys
import time

import torch

try:
    import torchvision  # noqa: F401
except RuntimeError:  # its own operators do not load beside the CPU wheel
    for operator in ("nms", "qnms"):
        torch.library.define(f"torchvision::{operator}", "(Tensor a, Tensor b, float c) -> Tensor")
import timm  # noqa: E402


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", required=True)
    parser.add_argument("--dtype", default="float32", choices=["float32", "bfloat16"])
    parser.add_argument("--batch-size", type=int, default=16)
    parser.add_argument("--img-size", type=int, default=224)
    parser.add_argument("--device", default="cpu", choices=["cpu", "cuda"])
    parser.add_argument("--compile", action="store_true")
    args = parser.parse_args()
    torch.manual_seed(0)
    torch.backends.cudnn.benchmark = True
    model = timm.create_model(args.model).train().to(args.device, memory_format=torch.channels_last)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=0.05, fused=True)
    images = torch.randn(args.batch_size, 3, args.img_size, args.img_size).to(args.device, memory_format=torch.channels_last)
    labels = torch.randint(1000, (args.batch_size,), device=args.device)
    forward = torch.compile(model, mode="reduce-overhead" if args.device == "cuda" else None) if args.compile else model
    print("ready", flush=True)
    for line in sys.stdin:
        start = time.perf_counter()
        for _ in range(int(line)):
            optimizer.zero_grad(set_to_none=True)
            with torch.autocast(args.device, dtype=torch.bfloat16, enabled=args.dtype == "bfloat16"):
                loss = torch.nn.functional.cross_entropy(forward(images), labels)
            loss.backward()
            optimizer.step()
        if args.device == "cuda":
            torch.cuda.synchronize()
        print(time.perf_counter() - start, flush=True)


main()
