#include <fmt/format.h>
#include <sentencepiece_trainer.h>

#include <algorithm>
#include <unordered_map>

#include "braid/core/error.h"
#include "braid/text/sentencepiece_tokenizer.h"
#include "braid/text/train_tokenizer.h"
#include "braid/text/utf8.h"

namespace braid::text {
namespace {

constexpr int kThreads = 4;  // the model depends on their number, so it is no machine's own
// Bytes; longer texts are cut. The library keeps places within a word in 16 bits and ends the
// program where a word is longer, once it is normalized: one code point of three bytes may become
// 18. And what it takes to learn unigram pieces grows with the square of a text that repeats
// itself.
constexpr int kMaxSentence = 8192;

// Gives the trainer one text after the other; a longer one in parts.
class Sentences final : public sentencepiece::SentenceIterator {
 public:
  explicit Sentences(const TextSource& texts) : texts_(texts) { Next(); }
  bool done() const override { return done_; }
  void Next() override {
    while (at_ >= text_.size()) {
      at_ = 0;
      if (!texts_(text_)) {
        done_ = true;
        return;
      }
      if (valid_utf8(text_) != text_.size()) text_ = repair_utf8(text_).text;
      any_ = any_ || !text_.empty();
    }
    size_t end = std::min(text_.size(), at_ + kMaxSentence);
    while (end < text_.size() && !starts_code_point(text_[end])) --end;
    if (const size_t space = text_.rfind(' ', end);
        end < text_.size() && space != std::string::npos && space > at_)
      end = space;
    part_ = text_.substr(at_, end - at_);
    at_ = end;
  }
  const std::string& value() const override { return part_; }
  sentencepiece::util::Status status() const override { return {}; }
  bool any() const { return any_; }

 private:
  const TextSource& texts_;
  std::string text_, part_;
  size_t at_ = 0;
  bool done_ = false, any_ = false;
};

// The library's message without the place in its sources.
std::string message_of(const sentencepiece::util::Status& status) {
  const std::string text = status.message();
  const auto behind = text.find("] ");
  return behind == std::string::npos ? text : text.substr(behind + 2);
}

}  // namespace

TokenizerPtr train_sentencepiece(const TextSource& texts, const SentencePieceTraining& options) {
  if (options.type != "unigram" && options.type != "bpe")
    throw ConfigError("train-tokenizer",
                      "expected type to be unigram or bpe, got '" + options.type + "'");
  if (options.vocab_size < 4 || options.vocab_size > 1'000'000)
    throw ConfigError(
        "train-tokenizer",
        fmt::format("expected vocab_size between 4 and 1000000, got {}", options.vocab_size));
  if (!(options.character_coverage > 0.9 && options.character_coverage <= 1))
    throw ConfigError("train-tokenizer",
                      fmt::format("expected character_coverage above 0.9 and at most 1, got {}",
                                  options.character_coverage));
  Sentences sentences(texts);
  if (!sentences.any())
    throw DataError("train-tokenizer", "expected texts with words, got none", "",
                    "give files with text in them");
  const std::unordered_map<std::string, std::string> settings = {
      {"model_type", options.type},
      {"vocab_size", std::to_string(options.vocab_size)},
      {"character_coverage", fmt::format("{}", options.character_coverage)},
      {"byte_fallback", options.byte_fallback ? "true" : "false"},
      {"pad_id", "0"},
      {"eos_id", "1"},
      {"unk_id", "2"},
      {"bos_id", "-1"},
      {"max_sentence_length", std::to_string(kMaxSentence + 1)},
      {"hard_vocab_limit", "false"},
      {"num_threads", std::to_string(kThreads)}};
  silence_sentencepiece();
  std::string model;
  const auto status = sentencepiece::SentencePieceTrainer::Train(settings, &sentences, &model);
  if (!status.ok())
    throw ConfigError("train-tokenizer",
                      fmt::format("expected texts and a vocab_size that a vocabulary can be "
                                  "learned for, got {} ({})",
                                  options.vocab_size, message_of(status)),
                      "", "lower vocab_size, or give more text");
  return sentencepiece_of(std::move(model), "spiece.model");
}

}  // namespace braid::text
