#include "cli/data_tokenizers.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstdio>

#include "braid/core/error.h"
#include "braid/text/token_rows.h"
#include "braid/text/tokenizer.h"
#include "braid/text/train_tokenizer.h"
#include "cli/command.h"

namespace braid::cli {
namespace {

constexpr const char* kTokenizeFooter = R"(Examples:
  braid data tokenize --tokenizer bert-base-uncased/vocab.txt reviews.txt
  echo 'Hello world' | braid data tokenize --tokenizer gpt2/tokenizer.json --format jsonl)";

constexpr const char* kTrainTokenizerFooter = R"(Examples:
  braid data train-tokenizer --type wordpiece --vocab-size 30522 --output tokenizer texts.txt
  braid data train-tokenizer --type unigram --vocab-size 8000 --output joint train.en train.de)";

struct TokenizeOptions {
  std::string tokenizer, format = "text", offsets = "chars";
  std::vector<std::string> files = {"-"};
  bool no_special_tokens = false;
  int64_t max_length = 0;
};

struct TrainOptions {
  std::string type = "wordpiece", output;
  int64_t vocab_size = 0, min_frequency = 2;
  bool cased = false;
  double character_coverage = 0.9995;
  bool byte_fallback = false;
  std::vector<std::string> files;
};

text::TextSource lines(const std::vector<std::string>& files) {
  return text::lines_of({files.begin(), files.end()});
}

void tokenize(const TokenizeOptions& options) {
  const auto tokenizer = text::load_tokenizer(options.tokenizer);
  const text::TokenRowOptions row = {.encode = {.add_special_tokens = !options.no_special_tokens,
                                                .max_length = options.max_length},
                                     .offsets_in_bytes = options.offsets == "bytes"};
  const auto source = lines(options.files);
  for (std::string line; source(line);) {
    if (options.format == "jsonl")
      line = dump_json(text::token_row(*tokenizer, line, row));
    else
      line = text::token_line(*tokenizer, line, row);
    fmt::print("{}\n", line);
  }
}

text::TokenizerPtr train(const TrainOptions& o) {
  const auto source = lines(o.files);
  if (o.type == "wordpiece")
    return text::train_wordpiece(
        source,
        {.vocab_size = o.vocab_size, .min_frequency = o.min_frequency, .lowercase = !o.cased});
  if (o.type == "bpe")
    return text::train_bpe(source, {.vocab_size = o.vocab_size, .min_frequency = o.min_frequency});
  return text::train_sentencepiece(source, {.type = o.type == "spm-bpe" ? "bpe" : o.type,
                                            .vocab_size = o.vocab_size,
                                            .character_coverage = o.character_coverage,
                                            .byte_fallback = o.byte_fallback});
}

// A flag that the type does not read would do nothing.
void expect_flags_of_type(const CLI::App& verb, const std::string& type) {
  struct TypesOfFlag {
    const char* flag;
    std::vector<std::string> types;
  };
  const std::vector<TypesOfFlag> flags = {{"--min-frequency", {"wordpiece", "bpe"}},
                                          {"--cased", {"wordpiece"}},
                                          {"--character-coverage", {"unigram", "spm-bpe"}},
                                          {"--byte-fallback", {"unigram", "spm-bpe"}}};
  for (const auto& [flag, types] : flags)
    if (verb.count(flag) > 0 && std::find(types.begin(), types.end(), type) == types.end())
      throw UsageError("train-tokenizer",
                       fmt::format("expected --type {}, got {}", fmt::join(types, " or "), type),
                       flag, "leave it out, or choose another --type");
}

void train_tokenizer(const TrainOptions& options) {
  const auto tokenizer = train(options);
  tokenizer->save(options.output);
  fmt::print("{}: {} tokens\n", options.output, tokenizer->vocab_size());
}

}  // namespace

void add_data_text(CLI::App& data) {
  auto o = std::make_shared<TokenizeOptions>();
  auto* verb = data.add_subcommand("tokenize", "Tokens of each line");
  verb->footer(kTokenizeFooter);
  verb->add_option("files", o->files, "texts; - reads standard input [-]");
  verb->add_option("--tokenizer", o->tokenizer,
                   "tokenizer.json, vocab.txt, vocab.json, SentencePiece model, or their folder")
      ->required();
  add_choice(*verb, "--format", o->format, {"text", "jsonl"}, "what is printed per line");
  verb->add_flag("--no-special-tokens", o->no_special_tokens, "without [CLS] and the like");
  verb->add_option("--max-length", o->max_length, "tokens, those that are added too [0: all]")
      ->check(CLI::Range(0, 1 << 30).description(""));
  add_choice(*verb, "--offsets", o->offsets, {"chars", "bytes"}, "what offsets count");
  verb->callback([o] { tokenize(*o); });

  auto t = std::make_shared<TrainOptions>();
  auto* training = data.add_subcommand("train-tokenizer", "Learn a vocabulary from texts");
  training->footer(kTrainTokenizerFooter);
  training->add_option("files", t->files, "texts, a line each; - reads standard input")->required();
  add_choice(*training, "--type", t->type, {"wordpiece", "bpe", "unigram", "spm-bpe"},
             "the model: BERT's, byte-level BPE, SentencePiece's two");
  training->add_option("--vocab-size", t->vocab_size, "tokens")
      ->required()
      ->check(CLI::Range(1, 1'000'000).description(""));
  training->add_option("--output", t->output, "folder of the tokenizer")->required();
  training->add_option("--min-frequency", t->min_frequency, "of a pair that is joined [2]")
      ->check(CLI::Range(0, 1 << 30).description(""));
  training->add_flag("--cased", t->cased, "wordpiece: keep capitals and accents");
  training->add_option("--character-coverage", t->character_coverage,
                       "unigram, spm-bpe: share of characters with a piece [0.9995]");
  training->add_flag("--byte-fallback", t->byte_fallback,
                     "unigram, spm-bpe: spell other characters by their bytes");
  training->callback([t, training] {
    expect_flags_of_type(*training, t->type);
    train_tokenizer(*t);
  });
}

}  // namespace braid::cli
