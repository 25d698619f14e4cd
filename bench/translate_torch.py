"""The transformers side of bench/translate_ratio.py: writes texts for one fixed batch, see translate_worker.py."""
import torch

for op in ("nms", "qnms"):  # torchvision's own operators do not load beside the CPU wheel
    torch.library.define(f"torchvision::{op}", "(Tensor a, Tensor b, float c) -> Tensor")
from safetensors.torch import load_file  # noqa: E402
from transformers import GenerationConfig, MarianMTModel  # noqa: E402

from translate_worker import answer, arguments  # noqa: E402


def main() -> None:
    args = arguments().parse_args()
    model = MarianMTModel.from_pretrained(args.folder, dtype=getattr(torch, args.dtype)).eval()
    batch = load_file(args.input)
    config = GenerationConfig(max_length=args.tokens + 1, min_length=args.tokens + 1, num_beams=args.beams,
                              do_sample=False, pad_token_id=model.config.pad_token_id,
                              bad_words_ids=[[model.config.pad_token_id]],  # as a MarianMTModel's own file says
                              eos_token_id=model.config.eos_token_id,
                              decoder_start_token_id=model.config.decoder_start_token_id)
    with torch.inference_mode():
        answer(lambda: model.generate(**batch, generation_config=config), lambda texts: texts.flatten().tolist())


main()
