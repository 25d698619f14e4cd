// Each processor against transformers'; see generate_cases.py.
#include "braid/generate/logits_processor.h"

#include <gtest/gtest.h>

#include <cmath>
#include <map>

#include "braid/runtime/tensor_file.h"
#include "tests/generate/cases.h"

namespace braid::generate {
namespace {

TEST(LogitsProcessors, AreTransformers) {
  const auto file =
      runtime::load_tensors(BRAID_TEST_SOURCE_DIR "/decoding/fixtures/processors.safetensors");
  std::vector<TokenIds> written;
  for (int64_t row = 0; row < 3; ++row) {
    const auto ids = file.at("written")[row].contiguous();
    written.emplace_back(ids.data_ptr<int64_t>(), ids.data_ptr<int64_t>() + ids.numel());
  }
  const GenerationConfig none{.top_k = 0, .eos_token_id = {0}};
  const auto with = [&none](const std::function<void(GenerationConfig&)>& change) {
    auto config = none;
    change(config);
    return config;
  };
  const auto drawn = [&with](const std::function<void(GenerationConfig&)>& change) {
    auto config = with(change);
    config.do_sample = true;
    return config;
  };
  struct Case {
    GenerationConfig config;
    int64_t max_length = 100;
  };
  const std::map<std::string, Case> cases = {
      {"repetition_penalty", {with([](auto& c) { c.repetition_penalty = 1.7; })}},
      {"no_repeat_ngram_1", {with([](auto& c) { c.no_repeat_ngram_size = 1; })}},
      {"no_repeat_ngram_2", {with([](auto& c) { c.no_repeat_ngram_size = 2; })}},
      {"no_repeat_ngram_3", {with([](auto& c) { c.no_repeat_ngram_size = 3; })}},
      {"bad_words", {with([](auto& c) {
         c.bad_words_ids = {{11}, {4, 3, 7}, {3, 8}, {0}, {5, 5, 5, 5, 1}};
       })}},
      {"min_length_5", {with([](auto& c) { c.min_length = 5; })}},
      {"min_length_4", {with([](auto& c) { c.min_length = 4; })}},
      {"forced_eos_5", {with([](auto& c) { c.forced_eos_token_id = 0; }), 5}},
      {"forced_eos_6", {with([](auto& c) { c.forced_eos_token_id = 0; }), 6}},
      {"temperature", {drawn([](auto& c) { c.temperature = 0.7; })}},
      {"top_k", {drawn([](auto& c) { c.top_k = 4; })}},
      {"top_p", {drawn([](auto& c) { c.top_p = 0.6; })}},
      {"top_p_beams", {drawn([](auto& c) { c.top_p = 0.1, c.num_beams = 2; })}},
      {"min_p", {drawn([](auto& c) { c.min_p = 0.3; })}},
      {"min_p_beams", {drawn([](auto& c) {
         c.min_p = 0.95, c.num_beams = 2, c.eos_token_id = {0, 1};
       })}},
      {"typical_p", {drawn([](auto& c) { c.typical_p = 0.6; })}},
      {"typical_p_beams", {drawn([](auto& c) { c.typical_p = 0.05, c.num_beams = 2; })}},
      {"renormalize", {with([](auto& c) {
         c.bad_words_ids = {{3}, {7}}, c.renormalize_logits = true;
       })}},
      {"renormalize_drawn", {drawn([](auto& c) { c.top_k = 4, c.renormalize_logits = true; })}}};
  EXPECT_EQ(cases.size() + 2, file.size());
  for (const auto& [name, one] : cases) {
    auto scores = file.at("scores").clone();
    apply(make_processors(one.config, one.max_length, scores.size(1)), written, scores);
    EXPECT_TRUE(scores.allclose(file.at(name), 1e-6, 1e-6)) << name << "\n" << scores;
  }
}

// A least length without the start token takes the place of the one with it.
TEST(LogitsProcessors, MinNewTokensCountsWithoutTheStart) {
  const auto may_end = [](const GenerationConfig& config, size_t written) {
    auto scores = torch::zeros({1, 5});
    apply(make_processors(config, 100, 5), {TokenIds(written, 4)}, scores);
    return scores[0][0].item<float>() == 0;
  };
  const GenerationConfig config{.min_length = 9, .min_new_tokens = 3, .eos_token_id = {0}};
  EXPECT_EQ(shortest_text(config), 4);
  EXPECT_FALSE(may_end(config, 3));
  EXPECT_TRUE(may_end(config, 4));
}

}  // namespace
}  // namespace braid::generate
