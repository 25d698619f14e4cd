// Rules about the next token against transformers' logits processors; see
// tests/generate/generate_cases.py.
#include "braid/decoding/token_rules.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <map>
#include <span>
#include <string>

#include "braid/io/safetensors.h"

namespace braid::decoding {
namespace {

using ::testing::ElementsAre;
using ::testing::UnorderedElementsAre;

template <class T>
std::vector<T> numbers_of(const io::SafetensorsFile& file, const std::string& name) {
  const auto bytes = file.bytes(name);
  std::vector<T> numbers(bytes.size() / sizeof(T));
  file.read_tensor(file.at(name), std::as_writable_bytes(std::span(numbers)));
  return numbers;
}

using Change = std::function<void(GenerationConfig&)>;

GenerationConfig with(const Change& change) {
  GenerationConfig config{.eos_token_id = {0}};
  change(config);
  return config;
}

TEST(TokenRules, AreTransformers) {
  const auto file =
      io::SafetensorsFile::read(BRAID_TEST_SOURCE_DIR "/decoding/fixtures/processors.safetensors");
  struct Case {
    Change change;
    int64_t max_length = 100;
  };
  const std::map<std::string, Case> cases = {
      {"repetition_penalty", {[](auto& c) { c.repetition_penalty = 1.7; }}},
      {"no_repeat_ngram_1", {[](auto& c) { c.no_repeat_ngram_size = 1; }}},
      {"no_repeat_ngram_2", {[](auto& c) { c.no_repeat_ngram_size = 2; }}},
      {"no_repeat_ngram_3", {[](auto& c) { c.no_repeat_ngram_size = 3; }}},
      {"bad_words", {[](auto& c) {
         c.bad_words_ids = {{11}, {4, 3, 7}, {3, 8}, {0}, {5, 5, 5, 5, 1}};
       }}},
      {"min_length_5", {[](auto& c) { c.min_length = 5; }}},
      {"min_length_4", {[](auto& c) { c.min_length = 4; }}},
      {"forced_eos_5", {[](auto& c) { c.forced_eos_token_id = 0; }, 5}},
      {"forced_eos_6", {[](auto& c) { c.forced_eos_token_id = 0; }, 6}}};
  const int64_t rows = file.at("written").shape.at(0), length = file.at("written").shape.at(1);
  const int64_t words = file.at("scores").shape.at(1);
  const auto written = numbers_of<int64_t>(file, "written");
  for (const auto& [name, one] : cases) {
    auto scores = numbers_of<float>(file, "scores");
    const auto expected = numbers_of<float>(file, name);
    const TokenRules rules(with(one.change), one.max_length);
    EXPECT_TRUE(rules.any()) << name;
    for (int64_t row = 0; row < rows; ++row)
      rules.apply({written.begin() + row * length, written.begin() + (row + 1) * length},
                  scores.data() + row * words, words);
    ASSERT_EQ(scores.size(), expected.size());
    for (size_t i = 0; i < scores.size(); ++i) {
      const bool same = scores[i] == expected[i] || std::abs(scores[i] - expected[i]) <= 1e-6f;
      EXPECT_TRUE(same) << name << " " << i << ": " << scores[i] << " for " << expected[i];
    }
  }
}

TEST(TokenRules, SayWhatMayNotFollow) {
  EXPECT_FALSE(TokenRules(with([](auto&) {}), 10).any());
  const TokenRules rules(with([](auto& c) {
                           c.bad_words_ids = {{7}, {2, 3, 4}, {0}};
                           c.no_repeat_ngram_size = 2;
                           c.min_length = 4;
                           c.repetition_penalty = 2;
                         }),
                         10);
  const auto verdict = rules.verdict({9, 2, 3});
  EXPECT_THAT(verdict.forbidden, UnorderedElementsAre(7, 4, 0));
  EXPECT_THAT(verdict.penalized, ElementsAre(2, 3, 9));
  EXPECT_THAT(rules.verdict({2, 5, 2, 6, 2}).forbidden, UnorderedElementsAre(7, 5, 6));
  EXPECT_THAT(rules.verdict({2, 2, 2}).penalized, ElementsAre(2)) << "each once";
}

TEST(TokenRules, ForceTheFirstAndTheLast) {
  const TokenRules rules(with([](auto& c) {
                           c.forced_bos_token_id = 5;
                           c.forced_eos_token_id = 0;
                         }),
                         6);
  EXPECT_EQ(rules.verdict({9}).forced, 5);
  EXPECT_FALSE(rules.verdict({9, 5}).forced.has_value());
  EXPECT_EQ(rules.verdict({9, 5, 1, 1, 1}).forced, 0);
  std::vector<float> scores = {3, 2, 1};
  const TokenRules first(with([](auto& c) { c.forced_bos_token_id = 2; }), 6);
  first.apply({1}, scores.data(), 3);
  EXPECT_THAT(scores, ElementsAre(-INFINITY, -INFINITY, 0));
}

}  // namespace
}  // namespace braid::decoding
