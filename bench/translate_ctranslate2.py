"""The CTranslate2 side of bench/translate_ratio.py: writes texts for one fixed batch, see translate_worker.py."""
import pathlib
import sys

import ctranslate2
import torch

for op in ("nms", "qnms"):  # torchvision's own operators do not load beside the CPU wheel
    torch.library.define(f"torchvision::{op}", "(Tensor a, Tensor b, float c) -> Tensor")
import transformers  # noqa: E402
from ctranslate2.converters.transformers import MarianMTLoader  # noqa: E402
from safetensors.torch import load_file  # noqa: E402

from translate_worker import answer, arguments  # noqa: E402


def convert(folder: pathlib.Path, quantization: str) -> str:
    """Without a tokenizer: words are numbers."""
    output = folder / f"ctranslate2-{quantization}"
    if not output.exists():
        model = transformers.MarianMTModel.from_pretrained(folder)
        spec = MarianMTLoader().get_model_spec(model)
        words = [str(i) for i in range(model.config.vocab_size - 1)]  # the last one pads, and goes
        spec.register_source_vocabulary(words)
        spec.register_target_vocabulary(words)
        spec.config.eos_token = words[model.config.eos_token_id]
        spec.config.unk_token = words[1]
        spec.validate()
        spec.optimize(quantization=quantization)
        output.mkdir()
        spec.save(str(output))
    return str(output)


def main() -> None:
    parser = arguments()
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    folder = convert(pathlib.Path(args.folder), args.dtype)
    translator = ctranslate2.Translator(folder, device="cpu", compute_type=args.dtype, intra_threads=args.threads, inter_threads=1)
    batch = load_file(args.input)
    sources = [[str(int(i)) for i, used in zip(ids, mask) if used] for ids, mask in zip(batch["input_ids"], batch["attention_mask"])]
    start_token = transformers.MarianConfig.from_pretrained(args.folder).decoder_start_token_id

    def tokens_of(found: list) -> list[int]:
        numbers = [number for text in found for number in [start_token, *map(int, text.hypotheses[0])]]
        if len(numbers) != (args.tokens + 1) * len(sources):
            sys.exit(f"CTranslate2 wrote {len(numbers) - len(sources)} tokens, not {args.tokens * len(sources)}")
        return numbers

    answer(lambda: translator.translate_batch(sources, beam_size=args.beams, max_decoding_length=args.tokens,
                                              min_decoding_length=args.tokens, max_batch_size=len(sources)), tokens_of)


main()
