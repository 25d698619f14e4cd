// Models that translate, compared.
#include "braid/evaluate/text/translation_workload.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <filesystem>
#include <fstream>

#include "braid/core/error.h"
#include "braid/core/json.h"
#include "braid/evaluate/compare.h"
#include "braid/evaluate/deploy_target.h"
#include "braid/evaluate/make_workload.h"
#include "braid/evaluate/robustness_probe.h"
#include "braid/evaluate/text/text_corruptions.h"
#include "braid/evaluate/text/text_robustness.h"
#include "braid/evaluate/text/translation_references.h"
#include "braid/runner/translator.h"
#include "braid/tasks/metrics/bleu.h"

namespace braid::evaluate {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class TranslationComparison : public ::testing::Test {
 protected:
  void SetUp() override {
    root_ = fs::temp_directory_path() / ("braid_translations_" + std::to_string(::getpid()));
    fs::remove_all(root_);
    fs::create_directories(root_ / "data");
    write_split("train", 40, 0);
    write_split("val", 6, 100);
    write_split("test_2016", 5, 200);
    config_.data = (root_ / "data").string();
    config_.output = (root_ / "runs").string();
    config_.models = {"transformer_tiny"};
    config_.vocab_size = 300;
    config_.budget = "epochs=2";
    config_.skip = {"efficiency", "robustness"};
    config_.latency_seconds = 0.01;
    config_.batch_size = 8;
    config_.dtype = "float32";
    config_.workers = 0;
  }
  void TearDown() override { fs::remove_all(root_); }
  // "a b c" becomes "c1 b1 a1": another order of other words.
  void write_split(const std::string& stem, int lines, unsigned seed) const {
    std::ofstream en(root_ / "data" / (stem + ".en")), de(root_ / "data" / (stem + ".de"));
    for (int i = 0; i < lines; ++i) {
      unsigned state = seed + static_cast<unsigned>(i) * 7919u;
      for (int k = 0; k < 3 + i % 3; ++k) {
        state = state * 1664525u + 1013904223u;
        const auto letter = static_cast<char>('a' + (state >> 16) % 8);
        en << (k > 0 ? " " : "") << letter << letter;
        de << (k > 0 ? " " : "") << letter << "x";
      }
      en << "\n";
      de << "\n";
    }
  }

  Results run(const CompareConfig& config) {
    const auto workload = make_workload(config, silent_);
    return compare(config, *workload, "braid compare", {}, silent_).results;
  }

  // One model, which ships.
  static void expect_deployed(const Results& results) {
    ASSERT_EQ(results.models.size(), 1u);
    const auto& model = results.models[0];
    ASSERT_TRUE(model.deployed) << model.error.value_or("");
    ASSERT_FALSE(model.deployed->error) << *model.deployed->error;
  }

  fs::path root_;
  CompareConfig config_;
  Progress silent_;
};

TEST_F(TranslationComparison, CountsPassesThatItsBatchesOfTokensMake) {
  config_.batch_size.reset();  // the recipe's batches: 1,024 tokens, which is all of this data
  const auto results = run(config_);
  EXPECT_EQ(results.task, "translation");
  EXPECT_EQ(results.score, "bleu");
  EXPECT_EQ(results.data.items, "pairs");
  EXPECT_EQ(results.data.train, 40);
  EXPECT_EQ(results.data.test, 5);
  ASSERT_EQ(results.models.size(), 1u);
  for (const auto& model : results.models) {
    EXPECT_FALSE(model.error) << *model.error;
    EXPECT_DOUBLE_EQ(model.epochs.value(), 2);
    EXPECT_DOUBLE_EQ(model.items_seen.value(), 80);
    // Pairs, not tokens, a second.
    EXPECT_NEAR(*model.train_items_per_s * *model.train_seconds, 80, 1);
    EXPECT_DOUBLE_EQ(model.curve.back().epoch, 2);
    EXPECT_EQ(model.scores.at(1).name, "chrf");
    EXPECT_TRUE(model.score->low && model.score->high);
    EXPECT_GT(model.latency_ms_p50.value(), 0);
    EXPECT_GT(model.macs.value(), 0);
  }
  ASSERT_EQ(results.references.size(), 2u);
  EXPECT_EQ(results.references[0].name, "word_by_word");
  EXPECT_TRUE(fs::exists(fs::path(config_.output) / "report.html"));
}

TEST_F(TranslationComparison, MeasuresWhatShips) {
  config_.deploy = "braid-run";
  const auto results = run(config_);
  ASSERT_NO_FATAL_FAILURE(expect_deployed(results));
  const auto& model = results.models[0];
  const auto& deployed = *model.deployed;
  EXPECT_EQ(results.deploy, "braid-run");
  // The same search with the same limits, but for ties that rounding breaks otherwise.
  ASSERT_EQ(deployed.scores.size(), 2u);
  for (size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(deployed.scores[i].name, model.scores[i].name);
    EXPECT_NEAR(deployed.scores[i].value, model.scores[i].value, 2) << deployed.scores[i].name;
  }
  EXPECT_NEAR(*deployed.drop, model.score->value - deployed.score->value, 1e-9);
  EXPECT_TRUE(deployed.score->low && deployed.score->high);
  EXPECT_GT(*deployed.latency_ms_p50, 0);
  EXPECT_GE(*deployed.latency_ms_p95, *deployed.latency_ms_p50);
  EXPECT_GT(*deployed.throughput_items_per_s, 0);
  // Its files, which the winner has too, and which translate.
  const fs::path folder = *deployed.file, winner = fs::path(config_.output) / "winner" / "model";
  int64_t bytes = 0;
  for (const auto* name :
       {"encoder_model.onnx", "decoder_model.onnx", "decoder_with_past_model.onnx"}) {
    bytes += static_cast<int64_t>(fs::file_size(folder / name));
    EXPECT_TRUE(fs::exists(winner / name)) << name;
  }
  EXPECT_EQ(*deployed.bytes, bytes);
  EXPECT_EQ(*deployed.float_bytes, bytes);
  EXPECT_EQ(results.recommendation.file, winner.string());
  EXPECT_NO_THROW(runner::Translator::open(winner).translate("aa bb"));
  // What is there is kept; a file that somebody deleted is made again.
  const auto kept = run(config_).models.at(0).deployed;
  EXPECT_EQ(kept->latency_ms_p50, deployed.latency_ms_p50);
  fs::remove(folder / "decoder_model.onnx");
  run(config_);
  EXPECT_TRUE(fs::exists(folder / "decoder_model.onnx"));
}

TEST_F(TranslationComparison, ShipsInEightBits) {
  config_.deploy = "braid-run-int8";
  const auto results = run(config_);
  ASSERT_NO_FATAL_FAILURE(expect_deployed(results));
  const auto& model = results.models[0];
  const auto& deployed = *model.deployed;
  EXPECT_LT(*deployed.bytes, *deployed.float_bytes / 2);
  EXPECT_EQ(*deployed.bytes, shipped_bytes(*deployed.file));
  EXPECT_THAT(*deployed.weight_bits, ::testing::AnyOf(7, 8));
  EXPECT_GT(*deployed.operators, *deployed.operators_in_float);
  EXPECT_EQ(deployed.scores.at(0).name, "bleu");
  EXPECT_NO_THROW(
      runner::Translator::open(fs::path(config_.output) / "winner" / "model.int8").translate("aa"));
}

TEST_F(TranslationComparison, FollowsABudgetOfTime) {
  config_.budget = "time=1s";
  const auto results = run(config_);
  for (const auto& model : results.models) {
    EXPECT_FALSE(model.error) << *model.error;
    EXPECT_GT(model.epochs.value(), 0);
    EXPECT_LT(model.train_seconds.value(), 3);
  }
}

TEST_F(TranslationComparison, MakesSourcesWorse) {
  config_.skip = {"efficiency"};
  config_.robustness_images = 15;  // three pairs
  const auto results = run(config_);
  ASSERT_EQ(results.models.size(), 1u);
  const auto& model = results.models[0];
  ASSERT_TRUE(model.robustness) << model.error.value_or("");
  EXPECT_EQ(model.robustness->items, 3);
  EXPECT_EQ(model.robustness->corruptions.size(), 25u);
  for (const auto& one : model.robustness->corruptions) EXPECT_TRUE(std::isfinite(one.score));
}

// A model that gives back what it reads loses what the corruption takes.
TEST(TranslationRobustness, IsBleuOfTheSameTargets) {
  const auto change_of = [](const TextChange& change) {
    tasks::Bleu bleu;
    const std::string text = "one two three four five six seven eight nine ten";
    bleu.update(change(text, 1), {text});
    return bleu.score().score;
  };
  Progress silent;
  const auto robustness = score_corruptions(change_of, silent);
  EXPECT_NEAR(robustness.clean_score, 100, 1e-9);
  ASSERT_EQ(robustness.corruptions.size(), text_corruptions().size() * kTextSeverities);
  for (const auto& one : robustness.corruptions)
    if (one.severity == kTextSeverities) {
      EXPECT_LT(one.score, 75) << one.corruption;
    }
}

TEST(TranslationRobustness, TakesNoMorePairsThanThereAre) {
  EXPECT_EQ(sampled_items(100, 7), 7);
  EXPECT_EQ(sampled_items(100, 1000), 100);
  EXPECT_EQ(sampled_items(0, 1000), 1000);
}

TEST_F(TranslationComparison, SaysWhatItDoesNotDo) {
  const auto refusal = [&](const auto& change) {
    auto config = config_;
    change(config);
    try {
      run(config);
    } catch (const UsageError& error) {
      return std::string(error.what());
    }
    return std::string("accepted");
  };
  EXPECT_THAT(refusal([](CompareConfig& c) { c.budget = "flops=1T"; }),
              HasSubstr("--budget flops=1T"));
  EXPECT_THAT(refusal([](CompareConfig& c) { c.class_weights = "balanced"; }),
              HasSubstr("--class-weights"));
  EXPECT_THAT(refusal([](CompareConfig& c) { c.img_size = 32; }), HasSubstr("--img-size"));
  EXPECT_THAT(refusal([](CompareConfig& c) { c.sampler = "balanced"; }), HasSubstr("--sampler"));
  EXPECT_THAT(refusal([](CompareConfig& c) { c.folds = 3; }), HasSubstr("--folds"));
  EXPECT_THAT(refusal([](CompareConfig& c) { c.distill = true; }), HasSubstr("--distill"));
  EXPECT_THAT(refusal([](CompareConfig& c) { c.deploy = "openvino"; }),
              AllOf(HasSubstr("got openvino"), HasSubstr("--deploy braid-run")));
  EXPECT_THAT(refusal([](CompareConfig& c) { c.models = {"bert_tiny"}; }), HasSubstr("bert_tiny"));
}

TEST_F(TranslationComparison, IsWhatParallelTextIsFor) {
  EXPECT_EQ(make_workload(config_, silent_)->task(), "translation");
  config_.data = (root_ / "notes.txt").string();
  std::ofstream(config_.data) << "Neither labels\nnor translations\n";
  EXPECT_THROW(make_workload(config_, silent_), UsageError);
}

TEST(WordTranslator, LearnsWhichWordIsWhich) {
  WordTranslator words;
  words.add("the house", "das Haus");
  words.add("the book", "das Buch");
  words.add("a book", "ein Buch");
  for (int pass = 0; pass < 10; ++pass) words.learn();
  // The three sentences of Koehn's "Statistical Machine Translation" (2010), section 4.2.
  EXPECT_EQ(words.translate("a house"), "ein Haus");
  EXPECT_EQ(words.translate("the book zebra"), "das Buch zebra");
  EXPECT_EQ(words.translate(""), "");
}

}  // namespace
}  // namespace braid::evaluate
