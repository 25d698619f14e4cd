"""The PyTorch side of bench/train_ratio.py: trains one model on one fixed random batch with AdamW.

Images by what scripts/parity.py holds braid's models against, most of it timm's; hidden words (bert_*) and translation
(transformer_base) by Hugging Face transformers. Reads a line with a number of steps, trains them, answers with the seconds
they took; ends at end of input. PyTorch gets the settings that are asked for, logits of the hidden words alone, and the
allocator that the caller preloads; torch.compile (--compile) on a GPU with CUDA graphs ("reduce-overhead").
"""
import argparse
import pathlib
import sys
import time

import torch
from torch.nn.functional import cross_entropy

try:
    import torchvision  # noqa: F401
except (ImportError, RuntimeError):  # its own operators do not load beside the CPU wheel
    for operator in ("nms", "qnms"):
        torch.library.define(f"torchvision::{operator}", "(Tensor a, Tensor b, float c) -> Tensor")

BERTS = {"bert_tiny": (128, 2), "bert_mini": (256, 4), "bert_small": (512, 4), "bert_medium": (512, 8), "bert_base": (768, 12)}


def image_case(args):
    import timm
    timm.layers.set_fused_attn(args.attention == "sdpa")
    sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "scripts"))
    import parity
    model, reason = parity.reference_model(args.model, args.classes, args.in_chans, args.img_size, args)
    if model is None:
        sys.exit(f"{args.model}: {reason}")
    layout = torch.channels_last if args.channels_last else torch.contiguous_format
    model.to(args.device, memory_format=layout)
    images = torch.randn(args.batch_size, args.in_chans, args.img_size, args.img_size, device=args.device)
    images = images.to(memory_format=layout)
    labels = torch.randint(args.classes, (args.batch_size,), device=args.device)
    forward = compiled(model, args)
    return model, lambda: cross_entropy(forward(images), labels)


def masked_lm_case(args):
    from transformers import BertConfig, BertForMaskedLM
    width, layers = BERTS[args.model]
    model = BertForMaskedLM(BertConfig(hidden_size=width, num_hidden_layers=layers, num_attention_heads=width // 64,
                                       intermediate_size=4 * width, attn_implementation=args.attention)).to(args.device)
    rows = args.batch_size * args.length
    ids = torch.randint(model.config.vocab_size, (args.batch_size, args.length), device=args.device)
    places = torch.randperm(rows, device=args.device)[:rows * 15 // 100]

    def loss():
        hidden = model.bert(ids).last_hidden_state.flatten(0, 1)[places]
        return cross_entropy(model.cls(hidden).float(), ids.flatten()[places])

    return model, compiled(loss, args)


def translation_case(args):
    from transformers import MarianConfig, MarianMTModel
    vocab, width = 32000, 512
    model = MarianMTModel(MarianConfig(
        vocab_size=vocab, decoder_vocab_size=vocab, d_model=width, encoder_layers=6, decoder_layers=6,
        encoder_attention_heads=8, decoder_attention_heads=8, encoder_ffn_dim=4 * width, decoder_ffn_dim=4 * width,
        activation_function="relu", scale_embedding=True, dropout=0.1, pad_token_id=vocab - 1, eos_token_id=0,
        decoder_start_token_id=vocab - 1, attn_implementation=args.attention)).to(args.device)
    source, target, labels = (torch.randint(4, vocab - 1, (args.batch_size, args.length), device=args.device)
                              for _ in range(3))

    def loss():
        logits = model(input_ids=source, decoder_input_ids=target).logits
        return cross_entropy(logits.float().flatten(0, 1), labels.flatten(), label_smoothing=0.1)

    return model, compiled(loss, args)


def compiled(function, args):
    if not args.compile:
        return function
    return torch.compile(function, mode="reduce-overhead" if args.device == "cuda" else None)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", required=True)
    parser.add_argument("--dtype", default="float32", choices=["float32", "bfloat16"])
    parser.add_argument("--batch-size", type=int, default=16)
    parser.add_argument("--img-size", type=int, default=224)
    parser.add_argument("--in-chans", type=int, default=3, help="of images")
    parser.add_argument("--classes", type=int, default=1000, help="of images")
    for project in ("compact-transformers", "conformer", "mobile-former"):
        parser.add_argument(f"--{project}", type=pathlib.Path, metavar="DIR", help="a checkout, as scripts/parity.py takes it")
    parser.add_argument("--length", type=int, default=128, help="tokens of a text")
    parser.add_argument("--attention", default="sdpa", choices=["sdpa", "eager"])
    parser.add_argument("--device", default="cpu", choices=["cpu", "cuda"])
    parser.add_argument("--channels-last", action="store_true", help="of images")
    parser.add_argument("--compile", action="store_true")
    args = parser.parse_args()
    torch.manual_seed(0)
    torch.backends.cudnn.benchmark = True
    case = masked_lm_case if args.model in BERTS else translation_case if args.model == "transformer_base" else image_case
    model, loss_of = case(args)
    model.train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=0.05, fused=True)
    print("ready", flush=True)
    for line in sys.stdin:
        start = time.perf_counter()
        for _ in range(int(line)):
            optimizer.zero_grad(set_to_none=True)
            with torch.autocast(args.device, dtype=torch.bfloat16, enabled=args.dtype == "bfloat16"):
                loss = loss_of()
            loss.backward()
            optimizer.step()
        if args.device == "cuda":
            torch.cuda.synchronize()
        print(time.perf_counter() - start, flush=True)


main()
