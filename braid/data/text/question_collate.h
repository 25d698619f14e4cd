// Batches of questions, each before a window of its context.
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "braid/data/bad_samples.h"
#include "braid/data/collate.h"
#include "braid/data/text/questions.h"
#include "braid/data/text/text_collate.h"
#include "braid/text/tokenizer.h"

namespace braid::data {

// [B] int64: the tokens with which the answer begins and ends; the first token: it has none here.
inline constexpr const char* kStartPositions = "start_positions";
inline constexpr const char* kEndPositions = "end_positions";

struct WindowOptions {
  int64_t max_length = 384;  // tokens of a row, the special ones too
  // Tokens that two windows of a context share; where a window has no room for them, all but one of
  // its own.
  int64_t doc_stride = 128;
};

// What transformers' run_qa.py makes of questions: [CLS] question [SEP] window [SEP], as the
// tokenizer joins two texts. Contexts are tokenized once, however much is asked of them.
class QuestionWindows {
 public:
  // A question that leaves no room for its context is a bad sample, without windows.
  QuestionWindows(QuestionsPtr questions, text::TokenizerPtr tokenizer,
                  const WindowOptions& options, BadSamples& bad);

  struct Window {
    int64_t question = 0;
    int64_t first = 0, count = 0;  // tokens of the context
  };
  int64_t size() const { return static_cast<int64_t>(windows_.size()); }
  const Window& get(int64_t index) const { return windows_.at(static_cast<size_t>(index)); }
  const Questions& questions() const { return *questions_; }
  const text::Tokenizer& tokenizer() const { return *tokenizer_; }

  TokenRow row(int64_t index) const;
  // Of each token of the row its place in the context, in bytes; none: it is no part of that.
  std::vector<std::optional<text::Span>> spans(int64_t index) const;
  // The tokens of the row with which the first answer begins and ends; {0, 0} where the window
  // does not hold all of it.
  std::pair<int64_t, int64_t> positions(int64_t index) const;

 private:
  struct Tokens {
    std::vector<int32_t> ids;
    std::vector<text::Span> offsets;
  };
  // What the tokenizer puts around and between two texts.
  struct Frame {
    std::vector<int32_t> before, between, after;
    std::vector<int32_t> before_types, between_types, after_types;
    int32_t first_type = 0, second_type = 0;
  };
  int64_t context_begin(const Window& window) const;  // in the row

  QuestionsPtr questions_;
  text::TokenizerPtr tokenizer_;
  Frame frame_;
  std::vector<Tokens> contexts_;
  std::vector<std::vector<int32_t>> asked_;  // tokens of each question
  std::vector<Window> windows_;              // of a question after each other
};
using QuestionWindowsPtr = std::shared_ptr<const QuestionWindows>;

// input_ids, attention_mask, token_type_ids [B,N], start_positions and end_positions [B] int64.
class QuestionCollate final : public Collate {
 public:
  explicit QuestionCollate(QuestionWindowsPtr windows) : windows_(std::move(windows)) {}
  Batch operator()(const std::vector<int64_t>& indices, const Place& place,
                   BadSamples& bad) const override;

 private:
  QuestionWindowsPtr windows_;
};

}  // namespace braid::data
