// Text classification from a file of rows to a checkpoint and back.
#include "braid/tasks/text/text_classification.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "braid/core/error.h"
#include "braid/tasks/loss.h"
#include "braid/tasks/open_task_data.h"
#include "braid/tasks/text/length_file.h"
#include "tests/tasks/task_test.h"

namespace braid::tasks {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::vector<data::TextExample> single(const std::vector<std::string>& texts) {
  std::vector<data::TextExample> examples;
  for (const auto& text : texts) examples.push_back({.text = text, .pair = {}});
  return examples;
}

class TextTask : public TaskTest {
 protected:
  void SetUp() override {
    TaskTest::SetUp();
    std::ofstream train(root_ / "train.tsv"), val(root_ / "dev.tsv");
    for (int i = 0; i < 40; ++i) {
      auto& file = i % 4 == 3 ? val : train;
      const bool good = i % 2 == 0;
      file << (good ? "a lovely warm film about spring" : "a dull cold film about nothing")
           << (i % 5 == 0 ? " and more of it" : "") << '\t' << (good ? "good" : "bad") << '\n';
    }
  }
};

TEST_F(TextTask, TheDataSaysWhatIsLearned) {
  EXPECT_EQ(resolve_task(config_), kTextClassification);
  const auto data = open_task_data(config_, "error", {});
  EXPECT_EQ(data->task(), kTextClassification);
  EXPECT_FALSE(data->has_test());
  config_.model = "resnet20";
  try {
    resolve_task(config_);
    FAIL() << "expected a UsageError";
  } catch (const UsageError& e) {
    EXPECT_THAT(e.what(), HasSubstr("a text encoder"));
  }
}

// What a task never looks at would be believed to be done.
TEST_F(TextTask, SettingsOfOtherTasksAreRefused) {
  const auto refusal = [&](const Json& changed, const fs::path& checkpoint = {}) {
    TaskConfig config = config_;
    update_from_json(config, changed, "test");
    try {
      open_task_data(config, "error", checkpoint);
    } catch (const ConfigError& e) {
      return std::string(e.what());
    }
    return std::string("none");
  };
  EXPECT_EQ(refusal({{"word_drop", 0.1}, {"class_weights", "balanced"}, {"smoothing", 0.1}}),
            "none");
  EXPECT_THAT(refusal({{"mixup", 0.2}}), HasSubstr("expected no mixup for text_classification"));
  EXPECT_THAT(refusal({{"img_size", 32}}), HasSubstr("--img-size"));
  EXPECT_THAT(refusal({{"num_beams", 3}}), HasSubstr("--num-beams"));
  EXPECT_THAT(refusal({{"doc_stride", 3}}), HasSubstr("--doc-stride"));
  EXPECT_THAT(refusal({{"next_sentence", true}}), HasSubstr("--next-sentence"));
  EXPECT_THAT(refusal({{"task", kMaskedLm}, {"class_weights", "balanced"}}),
              HasSubstr("--class-weights"));
  EXPECT_THAT(refusal({{"task", kMaskedLm}, {"smoothing", 0.1}}), HasSubstr("--smoothing"));
  EXPECT_THAT(refusal({{"task", kMaskedLm}, {"word_drop", 0.1}}), HasSubstr("--word-drop"));
  EXPECT_EQ(refusal({{"mixup", 0.2}}, root_), "none") << "a run goes on as it began";
}

// One file in UTF-16 among those that a tokenizer and a length are learned from.
TEST_F(TextTask, AFileThatCannotBeReadIsLeftOutEverywhere) {
  config_.data = (root_ / "folders").string();
  for (const std::string name : {"good", "bad"}) {
    fs::create_directories(root_ / "folders" / name);
    for (int i = 0; i < 10; ++i)
      std::ofstream(root_ / "folders" / name / (std::to_string(i) + ".txt"))
          << "a " << name << " film of spring\n";
  }
  const auto data = open_task_data(config_, "skip", {});
  std::ofstream(root_ / "folders/good/3.txt") << "\xff\xfe no UTF-8";
  const auto task = data->make_task(config_, {}, silent_);
  const auto loader =
      task->training_loader({.batch_size = 6, .workers = 0, .on_bad_sample = "skip"});
  loader->start_epoch(0);
  while (loader->next()) {  // all of train: 18 texts, two are val
  }
  task->evaluate(Split::kVal, {.workers = 0, .on_bad_sample = "skip"}, silent_);
  EXPECT_EQ(loader->bad_samples() + task->unread(Split::kVal), 1);
}

TEST_F(TextTask, LearnsEvaluatesSavesAndAnswersAlike) {
  const auto task = make({.seed = 1});
  EXPECT_EQ(task->items(), "texts");
  double first = 0, last = 0;
  fit(*task, 12, 10, 2e-3, [&](const Step& step, const data::Batch& batch) {
    EXPECT_EQ(step.weight, static_cast<double>(batch.size()));
    last = step.loss.item<double>();
    if (first == 0) first = last;
  });
  EXPECT_LT(last, first / 2);
  const auto scores = task->evaluate(Split::kVal, {.batch_size = 4, .workers = 0}, silent_);
  EXPECT_EQ(scores.front().name, "top1");
  EXPECT_EQ(scores.front().value, 100);
  EXPECT_THROW(task->evaluate(Split::kTest, {}, silent_), DataError);

  const auto folder = root_ / "checkpoint";
  fs::create_directories(folder);
  task->save(folder);
  const auto loaded = load_text_classifier(folder);
  EXPECT_THAT(loaded.hub.classes, ElementsAre("bad", "good"));
  EXPECT_EQ(read_max_length(folder), loaded.max_length);
  const auto rows = classify(loaded, single({"a lovely warm film", "dull and cold"}), "float32");
  EXPECT_GT(rows[0][1].item<double>(), 0.5);
  EXPECT_GT(rows[1][0].item<double>(), 0.5);
  // The same, whatever shares the batch.
  const auto alone = classify(loaded, single({"dull and cold"}), "float32");
  EXPECT_LT((alone[0] - rows[1]).abs().max().item<double>(), 1e-6);
}

TEST_F(TextTask, ATeacherSharesTheLoss) {
  const auto folder = root_ / "teacher";
  fs::create_directories(folder);
  make({.seed = 9})->save(folder);
  const auto judge = load_text_classifier(folder);
  const auto loader = make()->training_loader({.batch_size = 6, .workers = 0});
  loader->start_epoch(0);
  const auto batch = *loader->next();
  for (const std::string type : {"hard", "soft"}) {
    config_.distillation = {.teacher = folder.string(),
                            .distillation_type = type,
                            .distillation_alpha = 0.3,
                            .distillation_tau = 2};
    const auto task = make();
    task->model().eval();
    const auto step = task->training_step(batch);
    const auto logits = task->forward(batch), taught = judge.model->forward(text_input(batch));
    const auto expected = cross_entropy(logits, batch.at(data::kLabels), config_.smoothing) * 0.7 +
                          distillation_loss(logits, taught, type, 2) * 0.3;
    EXPECT_LT((step.loss - expected).abs().item<double>(), 1e-6);
    EXPECT_EQ(step.weight, 6);
  }
  const auto refusal = [&] {
    try {
      make();
    } catch (const Error& e) {
      return std::string(e.what());
    }
    return std::string("none");
  };
  std::ofstream(root_ / "train.tsv", std::ios::app) << "quick jazz\tgood\n";
  EXPECT_THAT(refusal(), HasSubstr("another vocabulary"));
  config_.text.tokenizer = folder.string();
  EXPECT_EQ(refusal(), "none") << "as the remedy says";
  std::ofstream(root_ / "train.tsv", std::ios::app) << "a third kind of film\tthird\n";
  EXPECT_THAT(refusal(), HasSubstr("of other names"));
  config_.task = kMaskedLm;
  EXPECT_THAT(refusal(), HasSubstr("only classifiers learn from one"));
}

// Texts of similar length share a batch; who reads the answers sees none of it.
TEST_F(TextTask, PredictionsAreInTheDatasetsOrder) {
  const auto folder = root_ / "checkpoint";
  fs::create_directories(folder);
  make({.seed = 1})->save(folder);
  const auto classifier = load_text_classifier(folder);
  const auto train = data::open_text_dataset(root_.string(), {}).train;
  const auto predictions = gather(
      [&](const SeeLogits& see) {
        return run_texts(classifier, train, {.batch_size = 4, .workers = 0}, silent_, see);
      },
      2);
  ASSERT_EQ(predictions.logits.size(0), train->size());
  for (int64_t i = 0; i < train->size(); ++i) {
    EXPECT_EQ(predictions.indices[static_cast<size_t>(i)], i);
    EXPECT_EQ(predictions.labels[i].item<int64_t>(), train->label(i));
    const auto alone = classify(classifier, single({train->get(i).text}), "float32");
    EXPECT_LT((alone[0] - predictions.logits[i].softmax(0)).abs().max().item<double>(), 1e-5) << i;
  }
}

TEST_F(TextTask, ACheckpointSaysThatItJudgesPairs) {
  const auto saved = [&](const std::string& name, const TaskOptions& options = {}) {
    const auto folder = root_ / name;
    fs::create_directories(folder);
    make(options)->save(folder);
    return folder;
  };
  EXPECT_FALSE(read_json(saved("one") / "config.json").contains("text_pairs"));
  const auto of_one = load_text_classifier(root_ / "one");
  EXPECT_THROW(classify(of_one, {{.text = "warm", .pair = "cold"}}, "float32"), DataError);

  fs::remove(root_ / "dev.tsv");
  std::ofstream train(root_ / "train.tsv");
  for (int i = 0; i < 24; ++i)
    train << "a warm film of " << i << '\t' << (i % 2 == 0 ? "a lovely one" : "a dull one") << '\t'
          << (i % 2 == 0 ? "same" : "other") << '\n';
  train.close();
  const auto folder = saved("two");
  EXPECT_EQ(read_json(folder / "config.json").at("text_pairs"), true);
  EXPECT_EQ(read_json(saved("again", {.checkpoint = folder}) / "config.json").at("text_pairs"),
            true);
  const auto of_two = load_text_classifier(folder);
  EXPECT_THROW(classify(of_two, single({"a warm film"}), "float32"), DataError);
  // As evaluation sees the pair.
  const auto texts = data::open_text_dataset(root_.string(), {}).train;
  const auto predictions = gather(
      [&](const SeeLogits& see) {
        return run_texts(of_two, texts, {.batch_size = 4, .workers = 0}, silent_, see);
      },
      2);
  const auto rows = classify(of_two, {texts->get(0)}, "float32");
  EXPECT_LT((rows[0] - predictions.logits[0].softmax(0)).abs().max().item<double>(), 1e-5);
}

TEST_F(TextTask, WhatIsCutIsCounted) {
  config_.text.max_length = 8;
  const auto folder = root_ / "checkpoint";
  fs::create_directories(folder);
  const auto task = make();
  task->save(folder);
  const auto cut = task->training_loader({.batch_size = 8, .workers = 0})->cut();
  EXPECT_EQ(cut.of, 30);
  EXPECT_GT(cut.count, 0);
  EXPECT_LT(cut.count, 30) << "the short ones";
  EXPECT_EQ(to_text(cut), std::to_string(cut.count) + " of 30 texts are cut to 8 tokens");
  const auto classifier = load_text_classifier(folder);
  std::vector<int64_t> truncated;
  classify(classifier, single({"a film", "a lovely warm film about spring and more of it"}),
           "float32", &truncated);
  ASSERT_EQ(truncated.size(), 2u);
  EXPECT_EQ(truncated[0], 0);
  EXPECT_GT(truncated[1], 0);
  data::CutExamples of_run;
  run_texts(
      classifier, data::open_text_dataset(root_.string(), {}).train,
      {.batch_size = 4, .workers = 0}, silent_, [](const auto&, const auto&) {}, &of_run);
  EXPECT_EQ(of_run.count, cut.count);
}

TEST_F(TextTask, AResumeKeepsTokenizerLengthAndClasses) {
  const auto folder = root_ / "checkpoint";
  fs::create_directories(folder);
  make()->save(folder);
  const auto task = make({.checkpoint = folder});
  const auto again = root_ / "again";
  fs::create_directories(again);
  task->save(again);
  for (const char* file : {"config.json", "tokenizer.json", "tokenizer_config.json"})
    EXPECT_EQ(read_json(again / file), read_json(folder / file)) << file;
  std::ofstream(root_ / "train.tsv", std::ios::app) << "neither\tso-so\n";
  EXPECT_THROW(make({.checkpoint = folder}), DataError) << "another class";
}

TEST_F(TextTask, ALengthBeyondTheModelIsRefused) {
  config_.text.max_length = 4000;
  EXPECT_THROW(make(), ConfigError);
}

// Its softmax would say something of every text, and all of it wrong.
TEST_F(TextTask, OutputsThatAreNoClassesAreRefused) {
  const auto folder = root_ / "checkpoint";
  fs::create_directories(folder);
  config_.model = "bert_tiny";
  make()->save(folder);
  load_text_classifier(folder);
  auto json = read_json(folder / "config.json");
  json["problem_type"] = "multi_label_classification";
  std::ofstream(folder / "config.json") << json;
  try {
    load_text_classifier(folder);
    ADD_FAILURE() << "expected a DataError";
  } catch (const DataError& e) {
    EXPECT_THAT(e.what(), HasSubstr("multi_label_classification"));
  }
  config_.weights = folder.string();  // its head goes
  const auto again = root_ / "again";
  fs::create_directories(again);
  make()->save(again);
  load_text_classifier(again);
}

TEST_F(TextTask, WeightsBringTheirTokenizer) {
  const auto folder = root_ / "checkpoint";
  fs::create_directories(folder);
  make()->save(folder);
  config_.weights = folder.string();
  config_.text.vocab_size = 500;
  const auto again = root_ / "again";
  fs::create_directories(again);
  make()->save(again);
  EXPECT_EQ(read_json(again / "tokenizer.json"), read_json(folder / "tokenizer.json"));
  fs::remove(folder / "tokenizer.json");
  fs::remove(folder / "tokenizer_config.json");
  for (const auto& entry : fs::directory_iterator(folder))
    if (entry.path().extension() == ".txt") fs::remove(entry.path());
  EXPECT_THROW(make(), ConfigError) << "no tokenizer";
}

}  // namespace
}  // namespace braid::tasks
