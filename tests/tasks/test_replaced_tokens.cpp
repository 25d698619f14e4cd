// ELECTRA's pre-training: a step against transformers, and from plain text to two models.
#include "braid/tasks/text/replaced_tokens.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <map>

#include "braid/core/error.h"
#include "braid/data/text/masked_lm_collate.h"
#include "braid/models/text/transformer/electra.h"
#include "braid/models/weights.h"
#include "braid/tasks/open_task_data.h"
#include "tests/tasks/task_test.h"
#include "tests/tasks/tiny_electra.h"

namespace braid::tasks {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using torch::Tensor;

// The fixture's networks, in float32.
class ElectraStep : public ::testing::Test {
 protected:
  void SetUp() override {
    fixture_ = runtime::load_tensors(fs::path(BRAID_TEST_SOURCE_DIR) / "tasks" / "fixtures" /
                                     "electra_step.safetensors");
    batch_.tensors[data::kInputIds] = fixture_.at("input_ids");
    batch_.tensors[data::kAttentionMask] = fixture_.at("attention_mask");
    batch_.tensors[data::kLabels] = fixture_.at("labels");
    batch_.indices = {0, 1, 2};
    pair_ = std::make_shared<ElectraPair>(network(8, 2, 12, "pretraining"),
                                          network(4, 1, 16, "masked_lm"));
    runtime::TensorMap tensors;
    for (const auto& [name, tensor] : fixture_) {
      if (name.starts_with("discriminator/")) tensors[name.substr(14)] = tensor;
      if (name.starts_with("generator/")) tensors["generator." + name.substr(10)] = tensor;
    }
    models::load_tensors_into(*pair_, tensors, "fixture");
    pair_->eval();
  }

  static std::shared_ptr<models::Electra> network(int64_t channels, int64_t heads, int64_t hidden,
                                                  const char* head) {
    return std::dynamic_pointer_cast<models::Electra>(
        models::create_model("electra_small", {{"vocab_size", 23},
                                               {"embedding_size", 6},
                                               {"hidden_size", channels},
                                               {"num_hidden_layers", 2},
                                               {"num_attention_heads", heads},
                                               {"intermediate_size", hidden},
                                               {"max_position_embeddings", 12},
                                               {"head", head}}));
  }

  runtime::TensorMap fixture_;
  data::Batch batch_;
  std::shared_ptr<ElectraPair> pair_;
};

TEST_F(ElectraStep, LossesAndGradientsAreThoseOfTransformers) {
  const auto step = detect_replaced(*pair_, batch_, fixture_.at("samples"));
  const auto losses = fixture_.at("losses");
  EXPECT_NEAR(step.generator_loss().item<double>(), losses[0].item<double>(), 1e-5);
  EXPECT_NEAR(step.discriminator_loss().item<double>(), losses[1].item<double>(), 1e-5);
  EXPECT_TRUE(step.replaced.to(torch::kLong).equal(fixture_.at("replaced")));
  EXPECT_LT((step.logits - fixture_.at("logits")).abs().max().item<double>(), 1e-4);
  (step.generator_loss() + 50 * step.discriminator_loss()).backward();
  std::map<std::string, Tensor> parameters;
  for (const auto& item : pair_->named_parameters()) parameters[item.key()] = item.value();
  const auto wanted = fixture_.at("grads");
  ASSERT_EQ(static_cast<int64_t>(parameters.size()), wanted.numel());
  int64_t i = 0;
  for (const auto& [name, parameter] : parameters) {
    const auto grad = parameter.grad().to(torch::kDouble).flatten();
    const double got =
        (grad * torch::arange(grad.numel(), torch::kDouble).cos()).sum().item<double>();
    const double expected = wanted[i++].item<double>();
    EXPECT_NEAR(got, expected, 2e-4 * std::max(1.0, std::abs(expected))) << name;
  }
}

// The third sample is the word that stood there.
TEST_F(ElectraStep, WhatIsDrawnAsItWasIsNoReplacement) {
  const auto step = detect_replaced(*pair_, batch_, fixture_.at("samples"));
  EXPECT_EQ(step.originals.numel(), 5);
  EXPECT_EQ(step.replaced.sum().item<int64_t>(), 4);
  const auto none = detect_replaced(*pair_, batch_, step.originals);
  EXPECT_EQ(none.replaced.sum().item<int64_t>(), 0);
}

TEST_F(ElectraStep, PaddingTakesNoPart) {
  const auto before = detect_replaced(*pair_, batch_, fixture_.at("samples"));
  for (const char* name : {data::kInputIds, data::kAttentionMask})
    batch_.tensors[name] = torch::constant_pad_nd(batch_.at(name), {0, 3}, 0);
  batch_.tensors[data::kLabels] = torch::constant_pad_nd(batch_.at(data::kLabels), {0, 3}, -100);
  auto& ids = batch_.tensors[data::kInputIds];
  ids = torch::where(batch_.at(data::kAttentionMask).eq(0), 17, ids);
  const auto after = detect_replaced(*pair_, batch_, fixture_.at("samples"));
  EXPECT_EQ(after.replaced.numel(), 3 * 9 - 3);
  EXPECT_NEAR(before.generator_loss().item<double>(), after.generator_loss().item<double>(), 1e-5);
  EXPECT_NEAR(before.discriminator_loss().item<double>(), after.discriminator_loss().item<double>(),
              1e-5);
}

// Tokens come as often as the generator's softmax says, and the draw alone decides.
TEST_F(ElectraStep, SamplesFollowTheGenerator) {
  constexpr int64_t kDraws = 4000;
  const torch::NoGradGuard no_grad;
  const auto probabilities =
      detect_replaced(*pair_, batch_, fixture_.at("samples")).guesses[0].softmax(-1);
  data::Batch many;
  for (const char* name : {data::kInputIds, data::kAttentionMask, data::kLabels})
    many.tensors[name] = batch_.at(name).narrow(0, 0, 1).repeat({kDraws, 1});
  many.indices.resize(kDraws);
  many.tensors[data::kDraws] = torch::arange(kDraws, torch::kDouble)
                                   .div(static_cast<double>(kDraws))
                                   .unsqueeze(1)
                                   .expand({kDraws, 9});
  const auto step = detect_replaced(*pair_, many);
  // Of every row the first token that was asked for: it stays with the original's probability.
  const auto real = step.replaced.view({kDraws, 9}).select(1, 2);
  const double stays = 1 - real.to(torch::kDouble).mean().item<double>();
  EXPECT_NEAR(stays, probabilities[step.originals[0].item<int64_t>()].item<double>(), 2e-3);
}

class ReplacedTokensTask : public TaskTest {
 protected:
  void SetUp() override {
    TaskTest::SetUp();
    write_corpus(root_ / "corpus.txt");
    write_tiny_electra(root_ / "start", root_ / "corpus.txt");
    config_.data = (root_ / "corpus.txt").string();
    config_.model = "electra_small";
    config_.task = kReplacedTokenDetection;
    config_.weights = (root_ / "start").string();
    config_.text.max_length = 24;
  }
};

TEST_F(ReplacedTokensTask, EachParameterIsThereOnce) {
  const auto task = make();
  const auto& pair = dynamic_cast<ElectraPair&>(task->model());
  std::map<const void*, std::string> seen;
  for (const auto& item : pair.named_parameters()) {
    const auto [at, fresh] = seen.try_emplace(item.value().data_ptr(), item.key());
    EXPECT_TRUE(fresh) << item.key() << " is " << at->second;
  }
  EXPECT_TRUE(pair.named_parameters().contains("electra.embeddings.word_embeddings.weight"));
  EXPECT_TRUE(pair.named_parameters().contains("generator.generator_lm_head.bias"));
  EXPECT_TRUE(pair.in_head("generator.generator_lm_head.bias"));
  EXPECT_TRUE(pair.in_head("discriminator_predictions.dense.weight"));
  EXPECT_EQ(pair.layer_id("generator.electra.encoder.layer.1.output.dense.weight"), 2);
}

TEST_F(ReplacedTokensTask, AStepWeighsTokensAndReachesBothNetworks) {
  config_.text.disc_weight = 3;
  const auto task = make();
  task->model().eval();
  const auto loader = task->training_loader({.batch_size = 4, .workers = 0});
  loader->start_epoch(0);
  const auto batch = loader->next();
  ASSERT_TRUE(batch);
  const auto step = task->training_step(*batch);
  EXPECT_EQ(step.weight, batch->at(data::kAttentionMask).sum().item<double>());
  const auto parts = detect_replaced(dynamic_cast<ElectraPair&>(task->model()), *batch);
  EXPECT_EQ(step.loss.item<float>(),
            (parts.generator_loss() + 3 * parts.discriminator_loss()).item<float>());
  step.loss.backward();
  for (const auto& item : task->model().named_parameters())
    EXPECT_TRUE(item.value().grad().defined()) << item.key();
}

TEST_F(ReplacedTokensTask, LearnsSavesTwoModelsAndFindsReplacements) {
  const auto task = make({.seed = 1});
  const auto before = task->evaluate(Split::kVal, {.batch_size = 8, .workers = 0}, silent_);
  EXPECT_EQ(before.front().name, "loss");
  EXPECT_FALSE(before.front().higher_is_better);
  const auto again = task->evaluate(Split::kVal, {.batch_size = 3, .workers = 0}, silent_);
  EXPECT_NEAR(before.front().value, again.front().value, 1e-4) << "whatever the batches are";
  fit(*task, 20, 16, 5e-3);
  const auto after = task->evaluate(Split::kVal, {.batch_size = 8, .workers = 0}, silent_);
  EXPECT_LT(after.front().value, before.front().value);
  EXPECT_LT(find_score(after, "gen_perplexity").value,
            find_score(before, "gen_perplexity").value / 2);
  EXPECT_LT(find_score(after, "disc_loss").value, find_score(before, "disc_loss").value / 2);
  EXPECT_GT(find_score(after, "disc_f1").value, 0);

  const auto folder = root_ / "saved";
  fs::create_directories(folder);
  task->save(folder);
  const auto discriminator = load_tokenized_model(folder);
  EXPECT_EQ(discriminator.model->head(), models::TextHead::kPreTraining);
  EXPECT_TRUE(detects_replaced(discriminator));
  const std::string text = "the cat sat on the park and slept";
  const auto found = find_replaced(discriminator, text, 2, "float32");
  ASSERT_EQ(found.size(), 2u);
  EXPECT_GE(found[0].probability, found[1].probability);
  EXPECT_EQ(text.substr(static_cast<size_t>(found[0].begin),
                        static_cast<size_t>(found[0].end - found[0].begin)),
            found[0].text);
  const auto generator = load_tokenized_model(folder / "generator");
  EXPECT_EQ(generator.model->head(), models::TextHead::kMaskedLm);
  EXPECT_FALSE(detects_replaced(generator));
  EXPECT_EQ(fill_masks(generator, "the [MASK] sat on the mat", 3, "float32")[0].size(), 3u);
  const auto& of_one = discriminator.model->named_parameters();
  const auto& of_other = generator.model->named_parameters();
  const std::string words = "electra.embeddings.word_embeddings.weight";
  EXPECT_TRUE(of_one[words].equal(of_other[words]));

  // Both are what a run begins with that goes on from them on other text.
  config_.weights = folder.string();
  const auto more = make({.seed = 9});
  const auto scores = more->evaluate(Split::kVal, {.batch_size = 8, .workers = 0}, silent_);
  for (size_t i = 0; i < scores.size(); ++i) EXPECT_EQ(scores[i].value, after[i].value);
  // A classifier begins with the discriminator's layers.
  fs::create_directories(root_ / "rows");
  std::ofstream rows(root_ / "rows" / "train.tsv");
  for (int i = 0; i < 20; ++i)
    rows << (i % 2 == 0 ? "the cat slept\tcat\n" : "a dog barked\tdog\n");
  rows.close();
  TaskConfig tuned;
  tuned.data = (root_ / "rows").string();
  tuned.model = "electra_small";
  tuned.weights = folder.string();
  const auto classifier = open_task_data(tuned, "error", {})->make_task(tuned, {}, silent_);
  EXPECT_TRUE(classifier->model().named_parameters()[words].equal(of_one[words]));
}

TEST_F(ReplacedTokensTask, OtherModelsAreRefused) {
  config_.model = "bert_tiny";
  config_.weights.clear();
  try {
    make();
    FAIL() << "expected a UsageError";
  } catch (const UsageError& e) {
    EXPECT_THAT(e.what(), HasSubstr("expected an ELECTRA"));
  }
  config_.model = "electra_small";
  config_.text.next_sentence = true;
  EXPECT_THROW(make(), ConfigError);
}

TEST(GeneratorConfig, IsGooglesShare) {
  const auto small = generator_config(to_json(models::ElectraConfig()), 0.25);
  EXPECT_EQ(small.at("hidden_size"), 64);
  EXPECT_EQ(small.at("num_attention_heads"), 1);
  EXPECT_EQ(small.at("intermediate_size"), 256);
  EXPECT_EQ(small.at("embedding_size"), 128);
  EXPECT_EQ(small.at("head"), "masked_lm");
  const auto odd = generator_config({{"hidden_size", 200}}, 1);  // 3 heads do not divide 200
  EXPECT_EQ(odd.at("num_attention_heads"), 2);
}

}  // namespace
}  // namespace braid::tasks
