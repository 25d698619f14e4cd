#!/usr/bin/env python3
"""Compares braid's networks of text with Hugging Face transformers' on the same random weights.

    scripts/parity_text.py [NAME...] [--braid build/bin/braid] [--real ARCHITECTURE=FOLDER...]

Per model and head: an odd configuration, random weights (gains and biases of norms too), a batch of texts of several
lengths. transformers writes its folder, braid reads it (`braid forward`) and computes hidden states, logits and the
gradient of mean(logits^2) for every parameter in float64; then the weights' file alone, with the fields as flags, in
float32 (the column `logits32`). The folder that braid writes in turn must give transformers a model with every tensor
equal to the bit (`back`). Errors are the largest absolute difference over the largest absolute reference value, at
positions that are tokens; gradients: the worst parameter, each against its own largest value but at least 1e-3 of the
model's largest gradient. Exits with 1 when a model is off by more than 1e-4 in float32, or 1e-9 in float64.

--real: also hidden states of a folder with real weights (config.json, model.safetensors), of random token numbers.

A further family is one more entry in `entries`. Needs transformers (scripts/oracle.sh).
"""
import argparse
import dataclasses
import json
import pathlib
import subprocess
import sys
import tempfile
import warnings
from typing import Callable

import torch

for op in ("nms", "qnms"):  # transformers imports torchvision, whose operators a mere CPU wheel may lack
    try:
        torch.library.define(f"torchvision::{op}", "(Tensor a, Tensor b, float c) -> Tensor")
    except RuntimeError:
        pass
import transformers  # noqa: E402
from safetensors.torch import load_file, save_file  # noqa: E402

COLUMNS = ["name", "params", "logits32", "logits", "features", "gradients", "back", "verdict"]
TOLERANCE32, TOLERANCE64 = 1e-4, 1e-9


@dataclasses.dataclass
class Entry:
    name: str  # of the row: ARCHITECTURE@HEAD
    architecture: str  # of braid's registry
    prefix: str  # of the tensors in a file whose class is the body alone
    model: Callable  # makes the reference
    fields: dict  # of braid's config struct
    inputs: Callable  # (model) -> what both are given
    outputs: Callable  # (model, inputs) -> {name in braid's file: tensor}


def texts(model):
    """A full text, a padded one with a padding token inside, and one padded on the left."""
    ids = torch.randint(1, model.config.vocab_size, (3, 11))
    mask = torch.ones_like(ids)
    mask[1, 6:] = 0
    mask[2, :4] = 0
    ids[mask == 0] = 0
    ids[1, 2] = 0
    inputs = {"input_ids": ids, "attention_mask": mask}
    if hasattr(model.config, "type_vocab_size"):
        inputs["token_type_ids"] = torch.randint(0, model.config.type_vocab_size, (3, 11))
    return inputs


def full_texts(model):
    """Without padding, for references whose convolutions read it."""
    inputs = texts(model)
    inputs["attention_mask"] = torch.ones_like(inputs["attention_mask"])
    return inputs


def encoder_outputs(model, inputs):
    out = model(**inputs, output_hidden_states=True)
    result = {"features": out.hidden_states[-1]}
    for ours, theirs in (("logits", "logits"), ("logits", "prediction_logits"), ("pooled", "pooler_output"),
                         ("seq_relationship_logits", "seq_relationship_logits")):
        if getattr(out, theirs, None) is not None:
            result[ours] = getattr(out, theirs)
    if hasattr(out, "start_logits"):
        result["logits"] = torch.stack([out.start_logits, out.end_logits], -1)
    return {"logits": result["features"], **result}


def encoder_entries(architecture, prefix, config, heads, inputs=texts, **fields):
    """One entry per head; heads: {braid's name: (class, further fields)}."""
    for head, (model, more) in heads.items():
        args = {**fields, **more}
        labels = args.pop("num_labels", 2)

        def make(model=model, args=args, labels=labels):
            return model(config(**args, num_labels=labels, attn_implementation="eager"))

        yield Entry(f"{architecture}@{head}", architecture, prefix, make,
                    {**args, "num_labels": labels, "head": head}, inputs, encoder_outputs)


def pairs_of_texts(model):
    """As `texts`, with what is written: a full text, a padded one and one of a single token."""
    inputs = texts(model)
    ids = torch.randint(1, model.config.decoder_vocab_size, (3, 8))
    mask = torch.ones_like(ids)
    mask[1, 5:] = 0
    mask[2, 1:] = 0
    ids[:, 0] = model.config.decoder_start_token_id
    return {**inputs, "decoder_input_ids": ids, "decoder_attention_mask": mask}


def pair_outputs(model, inputs):
    out = model(**inputs, output_hidden_states=True)
    return {"logits": out.logits, "hidden": out.decoder_hidden_states[-1],
            "encoder_hidden": out.encoder_last_hidden_state}


def marian_entries():
    sizes = {"vocab_size": 37, "decoder_vocab_size": 37, "d_model": 24, "max_position_embeddings": 13, "init_std": 0.05,
             "pad_token_id": 36, "decoder_start_token_id": 36, "eos_token_id": 0}
    variants = {
        "shared": {"encoder_layers": 3, "decoder_layers": 1, "encoder_attention_heads": 4, "decoder_attention_heads": 2,
                   "encoder_ffn_dim": 20, "decoder_ffn_dim": 12, "activation_function": "swish", "scale_embedding": True},
        "unshared": {"encoder_layers": 1, "decoder_layers": 3, "encoder_attention_heads": 1, "decoder_attention_heads": 8,
                     "encoder_ffn_dim": 8, "decoder_ffn_dim": 28, "activation_function": "relu", "decoder_vocab_size": 41,
                     "share_encoder_decoder_embeddings": False, "scale_embedding": False},
        "odd": {"d_model": 15, "encoder_layers": 2, "decoder_layers": 2, "encoder_attention_heads": 3,
                "decoder_attention_heads": 5, "encoder_ffn_dim": 7, "decoder_ffn_dim": 9, "activation_function": "gelu",
                "scale_embedding": True}}
    for name, more in variants.items():
        fields = {**sizes, **more}

        def make(fields=fields):
            model = transformers.MarianMTModel(transformers.MarianConfig(**fields, attn_implementation="eager"))
            model.final_logits_bias.normal_()
            return model

        yield Entry(f"transformer_tiny@{name}", "transformer_tiny", "model", make,
                    {k: v for k, v in fields.items() if k != "init_std"}, pairs_of_texts, pair_outputs)


def entries():
    t = transformers
    yield from marian_entries()
    # As small as the fixtures of the tests may be: tests/models/generate_text_parity.py writes them from these.
    sizes = {"vocab_size": 37, "max_position_embeddings": 13, "initializer_range": 0.05}
    bert = {**sizes, "hidden_size": 12, "num_hidden_layers": 2, "num_attention_heads": 3, "intermediate_size": 20,
            "type_vocab_size": 3, "layer_norm_eps": 1e-6}
    yield from encoder_entries(
        "bert_tiny", "bert", t.BertConfig,
        {"none": (t.BertModel, {}),
         "sequence_classification": (t.BertForSequenceClassification, {"num_labels": 5, "hidden_act": "relu"}),
         "token_classification": (t.BertForTokenClassification, {"num_labels": 3, "hidden_act": "gelu_new"}),
         "question_answering": (t.BertForQuestionAnswering, {"hidden_act": "quick_gelu"}),
         "masked_lm": (t.BertForMaskedLM, {"hidden_act": "silu"}),
         "pretraining": (t.BertForPreTraining, {})}, **bert)
    yield from encoder_entries(
        "distilbert_base", "distilbert", t.DistilBertConfig,
        {"none": (t.DistilBertModel, {}),
         "sequence_classification": (t.DistilBertForSequenceClassification, {"num_labels": 4}),
         "token_classification": (t.DistilBertForTokenClassification, {"num_labels": 3}),
         "question_answering": (t.DistilBertForQuestionAnswering, {}),
         "masked_lm": (t.DistilBertForMaskedLM, {"activation": "relu"})},
        **sizes, dim=12, n_layers=2, n_heads=2, hidden_dim=22)
    yield from encoder_entries(
        "electra_small", "electra", t.ElectraConfig,
        {"none": (t.ElectraModel, {}),
         "sequence_classification": (t.ElectraForSequenceClassification, {"num_labels": 4}),
         "token_classification": (t.ElectraForTokenClassification, {"num_labels": 3, "embedding_size": 12}),
         "question_answering": (t.ElectraForQuestionAnswering, {"hidden_act": "gelu_fast"}),
         "masked_lm": (t.ElectraForMaskedLM, {"hidden_act": "relu"}),
         "pretraining": (t.ElectraForPreTraining, {"hidden_act": "relu"})},
        **{**bert, "embedding_size": 6})
    yield from encoder_entries(
        "convbert_small", "convbert", t.ConvBertConfig,
        {"none": (t.ConvBertModel, {"num_groups": 2}),
         "sequence_classification": (t.ConvBertForSequenceClassification, {"num_labels": 4, "hidden_act": "relu"}),
         "token_classification": (t.ConvBertForTokenClassification, {"num_labels": 3, "head_ratio": 8}),
         "question_answering": (t.ConvBertForQuestionAnswering, {"embedding_size": 12}),
         "masked_lm": (t.ConvBertForMaskedLM, {"hidden_act": "relu"})}, full_texts,
        **{**bert, "num_attention_heads": 4, "embedding_size": 6, "conv_kernel_size": 5})


def randomize(model):
    with torch.no_grad():
        for name, p in model.named_parameters():
            if "embed_positions" in name:  # sines
                continue
            noise = torch.randn_like(p)
            p.copy_(1 + 0.2 * noise if "norm" in name.lower() and name.endswith("weight") else 0.3 * noise)


def worst(ours, theirs, mask=None, floor=0.0):
    if ours.shape != theirs.shape:
        return float("inf")
    if mask is not None and theirs.dim() > 1 and theirs.shape[:2] == mask.shape:
        ours, theirs = ours[mask], theirs[mask]
    return ((ours - theirs).abs().max() / theirs.abs().max().clamp_min(max(floor, 1e-30))).item()


def reference(entry, model, inputs):
    """Outputs, and gradients under braid's names, in float64."""
    model.double()
    outputs = entry.outputs(model, inputs)
    loss = outputs["logits"].square().mean()
    if "seq_relationship_logits" in outputs:
        loss = loss + outputs["seq_relationship_logits"].square().mean()
    loss.backward()
    body = model.base_model is model  # saved without the prefix
    return outputs, {f"{entry.prefix}.{name}" if body else name: torch.zeros_like(p) if p.grad is None else p.grad
                     for name, p in model.named_parameters() if "embed_positions" not in name}


def braid(program, *args):
    subprocess.run([program, "forward", *map(str, args)], check=True)


def compare(entry, program, folder):
    torch.manual_seed(1)
    model = entry.model().eval()
    randomize(model)
    inputs = entry.inputs(model)
    mask = inputs["attention_mask"].bool()
    model.save_pretrained(folder / "theirs")
    save_file(inputs, folder / "in.safetensors")
    outputs32 = entry.outputs(model, inputs)
    braid(program, entry.architecture, "--weights", folder / "theirs/model.safetensors", "--model-kwargs",
          json.dumps({k: v for k, v in entry.fields.items() if k not in ("head", "num_labels")}),
          "--input", folder / "in.safetensors", "--output", folder / "out32.safetensors",
          "--save-weights", f"{folder}/ours/")
    back, info = type(model).from_pretrained(folder / "ours", output_loading_info=True)
    theirs = back.state_dict()
    equal = not any(info.values()) and all(torch.equal(v, theirs[k]) for k, v in model.state_dict().items())
    ours32 = load_file(folder / "out32.safetensors")

    outputs, expected = reference(entry, model, inputs)
    braid(program, entry.architecture, "--weights", folder / "theirs", "--input", folder / "in.safetensors",
          "--output", folder / "out.safetensors", "--grads", folder / "grads.safetensors", "--dtype", "float64")
    ours, grads = load_file(folder / "out.safetensors"), load_file(folder / "grads.safetensors")
    floor = 1e-3 * max(g.abs().max().item() for g in expected.values())
    names_equal = expected.keys() == grads.keys()
    gradients = max(worst(grads[k], g, floor=floor) for k, g in expected.items() if k in grads)
    names_equal &= set(outputs) <= set(ours)
    logits = max(worst(ours[k], v, mask) for k, v in outputs.items() if k != "features" and k in ours)
    logits32 = max(worst(ours32[k], v, mask) for k, v in outputs32.items() if k != "features" and k in ours32)
    hidden = "features" if "features" in outputs else "encoder_hidden"
    features = worst(ours[hidden], outputs[hidden], mask)
    good = names_equal and equal and logits32 < TOLERANCE32 and max(logits, features, gradients) < TOLERANCE64
    verdict = "ok" if good else "NAMES DIFFER" if not names_equal else "OFF"
    params = sum(p.numel() for p in model.parameters())
    return [entry.name, f"{params:,}", f"{logits32:.1e}", f"{logits:.1e}", f"{features:.1e}", f"{gradients:.1e}",
            "equal" if equal else "DIFFERS", verdict]


def compare_real(architecture, weights, program, folder):
    torch.manual_seed(1)
    model = transformers.AutoModel.from_pretrained(weights, attn_implementation="eager").eval()
    ids = torch.randint(1000, model.config.vocab_size, (4, 60))
    mask = torch.ones_like(ids)
    for row, length in enumerate((60, 33, 12, 3)):
        mask[row, length:] = 0
    inputs = {"input_ids": ids * mask, "attention_mask": mask}
    save_file(inputs, folder / "in.safetensors")
    errors = []
    for dtype in ("float32", "float64"):
        model.to(getattr(torch, dtype))
        braid(program, architecture, "--weights", weights, "--input", folder / "in.safetensors",
              "--output", folder / "out.safetensors", "--dtype", dtype)
        with torch.no_grad():
            theirs = encoder_outputs(model, inputs)
        ours = load_file(folder / "out.safetensors")
        errors.append(max(worst(ours[k], v, mask.bool()) for k, v in theirs.items()))
    good = errors[0] < TOLERANCE32 and errors[1] < TOLERANCE64
    params = sum(p.numel() for p in model.parameters())
    return [f"{architecture}={pathlib.Path(weights).name}", f"{params:,}", f"{errors[0]:.1e}", f"{errors[1]:.1e}", "", "",
            "", "ok" if good else "OFF"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", help="architectures, or rows ARCHITECTURE@HEAD")
    parser.add_argument("--braid", default="build/bin/braid")
    parser.add_argument("--real", nargs="*", default=[], help="ARCHITECTURE=FOLDER")
    args = parser.parse_args()
    warnings.filterwarnings("ignore")
    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    rows = []
    chosen = [e for e in entries() if not args.names or e.name in args.names or e.architecture in args.names]
    print("| " + " | ".join(COLUMNS) + " |\n|" + "---|" * len(COLUMNS), flush=True)
    for run in [lambda f, e=e: compare(e, args.braid, f) for e in chosen] + [
            lambda f, r=r: compare_real(*r.split("=", 1), args.braid, f) for r in args.real]:
        with tempfile.TemporaryDirectory() as folder:
            rows.append(run(pathlib.Path(folder)))
        print("| " + " | ".join(rows[-1]) + " |", flush=True)
    sys.exit(any(row[-1] != "ok" for row in rows))


if __name__ == "__main__":
    main()
