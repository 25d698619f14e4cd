#include "braid/models/text/text_model.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <utility>

#include "braid/core/error.h"
#include "braid/core/near_match.h"

namespace braid::models {
namespace {

constexpr std::array<std::pair<TextHead, const char*>, 6> kTextHeads = {
    {{TextHead::kNone, "none"},
     {TextHead::kSequenceClassification, "sequence_classification"},
     {TextHead::kTokenClassification, "token_classification"},
     {TextHead::kQuestionAnswering, "question_answering"},
     {TextHead::kMaskedLm, "masked_lm"},
     {TextHead::kPreTraining, "pretraining"}}};

bool is_whole(const torch::Tensor& x) {
  return c10::isIntegralType(x.scalar_type(), /*includeBool=*/false);
}

std::string described(const torch::Tensor& x) {
  if (!x.defined()) return "none";
  return fmt::format("{} [{}]", c10::toString(x.scalar_type()), fmt::join(x.sizes(), ","));
}

}  // namespace

const char* to_string(TextHead head) {
  for (const auto& [value, name] : kTextHeads)
    if (value == head) return name;
  throw InternalError("models", "a head without a name");
}

std::vector<std::string> text_head_names() {
  std::vector<std::string> names;
  for (const auto& entry : kTextHeads) names.emplace_back(entry.second);
  return names;
}

TextHead parse_text_head(const std::string& name) {
  for (const auto& [value, known] : kTextHeads)
    if (name == known) return value;
  throw ConfigError("models", "unknown head '" + name + "'", "head",
                    did_you_mean(name, text_head_names()));
}

void expect_supported(const char* model, const TextEncoder& encoder, TextHead head) {
  if (encoder.supports(head)) return;
  std::vector<std::string> known;
  for (const auto& [value, name] : kTextHeads)
    if (encoder.supports(value)) known.emplace_back(name);
  throw ConfigError(
      "models", fmt::format("expected a head that it can have, got {}", to_string(head)),
      fmt::format("model {}", model), fmt::format("it can have {}", fmt::join(known, ", ")));
}

torch::Tensor TextEncoder::next_sentence(const torch::Tensor&) {
  throw UsageError("models", "expected a model with the head pretraining", to_string(head()));
}

int64_t example_length(const TextModel& model) {
  const int64_t most = model.max_positions();
  return most > 0 ? std::min(most, kExampleTokens) : kExampleTokens;
}

void check_numbers(const torch::Tensor& ids, int64_t count, const char* name, const char* remedy) {
  if (ids.numel() == 0 || ids.device().type() != torch::kCPU) return;
  // A check is no part of what a model computes: who observes operators does not see it.
  const at::DisableRecordFunctionGuard unseen;
  const auto [least, largest] = ids.aminmax();
  if (least.item<int64_t>() >= 0 && largest.item<int64_t>() < count) return;
  const auto bad = ids.lt(0).logical_or(ids.ge(count)).nonzero()[0];
  const auto row = bad[0].item<int64_t>(), column = bad[1].item<int64_t>();
  throw DataError("models",
                  fmt::format("expected numbers from 0 to {}, got {} (row {}, position {})",
                              count - 1, ids[row][column].item<int64_t>(), row, column),
                  name, remedy);
}

namespace {

// What is too long: the first row of more tokens, or the padding of all.
std::string length_of_row(const TextInput& input, int64_t most) {
  const auto& ids = input.input_ids;
  const auto got = [](int64_t row, int64_t tokens) {
    return fmt::format("{} (row {})", tokens, row);
  };
  if (!input.attention_mask.defined()) return got(0, ids.size(1));
  const auto tokens = input.attention_mask.ne(0).sum(1).cpu();  // [B]
  const auto longer = tokens.gt(most).nonzero().flatten();
  if (longer.numel() == 0) return fmt::format("{} with their padding", ids.size(1));
  const auto row = longer[0].item<int64_t>();
  return got(row, tokens[row].item<int64_t>());
}

}  // namespace

void check_text_input(const TextInput& input, const TextModel& model) {
  check_text_input(input, model.vocab_size(), model.max_positions());
}

void check_text_input(const TextInput& input, int64_t vocab_size, int64_t most,
                      const std::string& part) {
  const auto& ids = input.input_ids;
  const auto name = part + "input_ids";
  if (!ids.defined() || ids.dim() != 2 || !is_whole(ids))
    throw DataError("models", "expected whole numbers [B,N], got " + described(ids), name);
  if (ids.size(1) == 0) throw DataError("models", "expected texts of one token or more", name);
  for (const auto& [tensor, mask] : {std::pair(input.attention_mask, "attention_mask"),
                                     std::pair(input.token_type_ids, "token_type_ids")})
    if (tensor.defined() && tensor.sizes() != ids.sizes())
      throw DataError("models",
                      fmt::format("expected the shape of {}, [{}], got {}", name,
                                  fmt::join(ids.sizes(), ","), described(tensor)),
                      part + mask);
  if (input.token_type_ids.defined() && !is_whole(input.token_type_ids))
    throw DataError("models", "expected whole numbers, got " + described(input.token_type_ids),
                    part + "token_type_ids");
  if (most > 0 && ids.size(1) > most)
    throw DataError("models",
                    fmt::format("expected texts of at most {} tokens, got {}", most,
                                length_of_row(input, most)),
                    name, kTooLongRemedy);
  check_numbers(ids, vocab_size, name.c_str(), "use the tokenizer that the model was trained with");
}

}  // namespace braid::models
