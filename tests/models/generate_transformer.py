#!/usr/bin/env python3
"""Writes fixtures/transformer_*.safetensors: small MarianMTModels of Hugging Face transformers, computed in float64.

    .venv/bin/python tests/models/generate_transformer.py         (torch 2.13.0, transformers 5.24.0; seed 1)

Each file: `weights/NAME` float16, `input_ids`, `attention_mask`, `decoder_input_ids`, `decoder_attention_mask` int64,
`logits`, `encoder_hidden`, `hidden` and `grads` float64, per parameter in the order of their sorted names the inner
product of d(mean(logits^2))/d(parameter) with cos(0), cos(1), ...; the metadata `config` are the config's fields.
"""
import json
import pathlib

import torch

for op in ("nms", "qnms"):  # transformers imports torchvision, whose operators a mere CPU wheel may lack
    try:
        torch.library.define(f"torchvision::{op}", "(Tensor a, Tensor b, float c) -> Tensor")
    except RuntimeError:
        pass
from safetensors.torch import save_file  # noqa: E402
from transformers import MarianConfig, MarianMTModel  # noqa: E402

HERE = pathlib.Path(__file__).resolve().parent
COMMON = {"vocab_size": 23, "decoder_vocab_size": 23, "d_model": 16, "max_position_embeddings": 20, "eos_token_id": 0,
          "pad_token_id": 22, "decoder_start_token_id": 22, "forced_eos_token_id": 0}
CASES = {
    "shared": {"encoder_layers": 2, "decoder_layers": 1, "encoder_attention_heads": 4, "decoder_attention_heads": 2,
               "encoder_ffn_dim": 20, "decoder_ffn_dim": 12, "activation_function": "swish", "scale_embedding": True},
    "unshared": {"encoder_layers": 1, "decoder_layers": 2, "encoder_attention_heads": 1, "decoder_attention_heads": 8,
                 "encoder_ffn_dim": 8, "decoder_ffn_dim": 24, "activation_function": "relu", "scale_embedding": False,
                 "decoder_vocab_size": 29, "share_encoder_decoder_embeddings": False},
    "odd": {"d_model": 15, "encoder_layers": 1, "decoder_layers": 1, "encoder_attention_heads": 3,
            "decoder_attention_heads": 5, "encoder_ffn_dim": 7, "decoder_ffn_dim": 9, "activation_function": "gelu",
            "scale_embedding": True}}


def main():
    for number, (name, fields) in enumerate(CASES.items()):
        fields = {**COMMON, **fields}
        torch.manual_seed(number + 1)
        model = MarianMTModel(MarianConfig(**fields)).double().eval()
        with torch.no_grad():
            model.final_logits_bias.normal_()
            for key, p in model.named_parameters():
                if "embed_positions" not in key:
                    p.add_(0.2 * torch.randn_like(p))
                    p.copy_(p.half().double())
            model.final_logits_bias.copy_(model.final_logits_bias.half().double())
        pad = fields["pad_token_id"]
        ids = torch.randint(1, 22, (3, 7))
        mask = torch.ones(3, 7, dtype=torch.long)
        mask[1, 4:] = 0
        mask[2, 1:] = 0
        targets = torch.randint(1, 22, (3, 6))
        targets[:, 0] = pad
        target_mask = torch.ones(3, 6, dtype=torch.long)
        target_mask[0, 5:] = 0
        target_mask[2, 2:] = 0
        ids[mask == 0] = pad
        targets[target_mask == 0] = pad
        out = model(ids, attention_mask=mask, decoder_input_ids=targets, decoder_attention_mask=target_mask,
                    output_hidden_states=True)
        out.logits.square().mean().backward()
        state = {k: v for k, v in model.state_dict().items() if "embed_positions" not in k and "lm_head" not in k}
        if fields.get("share_encoder_decoder_embeddings", True):
            state = {k: v for k, v in state.items() if "embed_tokens" not in k}
        grads = dict(model.named_parameters())
        tensors = {f"weights/{k}": v.half() for k, v in state.items()}
        tensors |= {"input_ids": ids, "attention_mask": mask, "decoder_input_ids": targets,
                    "decoder_attention_mask": target_mask, "logits": out.logits,
                    "encoder_hidden": out.encoder_last_hidden_state, "hidden": out.decoder_hidden_states[-1]}
        tensors["grads"] = torch.stack([
            (grads[k].grad.flatten() * torch.arange(grads[k].numel(), dtype=torch.float64).cos()).sum()
            for k in sorted(state) if k in grads])
        tensors = {k: v.detach().contiguous() for k, v in tensors.items()}
        save_file(tensors, HERE / f"fixtures/transformer_{name}.safetensors", {"config": json.dumps(fields)})


if __name__ == "__main__":
    main()
