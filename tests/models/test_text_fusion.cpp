// Tiny CNNs and fusion models of text against their reference implementation's outputs and
// gradients. See generate_text_fusion.py.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>

#include "braid/core/error.h"
#include "braid/io/safetensors.h"
#include "braid/models/registry.h"
#include "braid/models/text/text_model.h"
#include "braid/runtime/tensor_file.h"

namespace braid::models {
namespace {

// Float64 on both sides leaves rounding only; an error in a layer is larger by many orders.
constexpr double kFusionTolerance = 1e-11;

std::string fusion_fixture(const std::string& name) {
  return std::string(BRAID_TEST_SOURCE_DIR) + "/models/fixtures/fusion_" + name + ".safetensors";
}

double fusion_error(const torch::Tensor& ours, const torch::Tensor& theirs) {
  if (ours.sizes() != theirs.sizes()) return INFINITY;
  return ((ours.to(torch::kDouble) - theirs).abs().max() / theirs.abs().max()).item<double>();
}

// Every fusion_NAME[@VARIANT].safetensors: a registered name, config fields in the metadata.
std::vector<std::string> fusion_fixtures() {
  std::vector<std::string> names;
  for (const auto& file :
       std::filesystem::directory_iterator(BRAID_TEST_SOURCE_DIR "/models/fixtures"))
    if (const auto stem = file.path().stem().string(); stem.starts_with("fusion_"))
      names.push_back(stem.substr(7));
  std::sort(names.begin(), names.end());
  return names;
}

class TextFusion : public ::testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    file_ = runtime::load_tensors(fusion_fixture(GetParam()));
    const auto metadata = io::SafetensorsFile::read(fusion_fixture(GetParam())).metadata();
    model_ = create_model<TextEncoder>(GetParam().substr(0, GetParam().find('@')),
                                       Json::parse(metadata.at("kwargs")));
    model_->to(torch::kDouble);
    model_->eval();
    const torch::NoGradGuard no_grad;
    std::vector<std::string> expected, got;
    for (const auto& [name, tensor] : file_)
      if (name.starts_with("weights/")) expected.push_back(name.substr(8));
    for (auto& [name, target] : runtime::named_state(*model_)) {
      got.push_back(name);
      const auto it = file_.find("weights/" + name);
      if (it == file_.end()) continue;
      ASSERT_EQ(it->second.sizes(), target.sizes()) << name;
      target.copy_(it->second);
    }
    EXPECT_THAT(got, ::testing::UnorderedElementsAreArray(expected));
    input_ = {.input_ids = file_.at("input_ids"),
              .attention_mask = file_.at("attention_mask"),
              .token_type_ids = {}};
  }
  // Of the tokens alone, as the fixture has them.
  torch::Tensor tokens_of(const torch::Tensor& x) const {
    return x.dim() == 3 ? x.index({input_.attention_mask.ne(0)}) : x;
  }

  runtime::TensorMap file_;
  TextEncoderPtr model_;
  TextInput input_;
};

TEST_P(TextFusion, OutputsAndGradientsEqualTheReferences) {
  const auto features = model_->forward_features(input_);
  EXPECT_LT(fusion_error(tokens_of(features), file_.at("features")), kFusionTolerance);
  const auto logits = tokens_of(model_->forward_head(features, input_));
  EXPECT_LT(fusion_error(logits, file_.at("logits")), kFusionTolerance);
  logits.square().mean().backward();
  std::map<std::string, torch::Tensor> gradients;
  for (const auto& item : model_->named_parameters())
    gradients[item.key()] = item.value().grad().flatten();
  std::vector<torch::Tensor> projections;
  for (const auto& [name, gradient] : gradients)
    projections.push_back((gradient * torch::arange(gradient.numel(), torch::kDouble).cos()).sum());
  EXPECT_LT(fusion_error(torch::stack(projections), file_.at("grads")), kFusionTolerance);
}

TEST_P(TextFusion, InFloat32ItIsTheSameUpToRounding) {
  const torch::InferenceMode no_grad;
  model_->to(torch::kFloat);
  EXPECT_LT(fusion_error(tokens_of(model_->forward(input_)), file_.at("logits")), 1e-5);
}

INSTANTIATE_TEST_SUITE_P(Tiny, TextFusion, ::testing::ValuesIn(fusion_fixtures()),
                         [](const auto& info) {
                           std::string name = info.param;
                           std::replace(name.begin(), name.end(), '@', '_');
                           return name;
                         });

TextInput fusion_batch() {
  auto mask = torch::ones({4, 6}, torch::kInt64);
  mask[1].narrow(0, 2, 4).zero_();
  return {.input_ids = torch::randint(2, 20, {4, 6}, torch::kInt64),
          .attention_mask = mask,
          .token_type_ids = {}};
}

TEST(ConformerText, ItsNormsStatisticsAreThoseOfTheTokens) {
  torch::manual_seed(1);
  const auto input = fusion_batch();
  const auto variance = [](const TextInput& texts) {
    const auto model =
        create_model<TextEncoder>("wav2vec2_conformer_text_tiny", {{"vocab_size", 20},
                                                                   {"num_hidden_layers", 1},
                                                                   {"hidden_dropout", 0},
                                                                   {"activation_dropout", 0},
                                                                   {"attention_dropout", 0},
                                                                   {"conformer_conv_dropout", 0}});
    model->train();
    model->forward_features(texts);
    return runtime::named_state(*model).at("encoder.layers.0.conv_module.batch_norm.running_var");
  };
  const TextInput wide{.input_ids = torch::cat({input.input_ids, input.input_ids}, 1),
                       .attention_mask = torch::constant_pad_nd(input.attention_mask, {0, 6}),
                       .token_type_ids = {}};
  EXPECT_TRUE(variance(wide).allclose(variance(input), 1e-4, 1e-6));
}

// A window of one token is one of each channel still.
TEST(ConformerText, ItsConvolutionIsDepthwiseWhateverItsSize) {
  for (const int64_t size : {1, 3}) {
    const auto model = create_model<TextEncoder>(
        "wav2vec2_conformer_text_tiny", {{"vocab_size", 20}, {"conv_depthwise_kernel_size", size}});
    const auto weight =
        runtime::named_state(*model).at("encoder.layers.0.conv_module.depthwise_conv.weight");
    EXPECT_EQ(weight.sizes(), (std::vector<int64_t>{128, 1, size}));
    model->eval();
    EXPECT_TRUE(model->forward_features(fusion_batch()).isfinite().all().item<bool>()) << size;
  }
}

TEST(ConvStemBert, BertsWeightsFitBehindTheStem) {
  const auto bert = create_model<TextEncoder>("bert_mini", {{"vocab_size", 20}}, 1);
  const auto stem = create_model<TextEncoder>("conv_stem_bert_mini", {{"vocab_size", 20}}, 1);
  const auto own = runtime::named_state(*stem);
  for (const auto& [name, tensor] : runtime::named_state(*bert)) {
    ASSERT_TRUE(own.contains(name)) << name;
    EXPECT_EQ(own.at(name).sizes(), tensor.sizes()) << name;
  }
  EXPECT_TRUE(stem->may_begin_fresh("bert.stem.0.norm.weight"));
  EXPECT_FALSE(stem->may_begin_fresh("bert.embeddings.LayerNorm.weight"));
}

TEST(TextFusionConfigs, RefuseWhatDoesNotFitTogether) {
  const auto refuses = [](const char* name, const Json& fields) {
    EXPECT_THROW(create_model(name, fields), ConfigError) << name << " " << fields.dump();
  };
  refuses("textcnn", {{"kernel_sizes", Json::array()}});
  refuses("textcnn", {{"kernel_sizes", {0}}});
  refuses("textcnn", {{"pad_token_id", 30522}});
  refuses("textcnn", {{"kernel_sizes", {3, 1025}}});
  refuses("bert_tiny_cnn", {{"kernel_sizes", Json::array()}});
  refuses("convbert_small", {{"conv_kernel_size", 4}});
  refuses("convbert_small", {{"num_groups", 3}});
  refuses("convbert_small", {{"hidden_size", 4}, {"num_attention_heads", 4}, {"head_ratio", 1}});
  refuses("convbert_small", {{"position_embedding_type", "rotary"}});
  refuses("lightconv_encoder_tiny", {{"encoder_kernel_size_list", {3, 7}}});
  refuses("lightconv_encoder_tiny", {{"encoder_kernel_size_list", {4}}});
  refuses("lightconv_encoder_tiny", {{"encoder_embed_dim", 5}, {"encoder_attention_heads", 1}});
  refuses("lightconv_encoder_tiny", {{"encoder_conv_type", "heavy"}});
  refuses("lightconv_tiny", {{"conv_type", "heavy"}});
  refuses("lite_transformer_encoder_160", {{"conv_type", "heavy"}});
  refuses("lite_transformer_encoder_160", {{"encoder_attention_heads", 3}});
  refuses("lite_transformer_encoder_160", {{"encoder_glu", true}});
  refuses("wav2vec2_conformer_text_tiny", {{"position_embeddings_type", "absolute"}});
  refuses("wav2vec2_conformer_text_tiny", {{"conv_depthwise_kernel_size", 8}});
  refuses("conv_stem_bert_mini", {{"stem_kernel_size", 2}});
  for (const char* name : {"bert_tiny_cnn", "textcnn_small"})
    refuses(name, {{"vocab_size", 20}, {"head", "pretraining"}});
  refuses("convbert_small", {{"num_hidden_layers", 1}, {"head", "pretraining"}});
  refuses("distilbert_base", {{"vocab_size", 20}, {"n_layers", 1}, {"head", "pretraining"}});
}

TEST(TextFusionConfigs, AHeadThatIsNotThereIsNamedWithThoseThatAre) {
  try {
    create_model("bert_tiny_cnn", {{"vocab_size", 20}, {"head", "masked_lm"}});
    ADD_FAILURE() << "nothing was thrown";
  } catch (const ConfigError& e) {
    EXPECT_STREQ(
        e.what(),
        "[models] expected a head that it can have, got masked_lm (model bert_cnn); it can "
        "have none, sequence_classification, token_classification, question_answering");
  }
}

}  // namespace
}  // namespace braid::models
