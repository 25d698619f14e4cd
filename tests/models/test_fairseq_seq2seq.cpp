// Encoder-decoders of lightweight convolutions: what every one of them promises, and fairseq's
// keys.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "braid/core/error.h"
#include "braid/io/safetensors.h"
#include "braid/models/registry.h"
#include "braid/models/text/encoder_decoder.h"
#include "braid/models/weights.h"
#include "braid/runtime/tensor_file.h"

namespace braid::models {
namespace {

using FairseqPair = std::shared_ptr<EncoderDecoder>;

class FairseqPairs : public ::testing::TestWithParam<std::string> {
 protected:
  static FairseqPair make(const Json& changes = Json::object()) {
    Json fields = {{"vocab_size", 30}, {"encoder_layers", 2}, {"decoder_layers", 2}};
    fields.update(changes);
    return create_model<EncoderDecoder>(GetParam(), fields, 1);
  }
  static torch::Tensor words(int64_t rows, int64_t tokens) {
    return torch::randint(3, 30, {rows, tokens}, torch::kInt64);
  }
};

// Word by word, with the cache, as all at once; for both kinds of convolution.
TEST_P(FairseqPairs, ACacheChangesNothing) {
  const torch::InferenceMode no_grad;
  for (const char* conv : {"lightweight", "dynamic"}) {
    const auto model = make({{"conv_type", conv}, {"glu", std::string(conv) == "dynamic"}});
    model->eval();
    model->to(torch::kDouble);
    auto mask = torch::ones({2, 5}, torch::kInt64);
    mask[1].narrow(0, 3, 2).zero_();
    const auto encoded = model->encode({words(2, 5), mask, {}});
    const auto target = words(2, 40);  // longer than the largest kernel
    const auto expected = model->decode(target, {}, encoded);
    DecoderCache cache;
    std::vector<torch::Tensor> steps = {model->decode(target.narrow(1, 0, 3), {}, encoded, &cache)};
    for (int64_t i = 3; i < 40; ++i)
      steps.push_back(model->decode(target.narrow(1, i, 1), {}, encoded, &cache));
    EXPECT_EQ(cache.length, 40);
    EXPECT_TRUE(torch::cat(steps, 1).allclose(expected, 1e-8, 1e-10)) << conv;
    EXPECT_EQ(model->logits(expected).sizes(), (std::vector<int64_t>{2, 40, 30}));
  }
}

TEST_P(FairseqPairs, ItsCachesRowsAreSelected) {
  const torch::InferenceMode no_grad;
  const auto model = make();
  model->eval();
  const auto source = words(1, 5).repeat({3, 1});
  const auto encoded = model->encode({source, {}, {}});
  const auto target = words(3, 6), next = words(3, 1);
  DecoderCache cache;
  model->decode(target, {}, encoded, &cache);
  const auto rows = torch::tensor({2, 0, 2});
  for (auto* layers : {&cache.self, &cache.cross})
    for (auto& layer : *layers) layer.select(rows);
  const auto got = model->decode(next, {}, encoded, &cache);
  const auto expected =
      model->decode(torch::cat({target.index_select(0, rows), next}, 1), {}, encoded);
  EXPECT_TRUE(got.allclose(expected.narrow(1, 6, 1), 1e-4, 1e-5));
}

TEST_P(FairseqPairs, ARowKnowsNeitherOtherRowsNorPaddingNorTheFuture) {
  const torch::InferenceMode no_grad;
  const auto model = make();
  model->eval();
  const auto source = words(2, 9), target = words(2, 7);
  auto mask = torch::ones({2, 9}, torch::kInt64), target_mask = torch::ones({2, 7}, torch::kInt64);
  mask[1].narrow(0, 4, 5).zero_();
  target_mask[1].narrow(0, 3, 4).zero_();
  const auto together = model->decode(target, target_mask, model->encode({source, mask, {}}));
  const auto alone = model->decode(target.narrow(0, 1, 1).narrow(1, 0, 3), {},
                                   model->encode({source.narrow(0, 1, 1).narrow(1, 0, 4), {}, {}}));
  EXPECT_TRUE(together.narrow(0, 1, 1).narrow(1, 0, 3).allclose(alone, 1e-4, 1e-5));
  auto later = target.clone();
  later.narrow(1, 4, 3).fill_(5);
  const auto other = model->decode(later, target_mask, model->encode({source, mask, {}}));
  EXPECT_TRUE(other.narrow(1, 0, 4).allclose(together.narrow(1, 0, 4), 1e-5, 1e-6));
}

TEST_P(FairseqPairs, EveryParameterGetsAFiniteGradient) {
  for (const bool shared : {true, false}) {
    const auto model = make({{"share_encoder_decoder_embeddings", shared}});
    model->train();
    model->set_grad_checkpointing(true);
    model->logits(model->decode(words(2, 4), {}, model->encode({words(2, 6), {}, {}})))
        .square()
        .mean()
        .backward();
    for (const auto& p : model->named_parameters()) {
      ASSERT_TRUE(p.value().grad().defined()) << p.key();
      EXPECT_TRUE(p.value().grad().isfinite().all().item<bool>()) << p.key();
      EXPECT_GE(model->layer_id(p.key()), 0) << p.key();
      EXPECT_LT(model->layer_id(p.key()), model->layer_count()) << p.key();
    }
  }
}

// What fairseq's file has beside.
TEST_P(FairseqPairs, TakesFairseqsTiedCopies) {
  const auto model = make(), other = make();
  auto state = runtime::named_state(*model);
  const auto words = state.at("encoder.embed_tokens.weight");
  state["decoder.embed_tokens.weight"] = words;
  state["decoder.output_projection.weight"] = words;
  state["encoder.version"] = torch::tensor({3.0F});
  state["encoder.embed_positions._float_tensor"] = torch::zeros({1});
  load_tensors_into(*other, state, "fairseq's file");
  const torch::InferenceMode no_grad;
  model->eval(), other->eval();
  const auto ids = torch::randint(3, 30, {1, 4}, torch::kInt64);
  const auto out = [&](FairseqPair& pair) {
    return pair->decode(ids, {}, pair->encode({ids, {}, {}}));
  };
  auto a = model, b = other;
  EXPECT_TRUE(out(a).equal(out(b)));
}

TEST_P(FairseqPairs, ConfigGoesRoundAndRefusesNonsense) {
  const auto model = make();
  EXPECT_EQ(find_model(GetParam()).make(model->config())->config(), model->config());
  for (const Json& fields :
       {Json{{"embed_dim", 7}}, Json{{"vocab_sise", 7}}, Json{{"pad_token_id", 99999}},
        Json{{"decoder_vocab_size", 40}},
        Json{{"decoder_kernel_size_list", {3}}, {"encoder_kernel_size_list", {2}}},
        Json{{"encoder_attention_heads", 7}}, Json{{"dropout", 1}}})
    EXPECT_THROW(make(fields), ConfigError) << fields.dump();
  const torch::InferenceMode no_grad;
  EXPECT_THROW(model->encode({torch::full({1, 3}, 30, torch::kInt64), {}, {}}), DataError);
  EXPECT_THROW(model->encode({words(1, model->max_positions() + 1), {}, {}}), DataError);
  EXPECT_THROW(model->encode({words(4, 7), torch::ones({1, 7}, torch::kInt64), {}}), DataError);
}

INSTANTIATE_TEST_SUITE_P(Registry, FairseqPairs,
                         ::testing::Values("lightconv_tiny", "lite_transformer_160"),
                         [](const auto& info) { return info.param; });

std::string pair_fixture(const std::string& name) {
  return std::string(BRAID_TEST_SOURCE_DIR) + "/models/fixtures/pair_" + name + ".safetensors";
}

// Float64 on both sides leaves rounding only. See generate_text_fusion.py.
class FairseqPairsParity : public ::testing::TestWithParam<std::string> {};

TEST_P(FairseqPairsParity, OutputsAndGradientsEqualTheReferences) {
  const auto file = runtime::load_tensors(pair_fixture(GetParam()));
  const auto metadata = io::SafetensorsFile::read(pair_fixture(GetParam())).metadata();
  const auto model = create_model<EncoderDecoder>(GetParam().substr(0, GetParam().find('@')),
                                                  Json::parse(metadata.at("kwargs")));
  runtime::TensorMap weights;
  for (const auto& [name, tensor] : file)
    if (name.starts_with("weights/")) weights[name.substr(8)] = tensor;
  load_tensors_into(*model, weights, "fixture");
  model->to(torch::kDouble);
  model->eval();
  const auto error = [](const torch::Tensor& ours, const torch::Tensor& theirs) {
    if (ours.sizes() != theirs.sizes()) return static_cast<double>(INFINITY);
    return ((ours - theirs).abs().max() / theirs.abs().max()).item<double>();
  };
  const auto& target_mask = file.at("decoder_attention_mask");
  const auto encoded = model->encode({file.at("input_ids"), file.at("attention_mask"), {}});
  const auto hidden =
      model->decode(file.at("decoder_input_ids"), target_mask, encoded).index({target_mask.ne(0)});
  const auto logits = model->logits(hidden);
  EXPECT_LT(error(hidden, file.at("features")), 1e-11);
  EXPECT_LT(error(logits, file.at("logits")), 1e-11);
  logits.square().mean().backward();
  std::map<std::string, torch::Tensor> gradients;
  for (const auto& item : model->named_parameters())
    gradients[item.key()] = item.value().grad().flatten();
  std::vector<torch::Tensor> projections;
  for (const auto& [name, gradient] : gradients)
    projections.push_back((gradient * torch::arange(gradient.numel(), torch::kDouble).cos()).sum());
  EXPECT_LT(error(torch::stack(projections), file.at("grads")), 1e-11);
}

INSTANTIATE_TEST_SUITE_P(Tiny, FairseqPairsParity,
                         ::testing::Values("lightconv_tiny", "lightconv_tiny@dynamic",
                                           "lite_transformer_160", "lite_transformer_496"),
                         [](const auto& info) {
                           std::string name = info.param;
                           std::replace(name.begin(), name.end(), '@', '_');
                           return name;
                         });

TEST(FairseqKeys, AreThoseOfTheReference) {
  const auto has = [](const char* model, const std::vector<std::string>& names) {
    const auto state = runtime::named_state(*create_model(model, {{"vocab_size", 30}}));
    for (const auto& name : names) EXPECT_TRUE(state.contains(name)) << model << " " << name;
  };
  has("lightconv_tiny",
      {"encoder.layers.0.linear1.weight", "encoder.layers.0.conv.weight",
       "encoder.layers.3.layer_norms.1.weight", "decoder.layers.0.conv_layer_norm.weight",
       "decoder.layers.0.encoder_attn.q_proj.weight", "decoder.layers.0.linear2.bias",
       "decoder.layers.0.encoder_attn_layer_norm.weight", "decoder.layers.3.final_layer_norm.bias",
       "decoder.layers.1.fc2.weight"});
  has("lite_transformer_160", {"encoder.layers.0.self_attn.branches.0.q_proj.weight",
                               "encoder.layers.5.self_attn.branches.1.weight",
                               "decoder.layers.5.self_attn.branches.1.linear2.weight",
                               "decoder.layers.0.self_attn_layer_norm.weight",
                               "decoder.layers.0.encoder_attn.k_proj.bias"});
  has("lite_transformer_496", {"decoder.layers.0.self_attn.branches.1.weight_linear.weight"});
}

}  // namespace
}  // namespace braid::models
