#!/usr/bin/env python3
"""Writes fixtures/electra_step.safetensors: one step of ELECTRA's pre-training by Hugging Face transformers, in float64.

    .venv/bin/python tests/tasks/generate_electra_step.py   (torch 2.13.0, transformers 5.24.0; seed 1)

ElectraForPreTraining and a narrower ElectraForMaskedLM share their embeddings; the tokens that are hidden and what takes their
places are given. The losses are those of run_pretraining.py of google-research/electra, without dropout:
cross entropy of the tokens that were asked for, and 50 times the binary cross entropy over all tokens that are no padding.

`discriminator/NAME` and `generator/NAME` float16 weights (of the generator all but the shared embeddings); `input_ids` (with
[MASK]), `attention_mask`, `labels` (-100: not asked for) [B,N]; `samples` [P]; `losses` [2] float64, the generator's and the
discriminator's; `replaced` [T]; `logits` [T] float64; `grads` float64: of the whole loss, per parameter in the order of their
sorted names in braid (the generator's behind "generator.") the inner product of its gradient with cos(0), cos(1), ...
"""
import pathlib

import torch
import torch.nn.functional as F

for op in ("nms", "qnms"):  # transformers imports torchvision, whose operators a mere CPU wheel may lack
    try:
        torch.library.define(f"torchvision::{op}", "(Tensor a, Tensor b, float c) -> Tensor")
    except RuntimeError:
        pass
from safetensors.torch import save_file  # noqa: E402
from transformers import ElectraConfig, ElectraForMaskedLM, ElectraForPreTraining  # noqa: E402

VOCAB, MASK, N = 23, 4, 9
torch.manual_seed(1)
SHARED = dict(vocab_size=VOCAB, embedding_size=6, num_hidden_layers=2, max_position_embeddings=12, type_vocab_size=2,
              hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0)
disc = ElectraForPreTraining(ElectraConfig(hidden_size=8, num_attention_heads=2, intermediate_size=12, **SHARED)).double()
gen = ElectraForMaskedLM(ElectraConfig(hidden_size=4, num_attention_heads=1, intermediate_size=16, **SHARED)).double()
with torch.no_grad():
    for model in (disc, gen):
        for name, p in model.named_parameters():
            noise = torch.randn(p.shape)
            p.copy_((1 + 0.2 * noise if p.dim() == 1 and name.endswith("weight") else 0.4 * noise).half().double())
gen.electra.embeddings = disc.electra.embeddings
gen.generator_lm_head.weight = disc.electra.embeddings.word_embeddings.weight
disc.eval()
gen.eval()

original = torch.randint(5, VOCAB, (3, N))
original[:, 0], original[:, -1] = 2, 3  # [CLS], [SEP]
attention_mask = torch.ones_like(original)
attention_mask[1, 6:] = 0
original[1, 5], original[1, 6:] = 3, 0
asked = torch.zeros_like(original, dtype=torch.bool)
asked[0, 2] = asked[0, 5] = asked[1, 3] = asked[2, 1] = asked[2, 6] = True
labels = torch.where(asked, original, -100)
input_ids = torch.where(asked, MASK, original)
input_ids[2, 6] = original[2, 6]  # one of those that stay as they are
samples = torch.tensor([7, 9, int(original[1, 3]), 11, 13])  # the third is drawn as it was

guesses = gen(input_ids=input_ids, attention_mask=attention_mask).logits[asked]
gen_loss = F.cross_entropy(guesses, original[asked])
corrupted = original.clone()
corrupted[asked] = samples
real = attention_mask.bool()
logits = disc(input_ids=corrupted, attention_mask=attention_mask).logits[real]
replaced = corrupted.ne(original)[real]
disc_loss = F.binary_cross_entropy_with_logits(logits, replaced.double())
(gen_loss + 50 * disc_loss).backward()

parameters = dict(disc.named_parameters())
for name, p in gen.named_parameters():
    if not name.startswith("electra.embeddings.") and name != "generator_lm_head.weight":
        parameters["generator." + name] = p
grads = [(p.grad.flatten() * torch.arange(p.numel(), dtype=torch.float64).cos()).sum() for _, p in sorted(parameters.items())]
out = {("generator/" + n[10:] if n.startswith("generator.") else "discriminator/" + n): p.detach().half()
       for n, p in parameters.items()}
out |= {"input_ids": input_ids, "attention_mask": attention_mask, "labels": labels, "samples": samples,
        "losses": torch.stack([gen_loss, disc_loss]).detach(), "replaced": replaced.long(), "logits": logits.detach(),
        "grads": torch.stack(grads)}
path = pathlib.Path(__file__).resolve().parent / "fixtures" / "electra_step.safetensors"
save_file({k: v.contiguous() for k, v in out.items()}, path)
print(path, path.stat().st_size, gen_loss.item(), disc_loss.item(), replaced.sum().item())
