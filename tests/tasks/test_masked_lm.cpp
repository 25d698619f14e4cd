// Masked language modelling from plain text to a checkpoint that fills masks.
#include "braid/tasks/text/masked_lm.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "braid/core/error.h"
#include "braid/data/text/masked_lm_collate.h"
#include "braid/models/registry.h"
#include "braid/tasks/open_task_data.h"
#include "braid/text/train_tokenizer.h"
#include "tests/tasks/task_test.h"

namespace braid::tasks {
namespace {

namespace fs = std::filesystem;

class MaskedLmTask : public TaskTest {
 protected:
  void SetUp() override {
    TaskTest::SetUp();
    std::ofstream text(root_ / "corpus.txt");
    for (int i = 0; i < 300; ++i)
      text << (i % 2 == 0 ? "the cat sat on the mat and slept\n"
                          : "a dog ran in the park and barked\n");
    config_.data = (root_ / "corpus.txt").string();
    config_.text.max_length = 32;
  }
};

TEST_F(MaskedLmTask, IsWhatPlainTextIsFor) { EXPECT_EQ(resolve_task(config_), kMaskedLm); }

TEST_F(MaskedLmTask, HasNoClassesToBalance) {
  config_.sampler = "balanced";
  EXPECT_THROW(make(), ConfigError);
}

// The loss of the hidden tokens alone is that of all positions with the others
// left out.
TEST_F(MaskedLmTask, GathersTheHiddenTokensExactly) {
  const auto task = make({.seed = 2});
  task->model().eval();
  const auto loader = task->training_loader({.batch_size = 4, .workers = 0});
  loader->start_epoch(0);
  const auto batch = loader->next();
  ASSERT_TRUE(batch);
  const auto step = task->training_step(*batch);
  auto& model = dynamic_cast<models::TextEncoder&>(task->model());
  const auto input = text_input(*batch);
  const auto all = model.forward(input).flatten(0, 1);
  const auto labels = batch->at(data::kLabels).flatten();
  const auto whole = torch::nn::functional::cross_entropy(all, labels);
  EXPECT_NEAR(step.loss.item<double>(), whole.item<double>(), 1e-5);
  EXPECT_EQ(step.weight, labels.ne(-100).sum().item<double>());
}

TEST_F(MaskedLmTask, LearnsSavesAndFillsMasks) {
  const auto task = make({.seed = 1});
  const auto before = task->evaluate(Split::kVal, {.batch_size = 8, .workers = 0}, silent_);
  EXPECT_EQ(before.front().name, "loss");
  EXPECT_FALSE(before.front().higher_is_better);
  fit(*task, 15, 16, 3e-3);
  const auto after = task->evaluate(Split::kVal, {.batch_size = 8, .workers = 0}, silent_);
  EXPECT_LT(after.front().value, before.front().value / 2);

  const auto folder = root_ / "checkpoint";
  fs::create_directories(folder);
  task->save(folder);
  const auto loaded = load_tokenized_model(folder);
  const auto fills = fill_masks(loaded, "the [MASK] sat on the mat and slept", 3, "float32");
  ASSERT_EQ(fills.size(), 1u);
  ASSERT_EQ(fills[0].size(), 3u);
  EXPECT_GT(fills[0][0].probability, fills[0][1].probability);
  EXPECT_THROW(fill_masks(loaded, "nothing is hidden", 3, "float32"), DataError);
  std::string far = "the cat";
  for (int i = 0; i < 40; ++i) far += " sat";
  int64_t truncated = 0;
  fill_masks(loaded, "[MASK] " + far, 3, "float32", &truncated);
  EXPECT_GT(truncated, 0);
  try {
    fill_masks(loaded, far + " [MASK]", 3, "float32");
    FAIL() << "expected a DataError";
  } catch (const DataError& e) {
    EXPECT_THAT(e.what(), ::testing::HasSubstr("within the 32 tokens"));
  }

  // A classifier begins with this body.
  std::ofstream rows(root_ / "rows.tsv");
  for (int i = 0; i < 20; ++i)
    rows << (i % 2 == 0 ? "the cat slept\tcat\n" : "a dog barked\tdog\n");
  rows.close();
  TaskConfig tuned;
  tuned.data = (root_ / "rows.tsv").string();
  tuned.model = "bert_tiny";
  tuned.weights = folder.string();
  const auto classifier = open_task_data(tuned, "error", {})->make_task(tuned, {}, silent_);
  const auto& from = loaded.model->named_parameters();
  int64_t equal = 0;
  for (const auto& item : classifier->model().named_parameters())
    if (const auto* weight = from.find(item.key())) {
      equal += weight->equal(item.value());
    }
  EXPECT_GT(equal, 20) << "the pre-trained layers";
}

TEST_F(MaskedLmTask, TokensOfBytesAreGivenAsTheyAreWritten) {
  std::ifstream text(config_.data);
  TokenizedModel model;
  model.tokenizer = text::train_bpe(
      [&](std::string& line) { return static_cast<bool>(std::getline(text, line)); },
      {.vocab_size = 400});
  const auto id = model.tokenizer->encode("the park", {.add_special_tokens = false}).ids.back();
  ASSERT_EQ(model.tokenizer->id_to_token(id), "\u0120park");
  model.model = models::create_model<models::TextEncoder>(
      "bert_tiny", {{"head", "masked_lm"}, {"vocab_size", model.tokenizer->vocab_size()}}, 1);
  model.max_length = 32;
  bool seen = false;
  const auto fills = fill_masks(model, "the <mask> sat", model.tokenizer->vocab_size(), "float32");
  for (const auto& fill : fills.at(0)) {
    EXPECT_EQ(fill.token.find("\u0120"), std::string::npos) << fill.token;
    if (fill.id == id) {
      EXPECT_EQ(fill.token, " park");
      seen = true;
    }
  }
  EXPECT_TRUE(seen);
}

TEST_F(MaskedLmTask, NextSentenceTrainsItsHeadToo) {
  std::ofstream text(root_ / "corpus.txt");
  for (int i = 0; i < 60; ++i) text << "one line about cats\nanother line about dogs\n\n";
  text.close();
  config_.text.next_sentence = true;
  const auto task = make();
  const auto loader = task->training_loader({.batch_size = 8, .workers = 0});
  loader->start_epoch(0);
  const auto batch = loader->next();
  ASSERT_TRUE(batch);
  ASSERT_TRUE(batch->has(data::kNextSentenceLabel));
  task->training_step(*batch).loss.backward();
  for (const auto& item : task->model().named_parameters()) {
    if (item.key().find("seq_relationship") == std::string::npos) continue;
    EXPECT_GT(item.value().grad().abs().sum().item<double>(), 0) << item.key();
  }
}

// The vocabulary is learned from what is tokenized afterwards.
TEST_F(MaskedLmTask, RowsAreReadAlikeForTheVocabularyAndTheText) {
  fs::create_directories(root_ / "corpus.jsonl.d");
  std::ofstream rows(root_ / "corpus.jsonl.d" / "ROWS.JSONL");
  for (int i = 0; i < 100; ++i) rows << "{\"text\": \"the cat sat \xff on the mat\"}\n\n";
  rows << "{\"title\": \"no text\"}\n";
  rows.close();
  std::ofstream text(root_ / "corpus.jsonl.d" / "more.txt");
  for (int i = 0; i < 100; ++i) text << "a dog ran in the park\n";
  text.close();
  config_.data = (root_ / "corpus.jsonl.d").string();
  config_.task = kMaskedLm;
  try {
    make();
    FAIL();
  } catch (const DataError& e) {
    EXPECT_NE(std::string(e.what()).find("ROWS.JSONL:201"), std::string::npos) << e.what();
  }
  const auto task = open_task_data(config_, "skip", {})->make_task(config_, {}, silent_);
  const auto folder = root_ / "checkpoint";
  fs::create_directories(folder);
  task->save(folder);
  const auto tokenizer = load_tokenized_model(folder).tokenizer;
  EXPECT_TRUE(tokenizer->token_to_id("cat").has_value());
  EXPECT_FALSE(tokenizer->token_to_id("{").has_value()) << "JSON is no text";
}

TEST_F(MaskedLmTask, TooLittleTextIsSaid) {
  std::ofstream(root_ / "corpus.txt") << "a\n";
  EXPECT_THROW(make(), DataError);
}

}  // namespace
}  // namespace braid::tasks
