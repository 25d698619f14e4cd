#!/usr/bin/env python3
"""Writes what `generate` of Hugging Face transformers writes with small MarianMTModels of random weights.

    .venv/bin/python tests/generate/generate_cases.py [FOLDER] [--models N] [--cases N] [--seed N]
                                                          (torch 2.13.0, transformers 5.24.0)

FOLDER (fixtures/ beside this file, with 3 models of 16 cases): per model NAME.safetensors (float16) and
NAME.json: `model` (config fields), `cases`, each with `input_ids`, `attention_mask`, `settings` (fields of
generation_config.json), `sequences` and, of beam search, `scores`, computed in float64: sums of a text of 40 tokens are off by
more than 0.0001 in float32. The weights are large enough for clear choices: a case in which any two scores that are compared
lie within 0.001 is left out, since rounding would decide it.

Without FOLDER also ../decoding/fixtures/processors.safetensors: scores before and after transformers' logits processors.
"""
import argparse
import copy
import json
import pathlib
import random

import torch

for op in ("nms", "qnms"):  # transformers imports torchvision, whose operators a mere CPU wheel may lack
    try:
        torch.library.define(f"torchvision::{op}", "(Tensor a, Tensor b, float c) -> Tensor")
    except RuntimeError:
        pass
import transformers  # noqa: E402
from safetensors.torch import save_file  # noqa: E402
from transformers import (GenerationConfig, LogitsProcessor, LogitsProcessorList, MarianConfig,  # noqa: E402
                          MarianMTModel)

HERE = pathlib.Path(__file__).resolve().parent
MARGIN = 1e-3
RULED_OUT = -1e8  # what lies below is no hypothesis


def make_model(rng, number):
    vocab = rng.choice([17, 31, 53])
    shared = number % 3 != 1
    pad = 0 if number % 3 == 2 else vocab - 1  # 0 is no padding to transformers' beam search
    fields = {
        "vocab_size": vocab, "decoder_vocab_size": vocab if shared else vocab + 4, "d_model": 16,
        "encoder_layers": rng.choice([1, 2]), "decoder_layers": rng.choice([1, 2]),
        "encoder_attention_heads": rng.choice([1, 2, 4]), "decoder_attention_heads": rng.choice([1, 2, 4]),
        "encoder_ffn_dim": rng.choice([12, 24]), "decoder_ffn_dim": rng.choice([12, 24]),
        "activation_function": rng.choice(["swish", "relu", "gelu"]), "max_position_embeddings": 48,
        "scale_embedding": rng.random() < 0.5, "share_encoder_decoder_embeddings": shared,
        "pad_token_id": pad, "eos_token_id": 2 if pad == 0 else 0, "decoder_start_token_id": pad,
        "forced_eos_token_id": None}
    torch.manual_seed(rng.randrange(1 << 30))
    model = MarianMTModel(MarianConfig(**fields)).eval()
    with torch.no_grad():
        for name, p in model.named_parameters():
            if "embed_positions" in name:  # sines
                continue
            if "layer_norm" in name:
                p.copy_(torch.rand_like(p) + 0.5 if name.endswith("weight") else 0.2 * torch.randn_like(p))
            else:
                p.copy_(torch.randn_like(p) * (0.6 if "embed" in name or "shared" in name else 0.4))
        model.final_logits_bias.normal_(0, 0.3)
        model.final_logits_bias[0, fields["eos_token_id"]] += rng.choice([0.0, 1.0, 2.0])
        weights = [p for name, p in model.named_parameters() if "embed_positions" not in name]
        for t in weights + [model.final_logits_bias]:  # what the file holds, half as long
            t.copy_(t.half().float())
    return model, fields


def make_settings(rng, fields):
    """Fields of a generation config."""
    eos, pad, words = fields["eos_token_id"], fields["pad_token_id"], fields["decoder_vocab_size"]
    beams = rng.choice([1, 2, 4, 5])
    s = {"num_beams": beams, "max_length": rng.choice([2, 5, 12, 20, 40])}
    if rng.random() < 0.2:
        s["max_new_tokens"] = rng.choice([1, 6, 15])
    if beams > 1:
        s["num_return_sequences"] = rng.choice([1, 1, beams, rng.randint(1, beams)])
        s["length_penalty"] = rng.choice([1.0, 1.0, 0.6, 0.0, 2.0, -0.5])
        s["early_stopping"] = rng.choice([False, True, "never"])
    if rng.random() < 0.25:
        s["min_length"] = rng.choice([3, 8])
    if rng.random() < 0.25:
        s["repetition_penalty"] = rng.choice([1.3, 0.8])
    if rng.random() < 0.25:
        s["no_repeat_ngram_size"] = rng.choice([1, 2, 3])
    if rng.random() < 0.5:
        words_ids = [[pad]] if pad != eos else []
        for _ in range(rng.randint(0, 3)):
            words_ids.append([rng.randrange(words) for _ in range(rng.choice([1, 1, 2, 3]))])
        if rng.random() < 0.2:
            words_ids.append([eos])
        if words_ids:
            s["bad_words_ids"] = words_ids
    if rng.random() < 0.4:
        s["forced_eos_token_id"] = eos
    if rng.random() < 0.1:
        s["forced_bos_token_id"] = rng.randrange(1, words)
    if rng.random() < 0.15:
        s["eos_token_id"] = [eos, rng.randrange(3, words - 1)]
    own = random.Random(repr(s))  # what came later draws by itself, so that the other draws stay
    # Where no token may be repeated there may be none left, and their logarithms are no numbers.
    if own.random() < 0.2 and s.get("no_repeat_ngram_size") != 1:
        s["renormalize_logits"] = True
    if own.random() < 0.15:
        s["min_new_tokens"] = own.choice([1, 4, 9])
    return s


def make_input(rng, fields):
    eos, pad, words = fields["eos_token_id"], fields["pad_token_id"], fields["vocab_size"]
    texts = [[rng.choice([w for w in range(words) if w not in (eos, pad)]) for _ in range(rng.randint(0, 9))] + [eos]
             for _ in range(rng.randint(1, 5))]
    longest = max(len(t) for t in texts)
    ids = [t + [pad] * (longest - len(t)) for t in texts]
    mask = [[1] * len(t) + [0] * (longest - len(t)) for t in texts]
    return ids, mask


class Margin(LogitsProcessor):
    """Watches how near to each other the scores are that decide."""

    def __init__(self, model):
        self.least = float("inf")
        self.greedy = True
        find, update, early = (model._get_top_k_continuations, model._update_finished_beams,
                               model._check_early_stop_heuristic)

        def watched_find(**kw):
            log_probs = kw["accumulated_log_probs"]
            self.look(torch.topk(log_probs, min(kw["beams_to_keep"] + 1, log_probs.shape[1]))[0])
            return find(**kw)

        def watched_update(**kw):
            out = update(**kw)
            scores = kw["topk_log_probs"] / ((kw["cur_len"] + 1 - kw["decoder_prompt_len"]) ** kw["length_penalty"])
            ended = kw["next_token_hits_stopping_criteria"] & kw["top_num_beam_mask"][None, :]
            scores = scores.masked_fill(~ended, -1e9)
            self.look(torch.cat([kw["beam_scores"], scores], 1).sort(descending=True)[0])
            return out

        def watched_early(**kw):
            hypothetical = kw["cur_len"] - kw["decoder_prompt_len"]
            if kw["early_stopping"] == "never" and kw["length_penalty"] > 0:
                hypothetical = kw["max_length"] - kw["decoder_prompt_len"]
            best = kw["running_beam_scores"][:, :1] / hypothetical ** kw["length_penalty"]
            worst = kw["beam_scores"].min(1, keepdim=True)[0]
            self.look(torch.cat([best, worst], 1).sort(descending=True)[0])
            return early(**kw)

        model._get_top_k_continuations = watched_find
        model._update_finished_beams = watched_update
        model._check_early_stop_heuristic = watched_early

    def look(self, ordered):
        gaps = ordered[:, :-1] - ordered[:, 1:]
        gaps = gaps[(ordered[:, 1:] > RULED_OUT) & torch.isfinite(ordered[:, 1:])]
        if len(gaps):
            self.least = min(self.least, gaps.min().item())

    def __call__(self, input_ids, scores):
        if self.greedy:
            self.look(scores.topk(2)[0])
        return scores


def search(model, fields, settings, ids, mask, processors=()):
    base = {k: fields[k] for k in ("pad_token_id", "eos_token_id", "decoder_start_token_id")}
    config = GenerationConfig(**{**base, **settings}, do_sample=False)
    return model.generate(torch.tensor(ids), attention_mask=torch.tensor(mask), generation_config=config,
                          logits_processor=LogitsProcessorList(processors), return_dict_in_generate=True, output_scores=True)


def run(model, exact, fields, settings, ids, mask, margin):
    margin.least, margin.greedy = float("inf"), settings["num_beams"] == 1
    sequences = search(model, fields, settings, ids, mask, [margin]).sequences
    case = {"input_ids": ids, "attention_mask": mask, "settings": settings, "sequences": sequences.tolist()}
    if settings["num_beams"] > 1 and margin.least >= MARGIN:
        truth = search(exact, fields, settings, ids, mask)
        assert truth.sequences.equal(sequences), f"float64 writes other texts: {case}"
        case["scores"] = [round(s, 6) for s in truth.sequences_scores.tolist()]
    return case


def write_processors(file):
    """Each processor by itself, and all of them, on the same scores."""
    from transformers.generation import logits_process as lp
    torch.manual_seed(3)
    scores = torch.randn(3, 12) * 2
    written = torch.tensor([[11, 3, 4, 3], [11, 4, 3, 4], [11, 5, 5, 5]])
    eos = torch.tensor([0])
    each = {
        "repetition_penalty": lp.RepetitionPenaltyLogitsProcessor(1.7),
        "no_repeat_ngram_1": lp.NoRepeatNGramLogitsProcessor(1),
        "no_repeat_ngram_2": lp.NoRepeatNGramLogitsProcessor(2),
        "no_repeat_ngram_3": lp.NoRepeatNGramLogitsProcessor(3),
        "bad_words": lp.NoBadWordsLogitsProcessor([[11], [4, 3, 7], [3, 8], [0], [5, 5, 5, 5, 1]], eos),
        "min_length_5": lp.MinLengthLogitsProcessor(5, eos), "min_length_4": lp.MinLengthLogitsProcessor(4, eos),
        "forced_eos_5": lp.ForcedEOSTokenLogitsProcessor(5, eos), "forced_eos_6": lp.ForcedEOSTokenLogitsProcessor(6, eos),
        "temperature": lp.TemperatureLogitsWarper(0.7), "top_k": lp.TopKLogitsWarper(4),
        "top_p": lp.TopPLogitsWarper(0.6), "top_p_beams": lp.TopPLogitsWarper(0.1, min_tokens_to_keep=2),
        "min_p": lp.MinPLogitsWarper(0.3), "min_p_beams": lp.MinPLogitsWarper(0.95, min_tokens_to_keep=3),
        "typical_p": lp.TypicalLogitsWarper(0.6), "typical_p_beams": lp.TypicalLogitsWarper(0.05, min_tokens_to_keep=2),
        "renormalize": lambda ids, s: lp.LogitNormalization()(ids, lp.NoBadWordsLogitsProcessor([[3], [7]], eos)(ids, s)),
        "renormalize_drawn": lambda ids, s: lp.LogitNormalization()(ids, lp.TopKLogitsWarper(4)(ids, s))}
    tensors = {"scores": scores, "written": written}
    for name, processor in each.items():
        tensors[name] = processor(written, scores.clone()).contiguous()
    save_file(tensors, file)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", nargs="?", type=pathlib.Path, default=HERE / "fixtures")
    parser.add_argument("--models", type=int, default=3)
    parser.add_argument("--cases", type=int, default=16)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    torch.set_num_threads(1)
    transformers.logging.set_verbosity_error()
    args.folder.mkdir(parents=True, exist_ok=True)
    rng = random.Random(args.seed)
    near = 0
    for number in range(args.models):
        model, fields = make_model(rng, number)
        exact = copy.deepcopy(model).double()
        margin, cases = Margin(model), []
        while len(cases) < args.cases:
            case = run(model, exact, fields, make_settings(rng, fields), *make_input(rng, fields), margin)
            if margin.least < MARGIN:
                near += 1
                continue
            cases.append(case)
        name = f"marian_{number}"
        state = {k: v.half() for k, v in model.state_dict().items()
                 if k == "final_logits_bias" or not k.endswith(("lm_head.weight", "embed_positions.weight"))}
        if fields["share_encoder_decoder_embeddings"]:
            state = {k: v for k, v in state.items() if not k.endswith("embed_tokens.weight")}
        save_file(state, args.folder / f"{name}.safetensors")
        text = ",\n".join(json.dumps(c) for c in cases)
        (args.folder / f"{name}.json").write_text(f'{{"model": {json.dumps(fields)},\n"cases": [\n{text}]}}\n')
    if args.folder == HERE / "fixtures":
        write_processors(HERE.parent / "decoding/fixtures/processors.safetensors")
    print(f"{args.models * args.cases} cases in {args.folder}, {near} left out: too near to call")


if __name__ == "__main__":
    main()
