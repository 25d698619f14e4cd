// Texts as transformers writes them, whatever shares the batch.
#include "braid/generate/search.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>

#include "braid/core/error.h"
#include "braid/models/registry.h"
#include "braid/runtime/eval_scope.h"
#include "tests/generate/cases.h"

namespace braid::generate {
namespace {

// Of sums of log-probabilities in float32, against float64: a score of 500 has no more digits.
double score_tolerance(double score) { return 1e-5 * std::max(10.0, std::abs(score)); }

void expect_same_texts(const SearchCase& one, models::EncoderDecoder& model) {
  const auto texts = generate(model, one.input, one.config);
  const auto sequences = to_sequences(texts, one.config, model);
  const auto expected = matrix(one.sequences);
  ASSERT_TRUE(sequences.sizes() == expected.sizes() && sequences.equal(expected))
      << one.name << "\nexpected\n"
      << expected << "\ngot\n"
      << sequences << "\nsettings " << to_json(one.config);
  size_t i = 0;
  if (one.scores.empty()) return;
  for (const auto& text : texts)
    for (const auto& hypothesis : text) {
      const double score = one.scores.at(i++);
      EXPECT_NEAR(hypothesis.score, score, score_tolerance(score)) << one.name;
    }
}

void expect_all_cases(const std::filesystem::path& folder) {
  size_t count = 0;
  for (const auto& file : case_files(folder)) {
    const auto read = read_cases(file);
    for (const auto& one : read.cases) {
      expect_same_texts(one, *read.model);
      ++count;
    }
  }
  ::testing::Test::RecordProperty("cases", static_cast<int>(count));
  EXPECT_GT(count, 0u);
}

TEST(Search, WritesWhatTransformersWrites) { expect_all_cases(case_fixtures()); }

// scripts/parity_generate.py sets the variable.
TEST(Search, WritesWhatTransformersWritesInAnotherFolder) {
  const char* folder = std::getenv("BRAID_GENERATE_CASES");
  if (!folder) GTEST_SKIP() << "BRAID_GENERATE_CASES is not set";
  expect_all_cases(folder);
}

// In float64 LibTorch's operators write, in float32 and bfloat16 braid's.
TEST(Search, BraidsOperatorsWriteWhatLibTorchsWrite) {
  for (const char* name : {"lightconv_tiny", "lite_transformer_160", "transformer_tiny"}) {
    torch::manual_seed(5);
    const auto model = models::create_model<models::EncoderDecoder>(name, {{"vocab_size", 40}});
    {
      const torch::NoGradGuard no_grad;
      for (auto& p : model->parameters())
        if (p.dim() > 1) p.mul_(2);
    }
    model->eval();
    const auto ids = torch::randint(3, 40, {3, 6}, torch::kInt64);
    auto mask = torch::ones({3, 6}, torch::kInt64);
    mask[1].narrow(0, 4, 2).fill_(0);
    auto config = default_generation_config(*model);
    config.num_beams = 3;
    config.max_length = 12;
    const auto write = [&] { return generate(*model, {ids, mask, {}}, config); };
    const auto found = write();
    std::vector<std::vector<Hypothesis>> rounded;
    {
      const runtime::EvalScope scope(*model, "bfloat16");
      rounded = write();
    }
    model->to(torch::kDouble);
    const auto truth = write();
    for (size_t row = 0; row < truth.size(); ++row) {
      const auto& best = truth[row].at(0);
      EXPECT_EQ(found[row].at(0).ids, best.ids) << name << " " << row;
      EXPECT_NEAR(found[row].at(0).score, best.score, score_tolerance(best.score)) << name;
      EXPECT_NEAR(rounded[row].at(0).score, best.score, 0.05 * std::max(1.0, std::abs(best.score)))
          << name;
    }
  }
}

TEST(Search, ATextIsTheSameWhateverSharesItsBatch) {
  for (const auto& file : case_files(case_fixtures())) {
    const auto read = read_cases(file);
    for (const auto& one : read.cases) {
      const auto together = generate(*read.model, one.input, one.config);
      for (size_t row = 0; row < together.size(); ++row) {
        const auto r = static_cast<int64_t>(row);
        const auto length = one.input.attention_mask[r].sum().item<int64_t>();
        const auto ids = one.input.input_ids.narrow(0, r, 1).narrow(1, 0, length);
        const auto alone = generate(*read.model, {ids, {}, {}}, one.config);
        ASSERT_EQ(alone[0].size(), together[row].size());
        for (size_t k = 0; k < alone[0].size(); ++k) {
          EXPECT_EQ(alone[0][k].ids, together[row][k].ids) << one.name;
          EXPECT_NEAR(alone[0][k].score, together[row][k].score, score_tolerance(alone[0][k].score))
              << one.name;
        }
      }
    }
  }
}

class SmallModel : public ::testing::Test {
 protected:
  SmallModel() {
    file_ = read_cases(case_files(case_fixtures()).at(0));
    model_ = file_.model;
    input_ = {matrix({{5, 6, 7, 3, 0}}), {}, {}};
  }
  // [V], of the token after the start.
  torch::Tensor first_logits() {
    const torch::NoGradGuard no_grad;
    const auto start = torch::full({1, 1}, model_->decoder_start_token_id(), torch::kLong);
    return model_->logits(model_->decode(start, {}, model_->encode(input_)))[0][0];
  }
  CaseFile file_;
  models::EncoderDecoderPtr model_;
  models::TextInput input_;
};

TEST_F(SmallModel, HypothesesComeBestFirstAndAreDifferent) {
  const auto texts =
      generate(*model_, input_, {.max_length = 12, .num_beams = 5, .num_return_sequences = 5});
  ASSERT_EQ(texts.at(0).size(), 5u);
  for (size_t k = 1; k < 5; ++k) {
    EXPECT_GE(texts[0][k - 1].score, texts[0][k].score);
    for (size_t j = 0; j < k; ++j) EXPECT_NE(texts[0][j].ids, texts[0][k].ids);
  }
}

TEST_F(SmallModel, ScoresAreMeansOfLogProbabilities) {
  for (const int64_t beams : {1, 3}) {
    const auto best = generate(*model_, input_, {.max_length = 12, .num_beams = beams}).at(0).at(0);
    const torch::NoGradGuard no_grad;
    auto ids = best.ids;
    ids.insert(ids.begin(), model_->decoder_start_token_id());
    const auto decoded = model_->decode(matrix({ids}), {}, model_->encode(input_));
    const auto log_probs = model_->logits(decoded)[0].log_softmax(-1);
    double sum = 0;
    for (size_t i = 0; i < best.ids.size(); ++i)
      sum += log_probs[static_cast<int64_t>(i)][best.ids[i]].item<double>();
    EXPECT_NEAR(best.score, sum / static_cast<double>(best.ids.size()), score_tolerance(best.score))
        << beams;
  }
}

TEST_F(SmallModel, SamplingFollowsTheProbabilities) {
  constexpr int64_t kDraws = 4000;
  const auto texts = generate(*model_, input_,
                              {.max_new_tokens = 1,
                               .num_return_sequences = kDraws,
                               .do_sample = true,
                               .temperature = 1.5,
                               .top_k = 6});
  std::map<int64_t, double> share;
  for (const auto& draw : texts.at(0)) share[draw.ids.at(0)] += 1.0 / kDraws;
  const auto scores = first_logits() / 1.5;
  const auto [values, tokens] = scores.topk(6);
  const auto expected = values.softmax(-1);
  EXPECT_LE(share.size(), 6u);
  for (int64_t k = 0; k < 6; ++k)  // four deviations of a share
    EXPECT_NEAR(share[tokens[k].item<int64_t>()], expected[k].item<double>(),
                4 * std::sqrt(0.25 / kDraws));
}

TEST_F(SmallModel, DrawingWithBeamsFindsDifferentTexts) {
  const GenerationConfig config{
      .max_length = 10, .num_beams = 3, .num_return_sequences = 3, .do_sample = true, .top_k = 0};
  const auto texts = generate(*model_, input_, config);
  EXPECT_GE(texts.at(0).at(0).score, texts.at(0).at(1).score);
  EXPECT_NE(texts.at(0).at(0).ids, texts.at(0).at(1).ids);
  const auto ids_of = [&](int64_t seed) {
    auto seeded = config;
    seeded.seed = seed;
    const auto drawn = generate(*model_, input_, seeded);
    std::vector<std::vector<int64_t>> ids;
    for (const auto& text : drawn.at(0)) ids.push_back(text.ids);
    return ids;
  };
  EXPECT_EQ(ids_of(0), ids_of(0));
  // What three beams draw may be the same for two seeds, not for many.
  bool differs = false;
  for (int64_t seed = 1; seed <= 20 && !differs; ++seed) differs = ids_of(seed) != ids_of(0);
  EXPECT_TRUE(differs);
}

// What is drawn for a text hangs on its number and the seed.
TEST_F(SmallModel, SamplingHangsOnNumberAndSeedAlone) {
  const models::TextInput three{matrix({{5, 6, 0}, {5, 6, 0}, {9, 2, 0}}), {}, {}};
  const models::TextInput one{matrix({{5, 6, 0}}), {}, {}};
  const GenerationConfig config{.max_length = 20, .do_sample = true};
  const auto together = generate(*model_, three, config);
  EXPECT_NE(together[0][0].ids, together[1][0].ids);
  EXPECT_EQ(generate(*model_, one, config, {.numbers = {1}})[0][0].ids, together[1][0].ids);
}

TEST_F(SmallModel, AStopEndsTheSearch) {
  std::stop_source source;
  source.request_stop();
  for (const int64_t beams : {1, 2})
    EXPECT_TRUE(
        generate(*model_, input_, {.num_beams = beams}, {.stop = source.get_token()}).empty());
}

TEST_F(SmallModel, NoTextsGiveNone) {
  const models::TextInput none{torch::zeros({0, 3}, torch::kLong), {}, {}};
  EXPECT_TRUE(generate(*model_, none, {}).empty());
}

TEST_F(SmallModel, TextsEndWhereTheModelsPositionsDo) {
  const auto texts = generate(*model_, input_, {.max_length = 500, .min_length = 500});
  EXPECT_EQ(texts.at(0).at(0).ids.size(), static_cast<size_t>(model_->max_positions()));
}

// Whether all of it is, or a single word's.
TEST_F(SmallModel, RefusesOutputThatIsNotFinite) {
  const torch::NoGradGuard no_grad;
  const auto expect_refused = [&](const GenerationConfig& config) {
    try {
      generate(*model_, input_, config);
      ADD_FAILURE() << "expected a DataError";
    } catch (const DataError& e) {
      EXPECT_THAT(e.what(), ::testing::HasSubstr("not finite"));
    }
  };
  const auto expect_all_refused = [&] {
    expect_refused({.max_length = 8});
    expect_refused({.max_length = 8, .do_sample = true});
    expect_refused({.max_length = 8, .num_beams = 3});
    expect_refused({.max_length = 8, .num_beams = 3, .do_sample = true});
  };
  auto biases = model_->named_buffers();
  auto* bias = biases.find("final_logits_bias");
  ASSERT_NE(bias, nullptr);
  for (const float value : {NAN, INFINITY}) {
    bias->select(1, 7).fill_(value);
    expect_all_refused();
  }
  bias->zero_();
  for (auto& p : model_->parameters()) p.fill_(NAN);
  expect_all_refused();
}

TEST_F(SmallModel, RefusesSettingsThatFitNothing) {
  const auto refused = [&](const GenerationConfig& config, const char* what) {
    try {
      generate(*model_, input_, config);
      ADD_FAILURE() << what;
    } catch (const ConfigError& e) {
      EXPECT_THAT(e.what(), ::testing::HasSubstr(what));
    }
  };
  refused({.num_return_sequences = 2}, "num_return_sequences");
  refused({.num_beams = 2, .num_return_sequences = 3}, "num_return_sequences");
  refused({.num_beams = 0}, "num_beams");
  refused({.max_length = 1}, "max_length");
  refused({.early_stopping = "sometimes"}, "early_stopping");
  refused({.temperature = 0}, "temperature");
  refused({.bad_words_ids = {{}}}, "bad_words_ids");
  refused({.bad_words_ids = {{4, 1000}}}, "bad_words_ids");
  refused({.eos_token_id = {1000}}, "eos_token_id");
  refused({.forced_eos_token_id = 1000}, "forced_eos_token_id");
  refused({.decoder_start_token_id = 1000}, "decoder_start_token_id");
}

TEST_F(SmallModel, OlderCheckpointsSayInTheirConfigHowTheyWrite) {
  namespace fs = std::filesystem;
  const auto folder =
      fs::temp_directory_path() / ("braid_generation_" + std::to_string(::getpid()));
  fs::create_directories(folder);
  EXPECT_EQ(load_generation_config(folder, *model_).num_beams, 1);
  std::ofstream(folder / "config.json")
      << R"({"model_type": "marian", "num_beams": 6, "max_length": 77, "early_stopping": true})";
  const auto older = load_generation_config(folder, *model_);
  EXPECT_EQ(older.num_beams, 6);
  EXPECT_EQ(older.max_length, 77);
  EXPECT_EQ(older.early_stopping, "true");
  EXPECT_EQ(older.bad_words_ids, default_generation_config(*model_).bad_words_ids);
  std::ofstream(folder / "generation_config.json") << R"({"num_beams": 2, "max_new_tokens": 9})";
  const auto own = load_generation_config(folder, *model_);
  EXPECT_EQ(own.num_beams, 2);
  EXPECT_EQ(longest_text(own), 10);
  EXPECT_EQ(longest_text(older), 77);
  fs::remove_all(folder);
}

TEST(GenerationConfigFile, IsReadAsTransformersWritesIt) {
  const auto json = Json::parse(R"({"bad_words_ids": [[58100]], "bos_token_id": 0,
    "decoder_start_token_id": 58100, "early_stopping": true, "eos_token_id": 0,
    "forced_eos_token_id": 0, "max_length": 512, "num_beams": 4, "pad_token_id": 58100,
    "renormalize_logits": true, "transformers_version": "5.24.0", "max_new_tokens": null})");
  const auto config = generation_config_from_json(json, "file");
  EXPECT_EQ(config.bad_words_ids, (std::vector<std::vector<int64_t>>{{58100}}));
  EXPECT_EQ(config.early_stopping, "true");
  EXPECT_EQ(config.eos_token_id, std::vector<int64_t>{0});
  EXPECT_EQ(config.forced_eos_token_id, 0);
  EXPECT_EQ(config.num_beams, 4);
  EXPECT_FALSE(config.max_new_tokens.has_value());
  EXPECT_TRUE(config.renormalize_logits);
  const auto written = generation_config_to_json(config);
  EXPECT_EQ(to_json(generation_config_from_json(written, "file")), to_json(config));
  EXPECT_EQ(written.at("early_stopping"), true);
  EXPECT_EQ(written.at("eos_token_id"), 0);
  EXPECT_EQ(written.at("renormalize_logits"), true);
  EXPECT_FALSE(written.contains("seed"));
  EXPECT_THROW(generation_config_from_json({{"num_beams", "many"}}, "file"), DataError);
  EXPECT_THROW(generation_config_from_json({{"num_beams", 0}}, "file"), DataError);
  EXPECT_THROW(generation_config_from_json(Json::array(), "file"), DataError);
}

// Texts that are written without a setting of the file are not those that its owner expects.
TEST(GenerationConfigFile, IsRefusedWithSettingsThatBraidDoesNotHave) {
  const auto error_of = [](const Json& json) -> std::string {
    try {
      generation_config_from_json(json, "generation_config.json");
    } catch (const DataError& e) {
      return e.what();
    }
    return "";
  };
  for (const auto& [name, value] : std::vector<std::pair<std::string, Json>>{
           {"num_beam_groups", 2},
           {"diversity_penalty", 0.5},
           {"encoder_no_repeat_ngram_size", 3},
           {"suppress_tokens", {1, 2}},
           {"force_words_ids", Json::parse("[[4]]")},
           {"exponential_decay_length_penalty", Json::parse("[5, 1.2]")}})
    EXPECT_THAT(error_of({{name, value}}),
                ::testing::AllOf(::testing::HasSubstr("'" + name + "'"),
                                 ::testing::HasSubstr("generation_config.json")));
  const auto neutral = Json::parse(R"({"num_beam_groups": 1, "diversity_penalty": 0.0,
    "encoder_repetition_penalty": 1.0, "suppress_tokens": [], "begin_suppress_tokens": null,
    "guidance_scale": 1, "use_cache": true, "transformers_version": "5.24.0"})");
  EXPECT_EQ(error_of(neutral), "");
}

}  // namespace
}  // namespace braid::generate
