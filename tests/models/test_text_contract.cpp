// What every registered text encoder promises, checked for each one of the registry by itself.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "braid/core/error.h"
#include "braid/models/product_weights.h"
#include "braid/models/registry.h"
#include "braid/models/text/text_checkpoint.h"
#include "braid/nn/basic/own_operators.h"
#include "braid/runtime/eval_scope.h"
#include "braid/runtime/tensor_file.h"
#include "tests/models/narrow_encoder.h"

namespace braid::models {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr int64_t kWords = 311;  // of the vocabulary: few, so that the suite takes little time

std::vector<std::string> encoder_names() {
  std::vector<std::string> list;
  for (const auto& entry : registry().entries())
    if (entry.kind == TextEncoder::kKind) list.push_back(entry.name);
  return list;
}

class TextContract : public ::testing::TestWithParam<std::string> {
 protected:
  // With two layers and narrow heads, so that the suite takes little time.
  TextEncoderPtr make(TextHead head = TextHead::kNone, int64_t labels = 5) const {
    const auto fields = narrow_encoder_fields(
        GetParam(), {{"head", to_string(head)}, {"vocab_size", kWords}, {"num_labels", labels}});
    return create_model<TextEncoder>(GetParam(), fields, 1);
  }
  std::vector<TextHead> heads() const {
    std::vector<TextHead> list;
    const auto model = make();
    for (const auto& name : text_head_names())
      if (model->supports(parse_text_head(name))) list.push_back(parse_text_head(name));
    return list;
  }
  static torch::Tensor words(int64_t rows, int64_t tokens) {
    return torch::randint(1, kWords, {rows, tokens}, torch::kLong);
  }
  static int64_t labels_of(TextHead head, int64_t labels) {
    if (head == TextHead::kQuestionAnswering) return 2;
    return head == TextHead::kMaskedLm ? kWords : labels;
  }
};

TEST_P(TextContract, ACudaDeviceGivesTheSame) {
  if (!torch::cuda::is_available()) GTEST_SKIP() << "no CUDA device";
  at::globalContext().setAllowTF32CuDNN(false);
  const torch::InferenceMode no_grad;
  const auto ids = words(3, 9);
  auto mask = torch::ones({3, 9}, torch::kLong);
  mask[1].narrow(0, 6, 3).zero_();
  const auto model = make();
  model->eval();
  const auto on_cpu = model->forward({ids, mask, {}});
  model->to(torch::kCUDA);
  const auto on_cuda = model->forward({ids.cuda(), mask.cuda(), {}}).cpu();
  const auto real = mask.to(torch::kBool);
  EXPECT_LE((on_cpu - on_cuda).index({real}).abs().max().item<double>(),
            1e-3 * on_cpu.abs().max().item<double>());
}

TEST_P(TextContract, EveryHeadGivesFiniteNumbersOfItsShape) {
  const torch::InferenceMode no_grad;
  const auto ids = words(3, 9);
  for (const auto head : heads()) {
    const auto model = make(head);
    model->eval();
    const auto features = model->forward_features({ids, {}, {}});
    EXPECT_EQ(features.sizes(), (std::vector<int64_t>{3, 9, model->num_features()}));
    const auto logits = model->forward_head(features, {ids, {}, {}});
    EXPECT_TRUE(logits.isfinite().all().item<bool>()) << to_string(head);
    EXPECT_TRUE(logits.equal(model->forward({ids, {}, {}})));
    EXPECT_EQ(model->pool(features, {ids, {}, {}}).sizes(),
              (std::vector<int64_t>{3, model->num_features()}));
    if (head == TextHead::kSequenceClassification) {
      EXPECT_EQ(logits.sizes(), (std::vector<int64_t>{3, 5}));
    } else if (head != TextHead::kNone && head != TextHead::kPreTraining) {
      EXPECT_EQ(logits.sizes(), (std::vector<int64_t>{3, 9, labels_of(head, 5)}));
    }
    if (head == TextHead::kMaskedLm) {  // of some positions alone
      EXPECT_TRUE(model->forward_head(features[1], {ids, {}, {}}).allclose(logits[1], 1e-4, 1e-5));
    }
    if (model->has_next_sentence()) {
      EXPECT_EQ(model->next_sentence(features).sizes(), (std::vector<int64_t>{3, 2}));
    } else {
      EXPECT_THROW(model->next_sentence(features), UsageError);
    }
  }
}

TEST_P(TextContract, EveryParameterGetsAFiniteGradient) {
  const auto ids = words(4, 9);
  const auto types = torch::arange(9).ge(5).to(torch::kLong).expand({4, 9});
  for (const auto head : heads()) {
    const auto model = make(head);
    model->train();
    const auto features = model->forward_features({ids, {}, types});
    auto loss = model->forward_head(features, {ids, {}, types}).square().mean();
    loss = loss + model->pool(features, {ids, {}, types}).square().mean();
    if (model->has_next_sentence()) loss = loss + model->next_sentence(features).square().mean();
    loss.backward();
    for (const auto& p : model->named_parameters()) {
      ASSERT_TRUE(p.value().grad().defined()) << p.key() << " of " << to_string(head);
      EXPECT_TRUE(p.value().grad().isfinite().all().item<bool>()) << p.key();
    }
  }
}

// As the server runs it.
TEST_P(TextContract, BraidsOperatorsAndConvertedWeightsGiveTheSame) {
  const auto model = make(TextHead::kSequenceClassification);
  const auto ids = words(2, 9);
  auto mask = torch::ones({2, 9}, torch::kLong);
  mask[1].narrow(0, 5, 4).fill_(0);
  const auto run = [&] { return model->forward({ids, mask, {}}); };
  {
    const runtime::EvalScope scope(*model);
    const auto expected = run();
    const nn::OwnOperators own;
    EXPECT_TRUE(run().allclose(expected, 1e-4, 1e-5));
  }
  const runtime::EvalScope scope(*model, "bfloat16");
  const auto expected = run();
  keep_product_weights(*model, torch::kBFloat16);
  EXPECT_TRUE(run().equal(expected));
  const nn::OwnOperators own;
  EXPECT_TRUE(run().to(torch::kFloat).allclose(expected.to(torch::kFloat), 0.1, 0.05));
}

// What a text gives does not depend on what else is in the batch, nor on how far it is filled up.
TEST_P(TextContract, ABatchIsItsTexts) {
  const torch::InferenceMode no_grad;
  const auto model = make(TextHead::kSequenceClassification);
  model->eval();
  const auto ids = words(3, 12);
  const std::vector<int64_t> lengths = {12, 7, 1};
  auto mask = torch::zeros({3, 12}, torch::kLong);
  for (int64_t i = 0; i < 3; ++i) mask[i].narrow(0, 0, lengths[static_cast<size_t>(i)]).fill_(1);
  const TextInput batch{ids, mask, {}};
  const auto features = model->forward_features(batch);
  const auto together = model->forward_head(features, batch);
  for (int64_t i = 0; i < 3; ++i) {
    const int64_t length = lengths[static_cast<size_t>(i)];
    const TextInput alone{ids.narrow(0, i, 1).narrow(1, 0, length), {}, {}};
    const auto own = model->forward_features(alone);
    EXPECT_TRUE(features[i].narrow(0, 0, length).allclose(own[0], 1e-4, 1e-5)) << i;
    EXPECT_TRUE(together[i].allclose(model->forward_head(own, alone)[0], 1e-4, 1e-5)) << i;
  }
  const auto other = torch::where(mask.to(torch::kBool), ids, (ids + 7) % kWords);
  EXPECT_TRUE(model->forward({other, mask, {}}).equal(together)) << "what stands in the padding";
  for (const auto type : {torch::kBool, torch::kInt, torch::kFloat, torch::kDouble})
    EXPECT_TRUE(model->forward({ids.to(torch::kInt), mask.to(type), {}}).equal(together)) << type;
}

TEST_P(TextContract, SavesAndLoadsEqual) {
  const torch::InferenceMode no_grad;
  const auto folder = fs::temp_directory_path() /
                      ("braid_text_contract_" + GetParam() + "_" + std::to_string(::getpid()));
  const auto ids = words(2, 8);
  for (const auto head : heads()) {
    const auto model = make(head, 3);
    model->eval();
    auto hub = make_hub_config(GetParam(), *model);
    if (model->num_labels() == 3) hub.classes = {"a", "b", "c"};
    save_text_model(*model, hub, folder);
    const auto loaded = load_text_encoder(folder);
    fs::remove_all(folder);
    EXPECT_TRUE(loaded.model->forward({ids, {}, {}}).equal(model->forward({ids, {}, {}})));
    EXPECT_EQ(loaded.model->config(), model->config()) << to_string(head);
    EXPECT_EQ(loaded.hub.classes, hub.classes);
    EXPECT_FALSE(loaded.model->is_training());
  }
}

TEST_P(TextContract, TheSameSeedGivesTheSameWeightsAndDisturbsNothing) {
  torch::manual_seed(3);
  const auto expected = torch::rand({4});
  torch::manual_seed(3);
  const auto a = runtime::named_state(*make()), b = runtime::named_state(*make());
  EXPECT_TRUE(torch::rand({4}).equal(expected)) << "the global generator was moved";
  for (const auto& [name, tensor] : a) EXPECT_TRUE(tensor.equal(b.at(name))) << name;
}

TEST_P(TextContract, ChangesItsHead) {
  const torch::InferenceMode no_grad;
  const auto ids = words(2, 6);
  for (const auto from : heads())
    for (const auto to : heads()) {
      const auto model = make(from);
      model->eval();
      const auto features = model->forward_features({ids, {}, {}});
      model->reset_head(to, 3);
      const auto fresh = make(to, 3);
      const auto state = runtime::named_state(*model), wanted = runtime::named_state(*fresh);
      EXPECT_EQ(state.size(), wanted.size()) << to_string(from) << " to " << to_string(to);
      for (const auto& [name, tensor] : wanted)
        EXPECT_TRUE(state.contains(name) && state.at(name).sizes() == tensor.sizes()) << name;
      EXPECT_EQ(model->head(), to);
      EXPECT_EQ(model->num_labels(), fresh->num_labels());
      EXPECT_EQ(model->config().at("head"), to_string(to));
      EXPECT_TRUE(model->forward_features({ids, {}, {}}).equal(features)) << "the body changed";
      EXPECT_TRUE(model->forward({ids, {}, {}}).isfinite().all().item<bool>());
      for (const auto& module : model->modules()) EXPECT_FALSE(module->is_training());
    }
  const auto model = make();
  EXPECT_THROW(model->reset_head(TextHead::kSequenceClassification, 0), UsageError);
}

TEST_P(TextContract, TellsAFilesHeadByItsNames) {
  for (const auto head : heads()) {
    std::vector<std::string> names;
    for (const auto& item : runtime::named_state(*make(head))) names.push_back(item.first);
    EXPECT_EQ(make()->infer_head(names), head) << to_string(head);
  }
}

TEST_P(TextContract, ConfigGoesRoundAndRefusesUnknownKeys) {
  const auto model = make();
  EXPECT_EQ(find_model(GetParam()).make(model->config())->config(), model->config());
  EXPECT_THROW(create_model<TextEncoder>(GetParam(), {{"vocab_sise", 32}}), ConfigError);
  EXPECT_THROW(create_model<TextEncoder>(GetParam(), {{"vocab_size", 0}}), ConfigError);
  EXPECT_THROW(create_model<TextEncoder>(GetParam(), {{"head", "tail"}}), ConfigError);
  EXPECT_THROW(create_model<TextEncoder>(GetParam(), {{"num_labels", 0}}), ConfigError);
}

TEST_P(TextContract, NumbersItsLayersFromTheEmbeddingsToTheHead) {
  const auto model = make(TextHead::kSequenceClassification);
  std::vector<bool> met(static_cast<size_t>(model->layer_count()), false);
  for (const auto& p : model->named_parameters()) {
    const auto layer = model->layer_id(p.key());
    ASSERT_GE(layer, 0) << p.key();
    ASSERT_LT(layer, model->layer_count()) << p.key();
    met[static_cast<size_t>(layer)] = true;
    if (model->in_head(p.key())) {
      EXPECT_EQ(layer, model->layer_count() - 1) << p.key();
    }
    if (p.key().find("word_embeddings") != std::string::npos) {
      EXPECT_EQ(layer, 0);
    }
  }
  for (size_t i = 0; i < met.size(); ++i) EXPECT_TRUE(met[i]) << "no parameter in layer " << i;
  const auto parameters = model->named_parameters();
  for (const auto& name : model->no_weight_decay())
    EXPECT_NE(parameters.find(name), nullptr) << name;
}

TEST_P(TextContract, RefusesTextsThatItCannotTake) {
  const torch::InferenceMode no_grad;
  const auto model = make();
  model->eval();
  const auto refusal = [&](const TextInput& input) -> std::string {
    try {
      model->forward_features(input);
    } catch (const DataError& e) {
      return e.what();
    }
    return "taken";
  };
  auto ids = words(2, 5);
  ids[1][3] = kWords;
  EXPECT_THAT(refusal({ids, {}, {}}),
              AllOf(HasSubstr("311 (row 1, position 3)"), HasSubstr("from 0 to 310")));
  ids[1][3] = -1;
  EXPECT_THAT(refusal({ids, {}, {}}), HasSubstr("-1 (row 1, position 3)"));
  if (model->max_positions() > 0) {
    EXPECT_THAT(refusal({words(1, model->max_positions() + 1), {}, {}}), HasSubstr("at most"));
    EXPECT_EQ(refusal({words(1, model->max_positions()), {}, {}}), "taken");
  }
  EXPECT_THAT(refusal({words(2, 5)[0], {}, {}}), HasSubstr("[B,N]"));
  EXPECT_THAT(refusal({torch::rand({2, 5}), {}, {}}), HasSubstr("Float [2,5]"));
  EXPECT_THAT(refusal({}), HasSubstr("none"));
  EXPECT_THAT(refusal({words(2, 0), {}, {}}), HasSubstr("one token or more"));
  EXPECT_THAT(refusal({words(2, 5), torch::ones({2, 4}), {}}), HasSubstr("attention_mask"));
  EXPECT_THAT(refusal({words(2, 5), {}, words(5, 2)}), HasSubstr("token_type_ids"));
  EXPECT_THAT(refusal({words(2, 5), {}, torch::rand({2, 5})}), HasSubstr("token_type_ids"));
}

INSTANTIATE_TEST_SUITE_P(Registry, TextContract, ::testing::ValuesIn(encoder_names()),
                         [](const auto& info) { return info.param; });

}  // namespace
}  // namespace braid::models
