// The encoder-decoder Transformer against MarianMTModel, its cache, its variants. See
// generate_transformer.py.
#include "braid/models/text/transformer/transformer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "braid/core/error.h"
#include "braid/models/weights.h"
#include "braid/runtime/tensor_file.h"

namespace braid::models {
namespace {

using torch::Tensor;

constexpr double kMarianExact = 1e-11;   // float64 on both sides
constexpr double kMarianCached = 1e-12;  // the same products in another order

double largest_gap(const Tensor& a, const Tensor& b) {
  if (a.sizes() != b.sizes()) return INFINITY;
  return (a - b).abs().max().item<double>();
}

struct MarianCase {
  std::shared_ptr<EncoderDecoder> model;  // float64, eval mode, with the file's weights
  runtime::TensorMap file;
  TextInput input;
};

MarianCase marian_case(const std::string& name, const Json& more = Json::object()) {
  const auto path = std::string(BRAID_TEST_SOURCE_DIR) + "/models/fixtures/transformer_" + name;
  const auto file = runtime::load_tensor_file(path + ".safetensors");
  Json config = Json::parse(file.metadata.at("config"));
  config.update(more);
  MarianCase one{create_model<EncoderDecoder>("transformer_tiny", config), file.tensors, {}};
  runtime::TensorMap weights;
  for (const auto& [key, tensor] : file.tensors)
    if (key.starts_with("weights/")) weights[key.substr(8)] = tensor;
  if (!config.contains("normalize_before")) load_tensors_into(*one.model, weights, path);
  one.model->to(torch::kDouble);
  one.model->eval();
  one.input = {file.tensors.at("input_ids"), file.tensors.at("attention_mask"), {}};
  return one;
}

class MarianParity : public ::testing::TestWithParam<std::string> {};

TEST_P(MarianParity, StatesLogitsAndGradients) {
  auto one = marian_case(GetParam());
  const auto encoded = one.model->encode(one.input);
  const auto hidden = one.model->decode(one.file.at("decoder_input_ids"),
                                        one.file.at("decoder_attention_mask"), encoded);
  const auto logits = one.model->logits(hidden);
  EXPECT_LT(largest_gap(encoded.hidden, one.file.at("encoder_hidden")), kMarianExact);
  EXPECT_LT(largest_gap(hidden, one.file.at("hidden")), kMarianExact);
  EXPECT_LT(largest_gap(logits, one.file.at("logits")), kMarianExact);
  logits.square().mean().backward();
  std::map<std::string, Tensor> gradients;
  for (const auto& item : one.model->named_parameters())
    gradients[item.key()] = item.value().grad();
  std::vector<Tensor> projected;
  for (const auto& item : gradients)
    projected.push_back(
        (item.second.flatten() * torch::arange(item.second.numel(), torch::kDouble).cos()).sum());
  EXPECT_LT(largest_gap(torch::stack(projected), one.file.at("grads")), kMarianExact);
}

// What the decoder keeps gives what it would compute anew, also where several rows ask one text.
TEST_P(MarianParity, ACacheChangesNothing) {
  const torch::NoGradGuard no_grad;
  auto one = marian_case(GetParam());
  constexpr int64_t kRows = 3;
  const auto encoded = one.model->encode(one.input);
  const auto ids = torch::randint(1, 22, {kRows * 3, 6});
  EncodedText repeated{encoded.hidden.repeat_interleave(kRows, 0),
                       encoded.attention_mask.repeat_interleave(kRows, 0)};
  const auto whole = one.model->decode(ids, {}, repeated);
  EXPECT_LT(largest_gap(one.model->decode(ids, {}, encoded), whole), kMarianCached);
  DecoderCache cache;
  std::vector<Tensor> parts;
  int64_t seen = 0;
  for (const int64_t length : {2, 1, 1, 2}) {
    parts.push_back(one.model->decode(ids.narrow(1, seen, length), {}, encoded, &cache));
    seen += length;
    EXPECT_EQ(cache.length, seen);
  }
  EXPECT_LT(largest_gap(torch::cat(parts, 1), whole), kMarianCached);
}

INSTANTIATE_TEST_SUITE_P(Cases, MarianParity, ::testing::Values("shared", "unshared", "odd"));

TEST(Transformer, TheCacheMovesWithTheRows) {
  const torch::NoGradGuard no_grad;
  auto one = marian_case("shared");
  const auto encoded = one.model->encode(one.input);
  const auto ids = torch::randint(1, 22, {3, 5});
  DecoderCache cache;
  one.model->decode(ids.narrow(1, 0, 4), {}, encoded, &cache);
  const auto order = torch::tensor({2, 0});
  for (auto& layer : cache.self) layer.select(order);
  for (auto& layer : cache.cross) layer.select(order);
  const EncodedText chosen{encoded.hidden.index_select(0, order),
                           encoded.attention_mask.index_select(0, order)};
  const auto last =
      one.model->decode(ids.index_select(0, order).narrow(1, 4, 1), {}, chosen, &cache);
  const auto whole = one.model->decode(ids, {}, encoded).index_select(0, order).narrow(1, 4, 1);
  EXPECT_LT(largest_gap(last, whole), kMarianCached);
}

TEST(Transformer, PaddingChangesNothing) {
  const torch::NoGradGuard no_grad;
  auto one = marian_case("shared");
  const auto ids = one.file.at("decoder_input_ids");
  const auto together = one.model->decode(ids, {}, one.model->encode(one.input));
  const TextInput alone{one.input.input_ids.narrow(0, 1, 1).narrow(1, 0, 4), {}, {}};
  EXPECT_LT(largest_gap(one.model->decode(ids.narrow(0, 1, 1), {}, one.model->encode(alone)),
                        together.narrow(0, 1, 1)),
            kMarianCached);
}

TEST(Transformer, CheckpointingGivesTheSameGradients) {
  for (const bool pre_norm : {false, true}) {
    std::vector<std::vector<Tensor>> gradients;
    auto one = marian_case("shared", {{"normalize_before", pre_norm}});
    for (const bool again : {false, true}) {
      one.model->train();
      one.model->set_grad_checkpointing(again);
      one.model->zero_grad();
      torch::manual_seed(3);
      const auto hidden =
          one.model->decode(one.file.at("decoder_input_ids"), {}, one.model->encode(one.input));
      one.model->logits(hidden).square().mean().backward();
      auto& list = gradients.emplace_back();
      for (const auto& p : one.model->parameters()) {
        ASSERT_TRUE(p.grad().defined());
        list.push_back(p.grad().clone());
      }
    }
    for (size_t i = 0; i < gradients[0].size(); ++i)
      EXPECT_LT(largest_gap(gradients[0][i], gradients[1][i]), kMarianCached);
  }
}

TEST(Transformer, WithNormsBeforeItEndsWithOne) {
  auto one = marian_case("shared", {{"normalize_before", true}});
  const auto state = runtime::named_state(*one.model);
  EXPECT_TRUE(state.contains("model.encoder.layer_norm.weight"));
  EXPECT_TRUE(state.contains("model.decoder.layer_norm.bias"));
  const auto hidden = one.model->encode(one.input).hidden;
  EXPECT_LT(hidden.mean(-1).abs().max().item<double>(), 1e-6);
}

// Parameters of MarianMTModel with the same config.
TEST(Transformer, VariantsHaveTheReferencesParameters) {
  const std::map<std::string, int64_t> counts = {{"transformer_tiny", 5'421'056},
                                                 {"transformer_small", 19'251'200},
                                                 {"transformer_base", 60'522'496}};
  for (const auto& [name, expected] : counts) {
    int64_t count = 0;
    for (const auto& p : create_model<EncoderDecoder>(name)->parameters()) count += p.numel();
    EXPECT_EQ(count, expected) << name;
  }
}

TEST(Transformer, LayersAreNumberedFromTheEmbeddingsOn) {
  const auto model = create_model<EncoderDecoder>("transformer_tiny", {{"normalize_before", true}});
  EXPECT_EQ(model->layer_count(), 10);
  EXPECT_EQ(model->layer_id("model.shared.weight"), 0);
  EXPECT_EQ(model->layer_id("model.encoder.layers.0.fc1.weight"), 1);
  EXPECT_EQ(model->layer_id("model.encoder.layer_norm.weight"), 4);
  EXPECT_EQ(model->layer_id("model.decoder.layers.0.fc1.weight"), 5);
  EXPECT_EQ(model->layer_id("model.decoder.layers.3.encoder_attn.k_proj.bias"), 8);
  EXPECT_EQ(model->layer_id("model.decoder.layer_norm.weight"), 9);
}

TEST(Transformer, RefusesWhatDoesNotFit) {
  const auto refused = [](const Json& fields, const char* what) {
    try {
      create_model<EncoderDecoder>("transformer_tiny", fields);
      ADD_FAILURE() << what;
    } catch (const ConfigError& e) {
      EXPECT_THAT(e.what(), ::testing::HasSubstr(what));
    }
  };
  refused({{"decoder_attention_heads", 3}}, "decoder_attention_heads");
  refused({{"decoder_vocab_size", 7}}, "decoder_vocab_size");
  refused({{"pad_token_id", 32000}}, "pad_token_id");
  refused({{"eos_token_id", -1}}, "eos_token_id");
  refused({{"activation_function", "gelo"}}, "activation");
  refused({{"encoder_layers", 0}}, "encoder_layers");
  refused({{"dropout", 1.0}}, "dropout");
  const auto model =
      create_model<EncoderDecoder>("transformer_tiny", {{"max_position_embeddings", 4}});
  const auto long_text = torch::ones({1, 5}, torch::kLong);
  EXPECT_THROW(model->encode({long_text, {}, {}}), DataError);
  EXPECT_THROW(model->encode({torch::full({1, 2}, 32000, torch::kLong), {}, {}}), DataError);
  const auto encoded = model->encode({torch::ones({1, 2}, torch::kLong), {}, {}});
  EXPECT_THROW(model->decode(long_text, {}, encoded), DataError);
  EXPECT_THROW(model->decode(torch::full({1, 2}, -1, torch::kLong), {}, encoded), DataError);
}

}  // namespace
}  // namespace braid::models
