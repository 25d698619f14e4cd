// Words with tags, from CoNLL files to a checkpoint and back.
#include "braid/tasks/text/token_classification.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "braid/core/error.h"
#include "braid/data/text/tagged_collate.h"
#include "braid/tasks/open_task_data.h"
#include "tests/tasks/task_test.h"

namespace braid::tasks {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::vector<std::string> words_of(const std::string& line) {
  std::istringstream in(line);
  return {std::istream_iterator<std::string>(in), {}};
}

TEST(Entities, AreThoseOfSeqeval) {
  std::ifstream cases(fs::path(BRAID_TEST_SOURCE_DIR) / "tasks" / "fixtures" / "entities.tsv");
  int64_t count = 0;
  for (std::string line; std::getline(cases, line); ++count) {
    const auto tab = line.find('\t');
    std::string found;
    for (const auto& e : find_entities(words_of(line.substr(0, tab))))
      found += (found.empty() ? "" : " ") + e.kind + ":" + std::to_string(e.begin) + "-" +
               std::to_string(e.end);
    EXPECT_EQ(found, line.substr(tab + 1)) << line;
  }
  EXPECT_EQ(count, 60);
}

TEST(Entities, ScoresCountWholeEntities) {
  EntityScores scores;
  scores.update({"B-PER", "I-PER", "O", "B-LOC"}, {"B-PER", "I-PER", "O", "O"});
  scores.update({"O", "B-LOC"}, {"B-LOC", "I-LOC"});
  // Three are found, one of them right; two are wanted.
  const auto all = scores.scores();
  EXPECT_DOUBLE_EQ(find_score(all, "precision").value, 100.0 / 3);
  EXPECT_DOUBLE_EQ(find_score(all, "recall").value, 50);
  EXPECT_DOUBLE_EQ(find_score(all, "f1").value, 40);
  EXPECT_DOUBLE_EQ(find_score(all, "accuracy").value, 50);
  EXPECT_EQ(all.front().name, "f1");
}

class TaggedTask : public TaskTest {
 protected:
  void SetUp() override {
    TaskTest::SetUp();
    std::ofstream train(root_ / "train.conll"), val(root_ / "valid.conll");
    const char* const names[] = {"Ada Lovelace", "Alan Turing", "Grace Hopper"};
    const char* const towns[] = {"London", "Berlin", "Paris"};
    train << "-DOCSTART- -X- O\n\n";
    for (int i = 0; i < 36; ++i) {
      auto& file = i % 4 == 3 ? val : train;
      const std::string name = names[i % 3], town = towns[i / 3 % 3];
      file << name.substr(0, name.find(' ')) << " NNP B-PER\n"
           << name.substr(name.find(' ') + 1) << " NNP I-PER\n"
           << (i % 2 == 0 ? "lives" : "works") << " VBZ O\nin IN O\n"
           << town << " NNP B-LOC\n. . O\n\n";
    }
    config_.text.vocab_size = 200;
  }
};

TEST_F(TaggedTask, TheDataSaysWhatIsLearned) {
  EXPECT_EQ(resolve_task(config_), kTokenClassification);
  const auto task = make();
  EXPECT_EQ(task->items(), "words");
  EXPECT_EQ(task->data().classes, 4);
  EXPECT_EQ(task->data().train, 27);
  EXPECT_EQ(task->data().val, 9);
}

TEST_F(TaggedTask, LearnsEvaluatesSavesAndFindsEntities) {
  const auto task = make({.seed = 1});
  fit(*task, 20, 9, 2e-3, [](const Step& step, const data::Batch& batch) {
    EXPECT_EQ(step.weight, static_cast<double>(6 * batch.size()));
  });
  const auto scores = task->evaluate(Split::kVal, {.workers = 0}, silent_);
  EXPECT_EQ(scores.front().name, "f1");
  EXPECT_EQ(scores.front().value, 100);
  task->save(root_ / "saved");
  const auto saved = load_tokenized_model(root_ / "saved");
  EXPECT_THAT(saved.hub.classes, ElementsAre("O", "B-LOC", "B-PER", "I-PER"));
  const auto found = find_entities(saved, "Grace Hopper works in Paris.", "float32");
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[0].kind, "PER");
  EXPECT_EQ(found[0].text, "Grace Hopper");
  EXPECT_EQ(found[1].kind, "LOC");
  EXPECT_EQ(found[1].begin, 22);
  EXPECT_EQ(found[1].end, 27);
}

// What stands behind a word's first token was never trained: it must not decide.
TEST_F(TaggedTask, AWordIsOneEntityWhateverTheTokenizerMakesOfIt) {
  std::ofstream train(root_ / "train.conll");
  const char* const names[] = {"O'Brien", "Anne-Marie", "St."};
  for (int i = 0; i < 36; ++i)
    train << names[i % 3] << " NNP B-PER\n"
          << "left VBD O\n"
          << (i % 2 == 0 ? "1996-08-22" : "1997-09-11") << " CD B-DATE\n. . O\n\n";
  train.close();
  fs::copy_file(root_ / "train.conll", root_ / "valid.conll", fs::copy_options::overwrite_existing);
  const auto task = make({.seed = 1});
  fit(*task, 20, 9, 2e-3);
  task->save(root_ / "saved");
  const auto saved = load_tokenized_model(root_ / "saved");
  const std::string text = "O'Brien left 1996-08-22.";
  EXPECT_GT(saved.tokenizer->encode(text).ids.size(), 10u) << "words of several tokens";
  int64_t truncated = -1;
  const auto found = find_entities(saved, text, "float32", &truncated);
  EXPECT_EQ(truncated, 0);
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[0].kind, "PER");
  EXPECT_EQ(found[0].text, "O'Brien");
  EXPECT_EQ(found[0].begin, 0);
  EXPECT_EQ(found[0].end, 7);
  EXPECT_EQ(found[1].kind, "DATE");
  EXPECT_EQ(found[1].text, "1996-08-22");
  EXPECT_EQ(found[1].begin, 13);
}

// The data is not to blame: a training goes on or ends by its own rule.
TEST_F(TaggedTask, OutputsThatAreNotFiniteHaveNoScore) {
  const auto task = make();
  {
    const torch::NoGradGuard no_grad;
    for (auto& weight : task->model().parameters()) weight.fill_(NAN);
  }
  const auto scores = task->evaluate(Split::kVal, {.workers = 0}, silent_);
  EXPECT_EQ(scores.front().name, "f1");
  for (const auto& score : scores) EXPECT_TRUE(std::isnan(score.value)) << score.name;
}

TEST_F(TaggedTask, SentencesThatAreCutAreCounted) {
  config_.text.max_length = 6;
  const auto task = make();
  const auto cut = task->training_loader({.batch_size = 9, .workers = 0})->cut();
  EXPECT_EQ(cut.of, 27);
  EXPECT_EQ(cut.count, 27) << "six words and two special tokens";
  EXPECT_EQ(cut.items, "sentences");
  EXPECT_EQ(task->training_loader({.batch_size = 9, .workers = 3})->cut().count, 27)
      << "in several threads";
}

TEST_F(TaggedTask, AWordIsTaggedByItsFirstToken) {
  const auto data = open_task_data(config_, "error", {});
  const auto tagger = load_tokenized_model([&] {
    data->make_task(config_, {}, silent_)->save(root_ / "saved");
    return root_ / "saved";
  }());
  const auto tokens = data::tokenize_words({"Lovelacelace", "in", "\x01"}, *tagger.tokenizer, 0);
  EXPECT_EQ(tokens.first_tokens[0], 1);  // behind [CLS]
  EXPECT_GT(tokens.first_tokens[1], 2);  // the first word has several
  EXPECT_EQ(tokens.first_tokens[2], -1);
  const auto cut = data::tokenize_words({"in", "in", "in", "in"}, *tagger.tokenizer, 4);
  EXPECT_THAT(cut.first_tokens, ElementsAre(1, 2, -1, -1));
}

TEST_F(TaggedTask, RowsOfJsonAreReadToo) {
  fs::remove(root_ / "train.conll");
  fs::remove(root_ / "valid.conll");
  std::ofstream(root_ / "train.jsonl")
      << R"({"tokens": ["New York", "is", "big"], "ner_tags": [1, 0, 0]})"
      << "\n"
      << R"({"tokens": ["I", "know"], "ner_tags": [0, 0]})"
      << "\n";
  const auto splits = data::open_tagged_texts(root_.string());
  ASSERT_EQ(splits.train->size(), 2);
  EXPECT_THAT(splits.train->tags(), ElementsAre("0", "1"));
  EXPECT_THAT(splits.train->get(0).words, ElementsAre("New York", "is", "big"));
  EXPECT_EQ(resolve_task(config_), kTokenClassification);
}

TEST_F(TaggedTask, WhatIsDrawnForValMayHaveATagAlone) {
  std::filesystem::remove(root_ / "valid.conll");
  std::ofstream(root_ / "train.conll") << "Ada B-PER\n\nRome B-LOC\n";
  for (int64_t seed = 0; seed < 4; ++seed) {
    const auto splits =
        data::open_tagged_texts(root_.string(), {.val_fraction = 0.5, .split_seed = seed});
    EXPECT_EQ(splits.val->size(), 1);
    EXPECT_THAT(splits.train->tags(), ElementsAre("B-LOC", "B-PER"));
  }
}

TEST_F(TaggedTask, BadSentencesAreNamedOrLeftOut) {
  std::ofstream(root_ / "valid.conll") << "Bonn NNP B-LOC\n\nBonn B-LOC\nis VBZ O\n\nx NN B-MISC\n";
  try {
    data::open_tagged_texts(root_.string());
    FAIL() << "expected a DataError";
  } catch (const DataError& e) {
    EXPECT_THAT(e.what(), HasSubstr("valid.conll:3"));
    EXPECT_THAT(e.what(), HasSubstr("3 columns"));
  }
  const auto splits = data::open_tagged_texts(root_.string(), {.on_bad_sample = "skip"});
  EXPECT_EQ(splits.bad_samples, 2);  // the second of them has a tag that train lacks
  EXPECT_EQ(splits.val->size(), 1);
}

}  // namespace
}  // namespace braid::tasks
