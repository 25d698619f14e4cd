#!/usr/bin/env python3
"""Writes fixtures/*.json: small tokenizers and what `tokenizers` 0.23.3 makes of texts that trip others up.

    tests/text/generate_tokenizers.py

Each file: {"tokenizer": a tokenizer.json, "cases": [{"text", "pair", "special", "max_length", "ids", "type_ids", "offsets" (in
bytes of the text that the token is in), "special_tokens", "words", "decoded", "decoded_whole"}]}.
"""
import json
import pathlib

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

FOLDER = pathlib.Path(__file__).parent / "fixtures"
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
TEXTS = ["", " ", "   ", "hello", "é野x", "e\u0301f", "한국", "a\u200bb", "a\x0bb", "a\x85b", "a\u2028b", "x[MASK]y", "x[mask]y", "[ MASK ]",
         "ΟΔΟΣ", "İx", "ß", "a" * 100, "a" * 101, "a\u0301" * 100, "a\u0301" * 101, "\u00adab", "ab\u00ad", "a\ufffdb", "\ue000a", "$5+3=8 ",
         "“hi”", "don't", "DON'T I'LL", "😀😀", "👩\u200d👩\u200d👧", "❤\ufe0f", "ﬁ", "１２", "\U0002b820", "\U0002b920", "\u0378", "\u0301",
         "a\u3000b", "a\u302e\u0323b", "a\u0749\x0c\u302eb", "a\u0749\u00ad\u302eb", "\u08d4\u0323\u302ex", "豈更", "각\u11a8", "1D15E \U0001D15E", "fOo FOO foobar", "Bar bar xBarx Bar.",
         "a  <mask> b", "<mask>", "  <mask>  ", "x <r>   y", "hello   world", " hello", "hello ", "\thello\r\n\nworld  \n", "1234567 ½ ²",
         "naïve café", "ﷺ", "हिन्दी", "\ufeffx", " \u00a0x", "x\u3000y", "'s 'S '\u017f 'll 'LL", "HelloWorld's camelCaseXYZ", "foo/bar//\n/",
         "\u02b0\u02b1A", "\u0301A\u0301b", "Ab\u0301C", "  a", "\n", "\r\n ", "can't you're we've I'm he'd", "<|end|>x<|end|>",
         "\U0010ffff\U000e0001", "a.b,c!d", "##llo", "hello##llo", "ǅ ǆ Ǆ", "\u1e9e", "Å\u212b", "\u0344", "ŒUVRE", "mixed 中文and日本語"]
PAIRS = [("hello world", "hello"), ("a b c d e f", "a b"), ("a b", "a b c d e f"), ("a b c d", "a b c d e"), ("", "a"), ("a", ""),
         ("é野 x", "[MASK] y")]


def bytes_of(text, span):
    return [len(text[:at].encode()) for at in span]


def row(tokenizer, text, pair=None, special=True, max_length=0):
    if max_length:
        tokenizer.enable_truncation(max_length)
    else:
        tokenizer.no_truncation()
    e = tokenizer.encode(text, pair, add_special_tokens=special)
    offsets = [[0, 0] if sequence is None else bytes_of(pair if sequence else text, span)
               for span, sequence in zip(e.offsets, e.sequence_ids)]
    case = {"text": text, "ids": e.ids, "type_ids": e.type_ids, "offsets": offsets, "special_tokens": e.special_tokens_mask,
            "words": [-1 if word is None else word for word in e.word_ids], "decoded": tokenizer.decode(e.ids),
            "decoded_whole": tokenizer.decode(e.ids, skip_special_tokens=False)}
    if pair is not None:
        case["pair"] = pair
    if not special:
        case["special"] = False
    if max_length:
        case["max_length"] = max_length
    return case


def write(name, tokenizer, texts=None):
    texts = TEXTS if texts is None else texts
    cases = [row(tokenizer, text) for text in texts]
    cases += [row(tokenizer, text, special=False) for text in ("hello <mask> x", "a")]
    cases += [row(tokenizer, a, b) for a, b in PAIRS]
    added = tokenizer.num_special_tokens_to_add(False), tokenizer.num_special_tokens_to_add(True)
    cases += [row(tokenizer, text, max_length=added[0] + most) for text in ("a b c d e f", "hello") for most in (1, 2, 5)]
    cases += [row(tokenizer, a, b, max_length=added[1] + most) for a, b in PAIRS for most in (1, 2, 3, 5, 7)]
    tokenizer.no_truncation()
    whole = json.loads(tokenizer.to_str())
    lines = ",\n".join(json.dumps(case, ensure_ascii=True) for case in cases)
    (FOLDER / f"{name}.json").write_text('{"tokenizer": ' + json.dumps(whole, ensure_ascii=True) + ',\n"cases": [\n' + lines + "\n]}\n")


def wordpiece(**options):
    chars = [chr(c) for c in range(33, 127)]
    words = SPECIAL + chars + ["##" + c for c in chars]
    words += ["野", "##野", "ß", "##ß", "ι", "σ", "##σ", "ς", "##ς", "ο", "##ο", "δ", "##δ", "ᄒ", "##ᅡ", "##ᆫ", "한", "##한", "😀",
              "##😀", "가", "hello", "##llo", "é", "##é", "\u0301", "##\u0301", "ﬁ", "中", "文", "日", "本", "語", "豈", "\u302e", "##\u302e"]
    vocab = {token: i for i, token in enumerate(words)}
    tokenizer = Tokenizer(models.WordPiece(vocab, unk_token="[UNK]", max_input_chars_per_word=100))
    tokenizer.normalizer = normalizers.BertNormalizer(**options)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=[("[CLS]", 2), ("[SEP]", 3)])
    tokenizer.decoder = decoders.WordPiece()
    tokenizer.add_special_tokens(SPECIAL)
    tokenizer.add_tokens(["Foo", AddedToken("Bar", single_word=True, normalized=False)])
    tokenizer.add_special_tokens([AddedToken("<mask>", lstrip=True), AddedToken("<r>", rstrip=True)])
    return tokenizer


def bpe(pre_tokenizer, post_processor, tokens=(), **options):
    tokenizer = Tokenizer(models.BPE(**options))
    tokenizer.pre_tokenizer = pre_tokenizer
    tokenizer.decoder = decoders.ByteLevel()
    text = ["hello world hello worlds", "a man can do what a man has to do", "don't you're we've I'm he'd I'll", "naïve café café",
            "HelloWorld camelCase", "1234 1234 12", "हिन्दी हिन्दी", "\n\n\n  \n"] * 3
    tokenizer.train_from_iterator(text, trainers.BpeTrainer(
        vocab_size=380, special_tokens=["<s>", "</s>", "<|end|>"], show_progress=False,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet()))
    tokenizer.add_special_tokens([AddedToken("<mask>", lstrip=True), AddedToken("<r>", rstrip=True)])
    tokenizer.add_tokens(["Foo", AddedToken("Bar", single_word=True, normalized=False), *tokens])
    if post_processor:
        tokenizer.post_processor = post_processor
    return tokenizer


def split(regex, behavior="isolated", invert=False):
    return pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(regex), behavior, invert),
                                    pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])


CONTRACTIONS = "(?i:'s|'t|'re|'ve|'m|'ll|'d)"
END = r"|\s*[\r\n]+|\s+(?!\S)|\s+"
LLAMA3 = CONTRACTIONS + r"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*" + END
QWEN2 = CONTRACTIONS + r"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*" + END
UPPER, LOWER = r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]", r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"
WORDS = rf"[^\r\n\p{{L}}\p{{N}}]?{UPPER}*{LOWER}+%s|[^\r\n\p{{L}}\p{{N}}]?{UPPER}+{LOWER}*%s"
O200K = WORDS % (CONTRACTIONS + "?", CONTRACTIONS + "?") + r"|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*" + END
TEKKEN = WORDS % ("", "") + r"|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*" + END


def main():
    FOLDER.mkdir(exist_ok=True)
    write("wordpiece_uncased", wordpiece())
    write("wordpiece_cased", wordpiece(lowercase=False))
    write("wordpiece_lower_accents", wordpiece(strip_accents=False))
    write("wordpiece_unclean", wordpiece(clean_text=False, handle_chinese_chars=False))
    level = pre_tokenizers.ByteLevel
    write("bpe_gpt2", bpe(level(add_prefix_space=False), processors.ByteLevel(trim_offsets=False)))
    write("bpe_prefix", bpe(level(add_prefix_space=True), processors.ByteLevel(trim_offsets=True, add_prefix_space=True)))
    write("bpe_roberta", bpe(level(add_prefix_space=False), processors.RobertaProcessing(("</s>", 1), ("<s>", 0), add_prefix_space=False)))
    write("bpe_llama3", bpe(split(LLAMA3), processors.Sequence([
        processors.ByteLevel(trim_offsets=False),
        processors.TemplateProcessing(single="<s> $A", pair="<s> $A <s>:1 $B:1", special_tokens=[("<s>", 0)])]), ignore_merges=True))
    write("bpe_qwen2", bpe(split(QWEN2), None))
    write("bpe_o200k", bpe(split(O200K, "removed", True), None))
    write("bpe_tekken", bpe(split(TEKKEN), None))
    words = Tokenizer(models.BPE(unk_token="[UNK]", fuse_unk=True))
    words.pre_tokenizer = pre_tokenizers.Whitespace()
    words.train_from_iterator(["hello world", "a man can"] * 3, trainers.BpeTrainer(
        vocab_size=60, special_tokens=["[UNK]"], end_of_word_suffix="</w>", show_progress=False))
    words.decoder = decoders.BPEDecoder()
    write("bpe_words", words)


if __name__ == "__main__":
    main()
