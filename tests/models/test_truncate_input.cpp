// Rows of tokens that are longer than a model reads.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "braid/core/error.h"
#include "braid/models/text/truncate_input.h"

namespace braid::models {
namespace {

using ::testing::HasSubstr;

torch::Tensor whole(const std::vector<int64_t>& values) {
  return torch::tensor(values, torch::kLong).unsqueeze(0);
}

TEST(TruncateInput, TheLastTokenStaysUnlessItNeedNot) {
  const TextInput input{
      .input_ids = whole({2, 5, 6, 7, 8, 3}), .attention_mask = {}, .token_type_ids = {}};
  const auto cut = truncate_input(input, 4);
  EXPECT_EQ(cut.rows, 1);
  EXPECT_TRUE(cut.input.input_ids.equal(whole({2, 5, 6, 3}))) << cut.input.input_ids;
  EXPECT_FALSE(cut.input.attention_mask.defined());
  const auto begun = truncate_input(input, 4, LastToken::kGoes);
  EXPECT_TRUE(begun.input.input_ids.equal(whole({2, 5, 6, 7})));
  EXPECT_TRUE(truncate_input(input, 1).input.input_ids.equal(whole({3})));
  for (const int64_t most : {0, 6, 9}) {
    const auto same = truncate_input(input, most);
    EXPECT_EQ(same.rows, 0) << most;
    EXPECT_TRUE(same.input.input_ids.equal(input.input_ids)) << most;
  }
}

// [CLS] and [SEP] are 2 and 3; what `tokenizers` keeps of 5 and 2, 2 and 5, 5 and 5 tokens.
TEST(TruncateInput, TheLongerOfTwoTextsIsShortenedFirst) {
  const auto cut = [](int64_t first, int64_t second) {
    std::vector<int64_t> ids = {2}, types(static_cast<size_t>(first) + 2, 0);
    for (int64_t i = 0; i < first; ++i) ids.push_back(10 + i);
    ids.push_back(3);
    for (int64_t i = 0; i < second; ++i) ids.push_back(20 + i);
    ids.push_back(3);
    types.resize(ids.size(), 1);
    return truncate_input(
               {.input_ids = whole(ids), .attention_mask = {}, .token_type_ids = whole(types)}, 8)
        .input;
  };
  EXPECT_TRUE(cut(5, 2).input_ids.equal(whole({2, 10, 11, 12, 3, 20, 21, 3})));
  EXPECT_TRUE(cut(5, 2).token_type_ids.equal(whole({0, 0, 0, 0, 0, 1, 1, 1})));
  EXPECT_TRUE(cut(2, 5).input_ids.equal(whole({2, 10, 11, 3, 20, 21, 22, 3})));
  EXPECT_TRUE(cut(5, 5).input_ids.equal(whole({2, 10, 11, 3, 20, 21, 22, 3})));
}

TEST(TruncateInput, PaddingGoesBeforeTokens) {
  const TextInput input{
      .input_ids =
          torch::tensor({{2, 5, 6, 3, 0, 0}, {0, 0, 2, 5, 6, 3}, {2, 5, 6, 7, 8, 3}}, torch::kInt),
      .attention_mask =
          torch::tensor({{1, 1, 1, 1, 0, 0}, {0, 0, 1, 1, 1, 1}, {1, 1, 1, 1, 1, 1}}, torch::kLong),
      .token_type_ids = {}};
  const auto cut = truncate_input(input, 5);
  EXPECT_EQ(cut.rows, 1);
  EXPECT_EQ(cut.input.input_ids.scalar_type(), torch::kInt);
  EXPECT_TRUE(cut.input.input_ids.equal(
      torch::tensor({{2, 5, 6, 3, 0}, {2, 5, 6, 3, 0}, {2, 5, 6, 7, 3}}, torch::kInt)))
      << cut.input.input_ids;
  EXPECT_TRUE(cut.input.attention_mask.equal(
      torch::tensor({{1, 1, 1, 1, 0}, {1, 1, 1, 1, 0}, {1, 1, 1, 1, 1}}, torch::kLong)));
}

TEST(TruncateInput, WhatIsTooLongIsNamedByItsRow) {
  const auto refusal = [](const TextInput& input) -> std::string {
    try {
      check_text_input(input, 100, 4);
    } catch (const DataError& e) {
      return e.what();
    }
    return "taken";
  };
  const auto ids = torch::ones({3, 6}, torch::kLong);
  EXPECT_THAT(refusal({ids, {}, {}}), HasSubstr("at most 4 tokens, got 6 (row 0)"));
  auto mask = torch::zeros({3, 6}, torch::kLong);
  mask.slice(1, 0, 3).fill_(1);
  EXPECT_THAT(refusal({ids, mask, {}}), HasSubstr("got 6 with their padding"));
  mask[2].slice(0, 0, 5).fill_(1);
  EXPECT_THAT(refusal({ids, mask, {}}), HasSubstr("got 5 (row 2)"));
  EXPECT_THAT(refusal({ids, mask, {}}), HasSubstr("--truncate"));
  EXPECT_EQ(refusal(truncate_input({ids, mask, {}}, 4).input), "taken");
  // Tensors of other shapes are refused for that.
  EXPECT_THAT(refusal(truncate_input({ids, mask.t(), {}}, 4).input), HasSubstr("attention_mask"));
}

}  // namespace
}  // namespace braid::models
