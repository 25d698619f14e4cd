#!/usr/bin/env python3
"""Writes fixtures/fusion_*.safetensors and pair_*.safetensors: tiny CNNs and fusion models of text, encoders and
encoder-decoders, computed by their reference implementation in float64.

    .venv/bin/python tests/models/generate_text_fusion.py [NAME...]   (torch 2.13.0, transformers 5.24.0; seed 1)

References: ConvBertModel, Wav2Vec2ConformerEncoder, BertModel of Hugging Face transformers; fairseq's
LightConvEncoder, lite-transformer's TransformerEncoder and Kim's TextCNN re-stated below. Each text is
computed by itself, without padding, since the references' convolutions read padded positions.

Each file: `weights/NAME` float16; `input_ids` and `attention_mask` [B,N] of texts of several lengths;
`features` [tokens of all texts,D] and `logits` ([B,K], or [tokens of all texts,K]) float64; `grads`
float64, per parameter in the order of their sorted names the inner product of d(mean(logits^2)) /
d(parameter) with cos(0), cos(1), ...; the metadata `kwargs` are braid's config fields. Of an encoder-decoder also
`decoder_input_ids` and `decoder_attention_mask`, and `features` are the decoder's.
"""
import argparse
import json
import math
import pathlib
import sys

import torch
import torch.nn.functional as F
from torch import nn

HERE = pathlib.Path(__file__).resolve().parent
for op in ("nms", "qnms"):  # transformers imports torchvision, whose operators a mere CPU wheel may lack
    try:
        torch.library.define(f"torchvision::{op}", "(Tensor a, Tensor b, float c) -> Tensor")
    except RuntimeError:
        pass
from safetensors.torch import save_file  # noqa: E402
from transformers import (BertConfig, BertModel, ConvBertConfig, ConvBertForMaskedLM,  # noqa: E402
                          ConvBertForQuestionAnswering, ConvBertForSequenceClassification,
                          ConvBertForTokenClassification, Wav2Vec2ConformerConfig)
from transformers.models.wav2vec2_conformer.modeling_wav2vec2_conformer import (  # noqa: E402
    Wav2Vec2ConformerEncoder)

VOCAB, LABELS = 23, 3
LENGTHS, TARGET_LENGTHS = (9, 1, 4), (6, 8, 1)


def randomize(model, generator):
    """Weights far from their initialization, rounded to float16."""
    with torch.no_grad():
        for name, tensor in list(model.named_parameters()) + list(model.named_buffers()):
            if not tensor.is_floating_point() or name not in model.state_dict():
                continue
            noise = torch.randn(tensor.shape, generator=generator)
            if name.endswith("running_var"):
                tensor.copy_(0.5 + noise.abs())
            elif tensor.dim() == 1 and name.endswith("weight"):  # gains of norms
                tensor.copy_(1 + 0.2 * noise)
            elif tensor.dim() == 1:
                tensor.copy_(0.1 * noise)
            else:
                tensor.copy_(noise * 0.5 / max(1.0, math.sqrt(tensor[0].numel() / 4)))
            tensor.copy_(tensor.half().float())


class Node(nn.Module):
    """A tree of modules by names with dots."""

    def put(self, path, module):
        first, _, rest = path.partition(".")
        if not rest:
            self.add_module(first, module)
        else:
            if first not in dict(self.named_children()):
                self.add_module(first, Node())
            getattr(self, first).put(rest, module)
        return module


class TextModel(Node):
    """features(ids) of one text [1,N] -> [1,N,D]; head(features) -> logits."""

    def head(self, features):
        return self.classifier(self.pool(features))

    def pool(self, features):
        return features.mean(1)


def convolve(x, kernels, left):
    """x [1,N,C], kernels [1,N,H,K], each for C / H channels: window by window."""
    K = kernels.shape[-1]
    windows = F.pad(x, (0, 0, left, K - 1 - left)).unfold(1, K, 1)  # [1,N,C,K]
    spread = kernels.repeat_interleave(x.shape[2] // kernels.shape[2], 2)
    return (windows * spread).sum(-1)


class LightConvolution(Node):
    """fairseq's block of linear1, (GLU), convolution, linear2; `conv`: where its kernels are."""

    def __init__(self, dim, heads, size, dynamic, glu, conv="", causal=False):
        super().__init__()
        self.left = size - 1 if causal else size // 2
        self.heads, self.size, self.dynamic, self.glu = heads, size, dynamic, glu
        self.linear1 = nn.Linear(dim, 2 * dim if glu else dim)
        self.linear2 = nn.Linear(dim, dim)
        self.kernels = [self if not conv else self.put(conv, Node())]  # a list, so as not to be a child
        if dynamic:
            self.kernels[0].weight_linear = nn.Linear(dim, heads * size, bias=False)
        else:
            self.kernels[0].weight = nn.Parameter(torch.zeros(heads, 1, size))

    def forward(self, x):
        x = self.linear1(x)
        if self.glu:
            x = F.glu(x, -1)
        where = self.kernels[0]
        if self.dynamic:
            kernels = where.weight_linear(x).view(1, -1, self.heads, self.size)
        else:
            kernels = where.weight.view(1, 1, self.heads, self.size).expand(1, x.shape[1], -1, -1)
        return self.linear2(convolve(x, kernels.softmax(-1), self.left))


class Attention(nn.Module):
    def __init__(self, dim, heads, causal=False):
        super().__init__()
        self.heads, self.causal = heads, causal
        self.q_proj, self.k_proj, self.v_proj, self.out_proj = (nn.Linear(dim, dim) for _ in range(4))

    def forward(self, x, memory=None):
        memory = x if memory is None else memory
        q, k, v = (p(y).view(1, y.shape[1], self.heads, -1).transpose(1, 2)
                   for p, y in ((self.q_proj, x), (self.k_proj, memory), (self.v_proj, memory)))
        scores = q @ k.transpose(2, 3) / math.sqrt(q.shape[-1])
        if self.causal:
            scores = scores + torch.full_like(scores, -math.inf).triu(1)
        weights = scores.softmax(-1)
        return self.out_proj((weights @ v).transpose(1, 2).flatten(2))


class LongShort(nn.Module):
    def __init__(self, dim, heads, size, dynamic, glu, causal=False):
        super().__init__()
        self.branches = nn.ModuleList([Attention(dim // 2, heads, causal),
                                       LightConvolution(dim // 2, heads, size, dynamic, glu, causal=causal)])

    def forward(self, x):
        return torch.cat([branch(half) for branch, half in zip(self.branches, x.chunk(2, -1))], -1)


def fairseq_positions(count, dim, padding_idx):
    """SinusoidalPositionalEmbedding.get_embedding of fairseq, in float32 as there."""
    rates = torch.exp(torch.arange(dim // 2, dtype=torch.float) * -(math.log(10000) / (dim // 2 - 1)))
    angles = torch.arange(padding_idx + 1, padding_idx + 1 + count, dtype=torch.float).unsqueeze(1) * rates
    return torch.cat([torch.sin(angles), torch.cos(angles)], 1)


class FairseqLayer(nn.Module):
    """heads: of the attention to the encoder, 0: none."""

    def __init__(self, dim, ffn, mixer, flat, pre_norm, heads=0):
        super().__init__()
        self.pre_norm = pre_norm
        self.mixer = [mixer]
        norm = lambda: nn.LayerNorm(dim)  # noqa: E731
        if flat:  # LightConvEncoderLayer, LightConvDecoderLayer
            for name, child in mixer.named_children():
                self.add_module(name, child)
        else:
            self.self_attn = mixer
        if flat and not heads:
            self.layer_norms = nn.ModuleList([norm(), norm()])
            self.norms = [*self.layer_norms]
        else:
            self.add_module("conv_layer_norm" if flat else "self_attn_layer_norm", first := norm())
            self.final_layer_norm = norm()
            self.norms = [first, self.final_layer_norm]
        if heads:
            self.encoder_attn, self.encoder_attn_layer_norm = Attention(dim, heads), norm()
            self.norms.insert(1, self.encoder_attn_layer_norm)
        self.fc1, self.fc2 = nn.Linear(dim, ffn), nn.Linear(ffn, dim)

    def forward(self, x, memory=None):
        branches = [self.mixer[0], lambda y: self.fc2(F.relu(self.fc1(y)))]
        if memory is not None:
            branches.insert(1, lambda y: self.encoder_attn(y, memory))
        for norm, branch in zip(self.norms, branches):
            x = x + branch(norm(x)) if self.pre_norm else norm(x + branch(x))
        return x


def fairseq_embed(words, ids, pad):
    return math.sqrt(words.shape[1]) * words[ids] + fairseq_positions(ids.shape[1], words.shape[1], pad)


class FairseqModel(TextModel):
    def __init__(self, fields, mixer, flat):
        super().__init__()
        dim, pre_norm = fields["encoder_embed_dim"], fields.get("encoder_normalize_before", False)
        self.pad = fields["pad_token_id"]
        self.encoder = Node()
        self.encoder.embed_tokens = nn.Embedding(VOCAB, dim)
        self.encoder.layers = nn.ModuleList(
            [FairseqLayer(dim, fields["encoder_ffn_embed_dim"], mixer(size), flat, pre_norm)
             for size in fields["encoder_kernel_size_list"]])
        if pre_norm:
            self.encoder.layer_norm = nn.LayerNorm(dim)
        self.classifier = nn.Linear(dim, LABELS)

    def features(self, ids):
        x = fairseq_embed(self.encoder.embed_tokens.weight, ids, self.pad)
        for layer in self.encoder.layers:
            x = layer(x)
        return self.encoder.layer_norm(x) if hasattr(self.encoder, "layer_norm") else x


class FairseqPair(nn.Module):
    """fields: those of braid's FairseqSeq2SeqConfig; mixer(size, causal)."""

    def __init__(self, fields, mixer, flat):
        super().__init__()
        dim, pre_norm = fields["embed_dim"], fields.get("normalize_before", False)
        self.pad, self.shared = fields["pad_token_id"], fields.get("share_encoder_decoder_embeddings", True)
        for name, causal in (("encoder", False), ("decoder", True)):
            stack = Node()
            if not causal or not self.shared:
                stack.embed_tokens = nn.Embedding(VOCAB, dim)
            stack.layers = nn.ModuleList(
                [FairseqLayer(dim, fields[name + "_ffn_embed_dim"], mixer(size, causal), flat, pre_norm, 2 if causal else 0)
                 for size in fields[name + "_kernel_size_list"]])
            if pre_norm:
                stack.layer_norm = nn.LayerNorm(dim)
            self.add_module(name, stack)

    def run(self, stack, words, ids, *memory):
        x = fairseq_embed(words, ids, self.pad)
        for layer in stack.layers:
            x = layer(x, *memory)
        return stack.layer_norm(x) if hasattr(stack, "layer_norm") else x

    def forward(self, ids, target):
        """Hidden states of the decoder and logits, [1,T,D] and [1,T,V]."""
        words = self.encoder.embed_tokens.weight
        memory = self.run(self.encoder, words, ids)
        if not self.shared:
            words = self.decoder.embed_tokens.weight
        hidden = self.run(self.decoder, words, target, memory)
        return hidden, hidden @ words.T


def pair(model, **changes):
    fields = {"pad_token_id": 1, "embed_dim": 8, "encoder_layers": 2, "decoder_layers": 2, "encoder_ffn_embed_dim": 12,
              "decoder_ffn_embed_dim": 10, "encoder_attention_heads": 2, "decoder_attention_heads": 2,
              "encoder_kernel_size_list": [3, 7], "decoder_kernel_size_list": [5, 15], **changes}
    dynamic, glu, flat = fields.get("conv_type") == "dynamic", fields.get("glu", False), model == "lightconv"

    def mixer(size, causal):
        if flat:
            return LightConvolution(8, 2, size, dynamic, glu, "conv", causal)
        return LongShort(8, 2, size, dynamic, glu, causal)
    return FairseqPair(fields, mixer, flat), fields


def lightconv(**changes):
    fields = {"pad_token_id": 1, "encoder_embed_dim": 8, "encoder_ffn_embed_dim": 12, "encoder_layers": 2,
              "encoder_attention_heads": 2, "encoder_kernel_size_list": [3, 7], **changes}
    dynamic = fields.get("encoder_conv_type") == "dynamic"
    return FairseqModel(fields, lambda size: LightConvolution(8, 2, size, dynamic, fields.get("encoder_glu", False),
                                                              "conv"), True), fields


def lite_transformer(**changes):
    fields = {"pad_token_id": 1, "encoder_embed_dim": 16, "encoder_ffn_embed_dim": 16, "encoder_layers": 2,
              "encoder_attention_heads": 2, "encoder_kernel_size_list": [3, 15], **changes}
    dynamic = fields.get("conv_type") == "dynamic"
    return FairseqModel(fields, lambda size: LongShort(16, 2, size, dynamic, fields.get("encoder_glu", False)),
                        False), fields


def kim(convs, x):
    """Windows centred at their tokens, [1,N,filters]."""
    maps = []
    for conv in convs:
        size = conv.weight.shape[2]
        maps.append(F.relu(conv(F.pad(x.transpose(1, 2), ((size - 1) // 2, size // 2)))))
    return torch.cat(maps, 1).transpose(1, 2)


class TextCnn(TextModel):
    def __init__(self, dim, filters, sizes):
        super().__init__()
        self.words = [self.put("embeddings.word_embeddings", nn.Embedding(VOCAB, dim))]
        self.convs = nn.ModuleList([nn.Conv1d(dim, filters, size) for size in sizes])
        self.classifier = nn.Linear(filters * len(sizes), LABELS)

    def features(self, ids):
        return kim(self.convs, self.words[0].weight[ids])

    def pool(self, features):
        return features.amax(1)


def textcnn():
    fields = {"embed_dim": 6, "num_filters": 4, "kernel_sizes": [3, 4, 5]}
    return TextCnn(6, 4, fields["kernel_sizes"]), fields


BERT = {"hidden_size": 8, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 12,
        "max_position_embeddings": 16}


class BertCnn(TextModel):
    def __init__(self, sizes, filters):
        super().__init__()
        self.bert = BertModel(BertConfig(vocab_size=VOCAB, **BERT), add_pooling_layer=False)
        self.convs = nn.ModuleList([nn.Conv1d(8, filters, size) for size in sizes])
        self.classifier = nn.Linear(filters * len(sizes), LABELS)

    def features(self, ids):
        return kim(self.convs, self.bert(ids).last_hidden_state)

    def pool(self, features):
        return features.amax(1)


class StemBlock(nn.Module):
    def __init__(self, dim, size):
        super().__init__()
        self.norm = nn.LayerNorm(dim, eps=1e-12)
        self.depthwise = nn.Conv1d(dim, dim, size, padding=size // 2, groups=dim, bias=False)
        self.pointwise = nn.Linear(dim, dim)

    def forward(self, x):
        return x + self.pointwise(F.gelu(self.depthwise(self.norm(x).transpose(1, 2)).transpose(1, 2)))


class ConvStemBert(TextModel):
    def __init__(self, depth, size):
        super().__init__()
        self.bert = BertModel(BertConfig(vocab_size=VOCAB, **BERT))
        self.bert.stem = nn.Sequential(*[StemBlock(8, size) for _ in range(depth)])
        self.classifier = nn.Linear(8, LABELS)

    def features(self, ids):
        return self.bert.encoder(self.bert.stem(self.bert.embeddings(ids)))[0]

    def pool(self, features):
        return self.bert.pooler(features)


class ConformerText(TextModel):
    def __init__(self, **fields):
        super().__init__()
        self.words = self.put("embeddings.word_embeddings", nn.Embedding(VOCAB, 8))
        self.norm = self.put("embeddings.LayerNorm", nn.LayerNorm(8))
        del self.words, self.norm
        self.encoder = Wav2Vec2ConformerEncoder(Wav2Vec2ConformerConfig(num_conv_pos_embedding_groups=2, **fields))
        del self.encoder.pos_conv_embed  # stored, but unused
        if isinstance(getattr(self.encoder.embed_positions, "inv_freq", None), torch.Tensor):
            positions = self.encoder.embed_positions  # a constant, which braid does not store
            frequencies = positions.inv_freq.clone()
            del positions.inv_freq
            positions.inv_freq = frequencies.double()
        self.classifier = nn.Linear(8, LABELS)

    def features(self, ids):
        x = self.embeddings.LayerNorm(self.embeddings.word_embeddings.weight[ids])
        return self.encoder(x).last_hidden_state


def conformer(position_embeddings_type):
    fields = {"hidden_size": 8, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 12,
              "hidden_act": "swish", "conv_depthwise_kernel_size": 5,
              "position_embeddings_type": position_embeddings_type}
    return ConformerText(**fields), fields


class Convbert(nn.Module):
    """One of transformers' classes; its parameters as they are."""

    def __init__(self, kind, fields):
        super().__init__()
        self.inner = kind(ConvBertConfig(vocab_size=VOCAB, num_labels=2 if "Question" in kind.__name__ else LABELS,
                                         **fields))

    def named(self):
        return {name: p for name, p in self.inner.named_parameters() if name != "generator_lm_head.weight"}

    def features(self, ids):
        return self.inner.convbert(ids, attention_mask=torch.ones_like(ids)).last_hidden_state

    def head(self, features):
        inner = self.inner
        if hasattr(inner, "generator_lm_head"):
            return F.linear(inner.generator_predictions(features), inner.convbert.embeddings.word_embeddings.weight,
                            inner.generator_lm_head.bias)
        return inner.qa_outputs(features) if hasattr(inner, "qa_outputs") else inner.classifier(features)


def convbert(kind, head, **changes):
    fields = {"embedding_size": 8, "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 4,
              "intermediate_size": 12, "conv_kernel_size": 5, "max_position_embeddings": 16, "pad_token_id": 0,
              **changes}
    return Convbert(kind, fields), {**fields, "head": head}


CASES = {
    "textcnn": textcnn,
    "lightconv_encoder_tiny": lightconv,
    "lightconv_encoder_tiny@dynamic": lambda: lightconv(encoder_conv_type="dynamic", encoder_glu=True,
                                                        encoder_normalize_before=True),
    "lite_transformer_encoder_160": lite_transformer,
    "lite_transformer_encoder_496": lambda: lite_transformer(conv_type="dynamic", encoder_glu=True),
    "convbert_small": lambda: convbert(ConvBertForSequenceClassification, "sequence_classification"),
    "convbert_small@tokens": lambda: convbert(ConvBertForTokenClassification, "token_classification", head_ratio=8),
    "convbert_medium_small@words": lambda: convbert(ConvBertForMaskedLM, "masked_lm", num_groups=2),
    "convbert_base@answers": lambda: convbert(ConvBertForQuestionAnswering, "question_answering",
                                              embedding_size=16, hidden_act="relu"),
    "wav2vec2_conformer_text_small": lambda: conformer("relative"),
    "wav2vec2_conformer_text_rotary_small": lambda: conformer("rotary"),
    "bert_tiny_cnn": lambda: (BertCnn([2, 3], 5), {**BERT, "kernel_sizes": [2, 3], "num_filters": 5}),
    "conv_stem_bert_mini": lambda: (ConvStemBert(2, 3), {**BERT, "stem_depth": 2, "stem_kernel_size": 3}),
}


PAIRS = {
    "lightconv_tiny": lambda: pair("lightconv"),
    "lightconv_tiny@dynamic": lambda: pair("lightconv", conv_type="dynamic", glu=True, normalize_before=True),
    "lite_transformer_160": lambda: pair("lite_transformer", share_encoder_decoder_embeddings=False),
    "lite_transformer_496": lambda: pair("lite_transformer", conv_type="dynamic", glu=True),
}


def draw_texts(generator, lengths):
    ids = torch.randint(2, VOCAB, (len(lengths), max(lengths)), generator=generator)
    return ids, torch.arange(max(lengths)) < torch.tensor(lengths).unsqueeze(1)


def weights_and_grads(model, own):
    """The entries of a file; own: the parameters by braid's names."""
    buffers = {k: v for k, v in model.state_dict().items() if "running" in k or "num_batches" in k}
    state = {k: v.detach().half() if v.is_floating_point() else v for k, v in {**own, **buffers}.items()}
    grads = [(own[k].grad.flatten() * torch.arange(own[k].numel()).double().cos()).sum() for k in sorted(own)]
    return {**{f"weights/{k}": v.contiguous() for k, v in state.items()}, "grads": torch.stack(grads)}


def write_pair(name, model, fields):
    generator = torch.Generator().manual_seed(1)
    randomize(model, generator)
    model.double().eval()
    ids, mask = draw_texts(generator, LENGTHS)
    target, target_mask = draw_texts(generator, TARGET_LENGTHS)
    outputs = [model(ids[i:i + 1, :n], target[i:i + 1, :m]) for i, (n, m) in enumerate(zip(LENGTHS, TARGET_LENGTHS))]
    features, logits = (torch.cat([y[0] for y in part]) for part in zip(*outputs))
    logits.square().mean().backward()
    save_file({**weights_and_grads(model, dict(model.named_parameters())), "input_ids": ids,
               "attention_mask": mask.long(), "decoder_input_ids": target,
               "decoder_attention_mask": target_mask.long(), "features": features.detach(), "logits": logits.detach()},
              HERE / "fixtures" / f"pair_{name}.safetensors", {"kwargs": json.dumps({"vocab_size": VOCAB, **fields})})
    print(f"{name}: logits {float(logits.detach().abs().mean()):.2f}")


def write(name, model, fields):
    generator = torch.Generator().manual_seed(1)
    randomize(model, generator)
    model.double().eval()
    ids, mask = draw_texts(generator, LENGTHS)
    features = [model.features(ids[i:i + 1, :length]) for i, length in enumerate(LENGTHS)]
    logits = torch.cat([model.head(x).flatten(0, -2) for x in features])
    logits.square().mean().backward()
    own = getattr(model, "named", lambda: dict(model.named_parameters()))()
    kwargs = {"vocab_size": VOCAB, "head": "sequence_classification", "num_labels": LABELS, **fields}
    save_file({**weights_and_grads(model, own), "input_ids": ids, "attention_mask": mask.long(),
               "features": torch.cat([x[0] for x in features]).detach(), "logits": logits.detach()},
              HERE / "fixtures" / f"fusion_{name}.safetensors", {"kwargs": json.dumps(kwargs)})
    print(f"{name}: {len(own)} parameters, logits {float(logits.detach().abs().mean()):.2f}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("names", nargs="*", help="cases; all by default")
    args = parser.parse_args()
    if unknown := set(args.names) - {*CASES, *PAIRS}:
        sys.exit(f"unknown: {', '.join(sorted(unknown))}")
    torch.manual_seed(1)
    for cases, save in ((CASES, write), (PAIRS, write_pair)):
        for name, make in cases.items():
            if not args.names or name in args.names:
                save(name, *make())


if __name__ == "__main__":
    main()
