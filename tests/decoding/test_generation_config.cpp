// Settings that somebody else wrote.
#include "braid/decoding/generation_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "braid/core/error.h"

namespace braid::decoding {
namespace {

using ::testing::HasSubstr;

std::string refusal(const std::string& json) {
  try {
    generation_config_from_json(parse_json(json, {.component = "test", .where = "file"}),
                                "the file");
  } catch (const DataError& e) {
    return e.what();
  }
  return "";
}

TEST(ForeignGenerationConfig, WhatIsNoSettingIsADataErrorWithFileAndField) {
  for (const auto* field : {"num_beams", "max_length", "eos_token_id", "forced_eos_token_id"})
    for (const auto* value : {"\"many\"", "1e300", "[[1]]", "{}", "-1", "[1e300]"}) {
      const auto said = refusal(std::string("{\"") + field + "\": " + value + "}");
      EXPECT_THAT(said, HasSubstr(field)) << value;
      EXPECT_THAT(said, HasSubstr("the file")) << value;
    }
  EXPECT_THAT(refusal(R"({"bad_words_ids": [[1, 1e300]]})"), HasSubstr("bad_words_ids"));
  EXPECT_THAT(refusal(R"({"bad_words_ids": [1]})"), HasSubstr("bad_words_ids"));
  EXPECT_THAT(refusal(R"({"early_stopping": "sometimes"})"), HasSubstr("early_stopping"));
  EXPECT_THAT(refusal(R"({"num_beams": 100000})"), HasSubstr("num_beams"));
  for (const auto* far : {"500", "-500", "1e308"})  // a power that is no number any more
    EXPECT_THAT(refusal(std::string(R"({"length_penalty": )") + far + "}"),
                HasSubstr("length_penalty"));
  EXPECT_THAT(refusal("[]"), HasSubstr("object"));
  EXPECT_EQ(refusal(R"({"num_beams": 4.0, "unknown": 1e300, "max_new_tokens": null})"), "");
}

TEST(ForeignGenerationConfig, SettingsThatFitNoOtherAreNamed) {
  EXPECT_FALSE(conflict_of({}).has_value());
  EXPECT_EQ(conflict_of({.num_beams = 2, .num_return_sequences = 3})->field,
            "num_return_sequences");
  EXPECT_EQ(conflict_of({.bad_words_ids = {{1}, {}}})->field, "bad_words_ids");
}

TEST(ForeignGenerationConfig, TokensOutsideOfTheVocabularyAreNamed) {
  const GenerationConfig good{.bad_words_ids = {{1, 9}},
                              .pad_token_id = 77,
                              .decoder_start_token_id = 9,
                              .eos_token_id = {0, 9},
                              .forced_bos_token_id = 3,
                              .forced_eos_token_id = 0};
  EXPECT_FALSE(token_fault_of(good, 10).has_value()) << "padding is not written";
  const auto fault = [&](void (*change)(GenerationConfig&)) {
    auto config = good;
    change(config);
    const auto found = token_fault_of(config, 10);
    return found ? found->field : "";
  };
  EXPECT_EQ(fault([](auto& c) { c.bad_words_ids = {{1, 10}}; }), "bad_words_ids");
  EXPECT_EQ(fault([](auto& c) { c.eos_token_id = {0, 10}; }), "eos_token_id");
  EXPECT_EQ(fault([](auto& c) { c.eos_token_id = {-1}; }), "eos_token_id");
  EXPECT_EQ(fault([](auto& c) { c.decoder_start_token_id = 10; }), "decoder_start_token_id");
  EXPECT_EQ(fault([](auto& c) { c.forced_bos_token_id = 10; }), "forced_bos_token_id");
  EXPECT_EQ(fault([](auto& c) { c.forced_eos_token_id = 10; }), "forced_eos_token_id");
}

TEST(LongestText, FollowsTheSourceByClassesOf16) {
  const GenerationConfig config{.max_length = 100};
  EXPECT_EQ(longest_text(config, 5, 0), 100);
  EXPECT_EQ(longest_text(config, 1, 2), 16 + 32);
  EXPECT_EQ(longest_text(config, 16, 2), 16 + 32);
  EXPECT_EQ(longest_text(config, 17, 2), 16 + 64);
  EXPECT_EQ(longest_text(config, 33, 2), 100);
  EXPECT_EQ(longest_text(config, 1, 1e300), 100);
  EXPECT_EQ(longest_text({.max_length = 100, .max_new_tokens = 20}, 1, 2), 21);
}

}  // namespace
}  // namespace braid::decoding
