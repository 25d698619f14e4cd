// Translation from parallel files to a checkpoint and back.
#include "braid/tasks/text/translation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/optim.h>
#include <unistd.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "braid/core/error.h"
#include "braid/core/json.h"
#include "braid/tasks/open_task_data.h"
#include "braid/tasks/text/translate_lines.h"
#include "braid/tasks/text/translation_data.h"
#include "braid/text/train_tokenizer.h"

namespace braid::tasks {
namespace {

namespace fs = std::filesystem;
namespace F = torch::nn::functional;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

const std::vector<std::pair<std::string, std::string>>& words() {
  static const std::vector<std::pair<std::string, std::string>> all = {
      {"a", "ein"},          {"dog", "Hund"},    {"man", "Mann"},  {"walks", "geht"},
      {"sleeps", "schläft"}, {"today", "heute"}, {"here", "hier"}, {"quickly", "schnell"}};
  return all;
}

class TranslationTest : public ::testing::Test {
 protected:
  void SetUp() override {
    root_ = fs::temp_directory_path() / ("braid_translation_" + std::to_string(::getpid()));
    fs::remove_all(root_);
    fs::create_directories(root_);
    write_split("train", 24, 0);
    write_split("val", 6, 100);
    write_split("test_2016", 4, 200);
    config_.data = root_.string();
    config_.model = "transformer_tiny";
    config_.text.vocab_size = 300;
  }
  void TearDown() override { fs::remove_all(root_); }
  void write_split(const std::string& stem, int lines, unsigned seed) const {
    std::ofstream en(root_ / (stem + ".en")), de(root_ / (stem + ".de"));
    for (int i = 0; i < lines; ++i) {
      unsigned state = seed + static_cast<unsigned>(i) * 7919u;
      for (int k = 0; k < 2 + i % 4; ++k) {
        state = state * 1664525u + 1013904223u;
        const auto& [source, target] = words()[(state >> 16) % words().size()];
        en << (k ? " " : "") << source;
        de << (k ? " " : "") << target;
      }
      en << ".\n";
      de << ".\n";
    }
  }
  std::unique_ptr<Task> make(const TaskOptions& options = {}) {
    return open_task_data(config_, "error", options.checkpoint)
        ->make_task(config_, options, silent_);
  }
  fs::path save(const Task& task) const {
    const auto folder = root_ / "checkpoint";
    fs::create_directories(folder);
    task.save(folder);
    return folder;
  }
  // As Marian's: a SentencePiece model for each language, and one vocabulary of their pieces.
  fs::path write_marian_tokenizer() const {
    const auto pairs = data::open_parallel_text(root_.string()).train;
    const auto folder = root_ / "marian";
    Json vocabulary = {{"</s>", 0}, {"<unk>", 1}, {"<pad>", 2}};
    for (const bool source : {true, false}) {
      int64_t next = 0;
      const text::TextSource texts = [&](std::string& text) {
        if (next == pairs->size()) return false;
        text = source ? pairs->source(next) : pairs->target(next);
        ++next;
        return true;
      };
      const auto learned = text::train_sentencepiece(texts, {.vocab_size = 300});
      learned->save(folder);
      fs::rename(folder / "spiece.model", folder / (source ? "source.spm" : "target.spm"));
      for (int32_t id = 0; id < learned->vocab_size(); ++id) {
        const auto size = vocabulary.size();
        if (const auto piece = learned->id_to_token(id); !vocabulary.contains(piece))
          vocabulary[piece] = size;
      }
    }
    std::ofstream(folder / "vocab.json") << vocabulary;
    return folder;
  }
  data::Batch first_batch(const Task& task) const {
    const auto loader = task.training_loader({.batch_size = 5, .workers = 0});
    loader->start_epoch(0);
    return *loader->next();
  }

  fs::path root_;
  TaskConfig config_;
  Progress silent_;
};

TEST_F(TranslationTest, TheDataSaysWhatIsLearned) {
  EXPECT_EQ(resolve_task(config_), kTranslation);
  const auto data = open_task_data(config_, "error", {});
  EXPECT_TRUE(data->has_test());
  EXPECT_THAT(data->remarks(), ElementsAre(HasSubstr("en into de")));
  config_.model = "resnet20";
  try {
    resolve_task(config_);
    FAIL() << "expected a UsageError";
  } catch (const UsageError& e) {
    EXPECT_THAT(e.what(), HasSubstr("encoder-decoder"));
  }
}

TEST_F(TranslationTest, WeightsThatAreNotThereAreNamed) {
  config_.weights = (root_ / "nowhere").string();
  try {
    make();
    FAIL() << "expected an IoError";
  } catch (const IoError& e) {
    EXPECT_THAT(e.what(), HasSubstr("nowhere"));
    EXPECT_THAT(e.what(), ::testing::Not(HasSubstr("tokenizer")));
  }
}

// What a recipe takes for a step.
TEST_F(TranslationTest, FactsSayHowManyPairsABatchOfTokensHolds) {
  const auto batch_items = [&](int64_t max_tokens) {
    config_.translation.max_tokens = max_tokens;
    return open_task_data(config_, "error", {})->facts(config_, {}, silent_).batch_items;
  };
  EXPECT_EQ(batch_items(0), 0);
  const double items = batch_items(64);
  EXPECT_DOUBLE_EQ(batch_items(128), 2 * items);
  config_.translation.max_tokens = 64;
  const auto loader = make()->training_loader({.batch_size = 5, .workers = 0});
  const double mean = 24.0 / static_cast<double>(loader->size());
  EXPECT_GE(items, mean);  // batches have padding and a last one
  EXPECT_LE(items, 2 * mean);
}

// Of torch's own cross_entropy(label_smoothing=...) over all of the batch's places.
TEST_F(TranslationTest, TheLossIsThatOfTheTokens) {
  for (const double smoothing : {0.0, 0.1}) {
    config_.smoothing = smoothing;
    const auto task = make();
    task->model().eval();
    const auto batch = first_batch(*task);
    const auto step = task->training_step(batch);
    const auto labels = batch.at(data::kLabels);
    const auto logits = task->forward(batch);
    const auto loss = F::cross_entropy(
        logits.flatten(0, 1), labels.flatten(),
        F::CrossEntropyFuncOptions().label_smoothing(smoothing).ignore_index(-100));
    EXPECT_NEAR(step.loss.item<double>(), loss.item<double>(), 1e-5);
    EXPECT_EQ(step.weight, static_cast<double>((labels != -100).sum().item<int64_t>()));
  }
}

TEST_F(TranslationTest, BatchesAreOfTokensOrOfPairs) {
  config_.translation.max_tokens = 40;
  const auto by_tokens = make();
  const auto loader = by_tokens->training_loader({.batch_size = 1, .workers = 0, .seed = 3});
  loader->start_epoch(0);
  int64_t pairs = 0;
  bool several = false;
  while (const auto batch = loader->next()) {
    EXPECT_LE(batch->at(data::kInputIds).numel(), 40);
    EXPECT_LE(batch->at(data::kLabels).numel(), 40);
    several = several || batch->size() > 1;
    pairs += batch->size();
  }
  EXPECT_EQ(pairs, 24);
  EXPECT_TRUE(several);
  config_.translation.max_tokens = 0;
  EXPECT_EQ(make()->training_loader({.batch_size = 5, .workers = 0})->size(), 5);
}

TEST_F(TranslationTest, ScoresBeginWithWhatChooses) {
  const auto names = [](const Scores& scores) {
    std::vector<std::string> all;
    for (const auto& score : scores) all.push_back(score.name);
    return all;
  };
  config_.translation.val_bleu_pairs = 3;
  const auto task = make();
  const auto scores = task->evaluate(Split::kVal, {.workers = 0}, silent_);
  EXPECT_THAT(names(scores), ElementsAre("bleu", "chrf", "loss", "perplexity"));
  EXPECT_TRUE(all_finite(scores));
  EXPECT_NEAR(scores[3].value, std::exp(scores[2].value), 1e-6);
  config_.translation.val_bleu_pairs = 0;
  const auto plain = make()->evaluate(Split::kVal, {.workers = 0}, silent_);
  EXPECT_THAT(names(plain), ElementsAre("loss", "perplexity"));
  EXPECT_FALSE(plain[0].higher_is_better);
  EXPECT_NEAR(plain[0].value, scores[2].value, 1e-9);
}

// The loss of a split does not hang on how it is batched.
TEST_F(TranslationTest, TheLossOfASplitIsTheMeanOverItsTokens) {
  config_.translation.val_bleu_pairs = 0;
  const auto loss = [&](int64_t batch_size) {
    return make()
        ->evaluate(Split::kVal, {.batch_size = batch_size, .workers = 0}, silent_)[0]
        .value;
  };
  EXPECT_NEAR(loss(1), loss(6), 1e-5);
  EXPECT_NEAR(loss(4), loss(6), 1e-5);
}

// Twenty-four pairs are learned by heart; the checkpoint then translates them.
TEST_F(TranslationTest, LearnsAndComesBack) {
  const auto task = make();
  auto& model = task->model();
  torch::optim::Adam adam(model.parameters(), torch::optim::AdamOptions(1e-3));
  const auto loader = task->training_loader({.batch_size = 24, .workers = 0});
  model.eval();  // no dropout
  for (int64_t epoch = 0; epoch < 150; ++epoch) {
    loader->start_epoch(epoch);
    while (const auto batch = loader->next()) {
      adam.zero_grad();
      task->training_step(*batch).loss.backward();
      adam.step();
    }
  }
  const auto folder = root_ / "checkpoint";
  fs::create_directories(folder);
  task->save(folder);
  EXPECT_EQ(read_json(folder / "config.json").at("model_type"), "marian");
  EXPECT_EQ(read_json(folder / "generation_config.json").at("num_beams"), 5);

  auto translator = load_translator(folder);
  EXPECT_EQ(translator.source_lang, "en");
  EXPECT_EQ(translator.target_lang, "de");
  const auto pairs = data::open_parallel_text(root_.string()).train;
  std::vector<std::string> sources = {"", " \t"}, targets = {"", ""};
  for (int64_t i = 0; i < pairs->size(); ++i) {
    sources.push_back(pairs->source(i));
    targets.push_back(pairs->target(i));
  }
  const auto together = translate(translator, sources, {.batch_tokens = 60});
  ASSERT_EQ(together.size(), sources.size());
  for (size_t i = 0; i < sources.size(); ++i) {
    ASSERT_EQ(together[i].best.size(), 1u);
    EXPECT_EQ(together[i].best[0].text, targets[i]) << sources[i];
    EXPECT_FALSE(together[i].cut);
    const auto alone = translate(translator, {sources[i]}, {});
    EXPECT_EQ(alone[0].best[0].text, together[i].best[0].text);
    EXPECT_NEAR(alone[0].best[0].score, together[i].best[0].score, 1e-4);
  }

  const auto limited = translate(translator, {sources[5]}, {.max_length_factor = 1});
  EXPECT_EQ(limited[0].best[0].text, targets[5]) << "a limit beyond its end changes nothing";

  std::string text;
  for (const auto& source : sources) text += source + "\n";
  std::ofstream(root_ / "lines.txt", std::ios::binary) << text << "a dog\u2028a man";
  io::LineReader reader(root_ / "lines.txt");
  std::vector<std::string> lines;
  const auto count = translate_lines(
      translator, reader, {.window = 3, .first_line = 10}, [&](const TranslatedLine& line) {
        EXPECT_EQ(line.line, 10 + static_cast<int64_t>(lines.size()));
        lines.push_back(line.translation.best.at(0).text);
      });
  EXPECT_EQ(count, static_cast<int64_t>(sources.size()) + 1) << "U+2028 ends no line";
  lines.pop_back();
  EXPECT_EQ(lines, targets);

  load_in_8bit(translator);
  EXPECT_GT(translator.int8_weights->size(), 10U);
  const auto in_8bit = translate(translator, sources, {.batch_tokens = 60});
  for (size_t i = 0; i < sources.size(); ++i) {
    EXPECT_EQ(in_8bit[i].best[0].text, targets[i]) << sources[i];
    const bool rounded = in_8bit[i].best[0].score != together[i].best[0].score;
    EXPECT_EQ(rounded, !targets[i].empty());
    EXPECT_NEAR(in_8bit[i].best[0].score, together[i].best[0].score, 0.05);
    const auto alone = translate(translator, {sources[i]}, {});
    EXPECT_NEAR(alone[0].best[0].score, in_8bit[i].best[0].score, 1e-3);
  }

  // Nothing to the tokenizer: an ideographic space, and one without width.
  for (const char* nothing : {"\u3000", "\u00a0 \u200b"}) {
    const auto best = translate(translator, {nothing, "a man"}, {})[0].best;
    ASSERT_EQ(best.size(), 1U);
    EXPECT_EQ(best[0].text, "");
    EXPECT_EQ(best[0].score, 0);
  }

  translator.format.max_length = 3;
  EXPECT_TRUE(translate(translator, {"a dog walks here today"}, {})[0].cut);
}

std::vector<int32_t> numbers_of(const torch::Tensor& row) {
  std::vector<int32_t> ids;
  for (int64_t i = 0; i < row.size(0); ++i)
    if (const auto id = row[i].item<int32_t>(); id >= 0) ids.push_back(id);
  return ids;
}

std::string bytes_of_file(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

TEST_F(TranslationTest, MarianLearnsTargetsByTheModelOfTheirLanguage) {
  const auto marian = write_marian_tokenizer();
  config_.text.tokenizer = marian.string();
  const auto task = make();
  const auto folder = save(*task);
  for (const char* name : {"source.spm", "target.spm"})
    EXPECT_EQ(bytes_of_file(folder / name), bytes_of_file(marian / name)) << name;
  const auto tokenizer = load_translator(folder).tokenizer;
  const auto pairs = data::open_parallel_text(root_.string()).train;
  const auto batch = first_batch(*task);
  bool differs = false;
  for (int64_t i = 0; i < batch.size(); ++i) {
    const int64_t pair = batch.indices[static_cast<size_t>(i)];
    const auto target = pairs->target(pair);
    const auto labels = numbers_of(batch.at(data::kLabels)[i]);
    EXPECT_EQ(labels, tokenizer->encode_target(target).ids) << target;
    EXPECT_EQ(tokenizer->decode(labels), target);
    differs = differs || labels != tokenizer->encode(target).ids;
  }
  EXPECT_TRUE(differs) << "the source's model knows other pieces";
}

TEST_F(TranslationTest, WhatACheckpointSaysOfLengthsIsOneLimitWithinThePositions) {
  const auto folder = save(*make());
  const auto limit = [&](const std::string& file, const std::string& json) {
    std::ofstream(folder / file) << json;
    const auto generation = load_translator(folder).generation;
    EXPECT_FALSE(generation.max_new_tokens.has_value());
    return generation.max_length;
  };
  const int64_t positions = load_translator(folder).model->max_positions();
  ASSERT_GT(positions, 5);
  EXPECT_EQ(limit("generation_config.json", R"({"max_length": 9})"), 9);
  EXPECT_EQ(limit("generation_config.json", R"({"max_length": 9, "max_new_tokens": 4})"), 5);
  EXPECT_EQ(limit("generation_config.json", R"({"max_length": 1000000})"), positions);
  EXPECT_EQ(limit("generation_config.json", R"({"max_new_tokens": 9223372036854775807})"),
            positions);
  limit("generation_config.json", R"({"min_length": 9, "min_new_tokens": 3})");
  EXPECT_EQ(load_translator(folder).generation.min_length, 4);
  fs::remove(folder / "generation_config.json");
  auto config = read_json(folder / "config.json");
  config["num_beams"] = 6;
  config["max_length"] = 7;
  EXPECT_EQ(limit("config.json", config.dump()), 7);
  EXPECT_EQ(load_translator(folder).generation.num_beams, 6);

  auto translator = load_translator(folder);
  translator.generation = generate::default_generation_config(*translator.model);
  translator.generation.max_new_tokens = 2;
  translator.generation.min_length = 50;
  const auto tokens_of = [&](const std::string& source) {
    const auto text = translate(translator, {source}, {})[0].best[0].text;
    return translator.tokenizer->encode(text, {.add_special_tokens = false}).ids.size();
  };
  EXPECT_LE(tokens_of("a man walks"), 8U) << "two pieces of the vocabulary, not 48";
}

// Weights that are not finite are not loaded, but finite ones may be too large. A training whose
// model has diverged says so itself.
TEST_F(TranslationTest, OutputThatIsNotFiniteIsNoTranslation) {
  config_.translation.val_bleu_pairs = 3;
  const auto task = make();
  auto translator = load_translator(save(*task));
  const torch::NoGradGuard no_grad;
  for (auto& p : task->model().parameters()) p.fill_(NAN);
  for (auto& p : translator.model->parameters()) p.fill_(NAN);
  const auto scores = task->evaluate(Split::kVal, {.workers = 0}, silent_);
  ASSERT_EQ(scores.size(), 4U);
  EXPECT_EQ(scores[0].name, "bleu");
  EXPECT_TRUE(std::isnan(scores[0].value));
  EXPECT_FALSE(all_finite(scores));
  for (const int64_t beams : {1, 3}) {
    translator.generation.num_beams = beams;
    try {
      translate(translator, {"a man"}, {});
      FAIL() << "expected a NonFiniteOutputError";
    } catch (const NonFiniteOutputError& e) {
      EXPECT_THAT(e.what(), HasSubstr("not finite"));
    }
  }
}

TEST_F(TranslationTest, AModelAndATokenizerThatDoNotFitAreRefused) {
  const auto task = make();
  const auto folder = root_ / "checkpoint";
  fs::create_directories(folder);
  task->save(folder);
  const auto translator = load_translator(folder);
  try {
    format_of(*translator.model, *translator.tokenizer, 100'000, "");
    FAIL() << "expected a ConfigError";
  } catch (const ConfigError& e) {
    EXPECT_THAT(e.what(), HasSubstr("--max-length"));
  }
  config_.distillation.teacher = "any";
  EXPECT_THROW(make(), ConfigError);
}

TEST(OnOneLine, PutsSpacesForWhatEndsLines) {
  EXPECT_EQ(on_one_line("a\nb\rc\vd\fe\x1c\x1d\x1e"
                        "f\u0085g\u2028h\u2029i\tj \u2027k"),
            "a b c d e   f g h i\tj \u2027k");
  EXPECT_EQ(on_one_line("\xe2\x80"), "\xe2\x80");
}

}  // namespace
}  // namespace braid::tasks
