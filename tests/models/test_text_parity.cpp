// Tiny networks of text against transformers' outputs and gradients, in float64, from its own
// config.json and names of weights. See generate_text_parity.py.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>

#include "braid/io/safetensors.h"
#include "braid/models/hub_config.h"
#include "braid/models/registry.h"
#include "braid/models/text/text_model.h"
#include "braid/models/weights.h"
#include "braid/runtime/tensor_file.h"
#include "braid/torch.h"

namespace braid::models {
namespace {

// Float64 on both sides leaves rounding only; an error in a layer is larger by many orders.
constexpr double kTextTolerance = 1e-11;

std::string text_fixture(const std::string& name) {
  return std::string(BRAID_TEST_SOURCE_DIR) + "/models/fixtures/text_" + name + ".safetensors";
}

std::vector<std::string> text_fixtures() {
  std::vector<std::string> names;
  for (const auto& file :
       std::filesystem::directory_iterator(BRAID_TEST_SOURCE_DIR "/models/fixtures"))
    if (const auto stem = file.path().stem().string(); stem.starts_with("text_"))
      names.push_back(stem.substr(5));
  std::sort(names.begin(), names.end());
  return names;
}

double error_of(const torch::Tensor& ours, const torch::Tensor& theirs) {
  if (ours.sizes() != theirs.sizes()) return INFINITY;
  return ((ours - theirs).abs().max() / theirs.abs().max()).item<double>();
}

class TextParity : public ::testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    file_ = runtime::load_tensors(text_fixture(GetParam()));
    const auto metadata = io::SafetensorsFile::read(text_fixture(GetParam())).metadata();
    const HubFields config(Json::parse(metadata.at("config")), "config.json", "fixture");
    const auto hub = read_hub_config(config);
    model_ = create_model<TextEncoder>(hub.architecture, hub.model_args);
    runtime::TensorMap weights;
    for (const auto& [name, tensor] : file_)
      if (name.starts_with("weights/")) weights[name.substr(8)] = tensor;
    load_tensors_into(*model_, weights, "fixture");
    model_->to(torch::kDouble);
    model_->eval();
    input_.input_ids = file_.at("input_ids");
    input_.attention_mask = file_.at("attention_mask");
    if (file_.contains("token_type_ids")) input_.token_type_ids = file_.at("token_type_ids");
  }
  // The gradient of the mean of squares of what the head says, per parameter by name.
  std::map<std::string, torch::Tensor> gradients() {
    model_->zero_grad();
    const auto features = model_->forward_features(input_);
    auto loss = model_->forward_head(features, input_).square().mean();
    if (model_->has_next_sentence()) loss = loss + model_->next_sentence(features).square().mean();
    loss.backward();
    std::map<std::string, torch::Tensor> gradients;
    for (const auto& item : model_->named_parameters()) {
      const auto& grad = item.value().grad();
      gradients[item.key()] = grad.defined() ? grad.clone() : torch::zeros_like(item.value());
    }
    return gradients;
  }

  runtime::TensorMap file_;
  TextEncoderPtr model_;
  TextInput input_;
};

TEST_P(TextParity, OutputsEqualTheReferences) {
  const torch::NoGradGuard no_grad;
  const auto tokens = file_.at("attention_mask").to(torch::kBool);  // others mean nothing
  const auto features = model_->forward_features(input_);
  EXPECT_LT(error_of(features.index({tokens}), file_.at("features").index({tokens})),
            kTextTolerance);
  auto logits = model_->forward_head(features, input_), theirs = file_.at("logits");
  if (theirs.dim() > 1 && theirs.size(1) == tokens.size(1)) {
    logits = logits.index({tokens});
    theirs = theirs.index({tokens});
  }
  EXPECT_LT(error_of(logits, theirs), kTextTolerance);
  if (file_.contains("pooled")) {
    EXPECT_LT(error_of(model_->pool(features, input_), file_.at("pooled")), kTextTolerance);
  }
  EXPECT_EQ(file_.contains("seq_relationship_logits"), model_->has_next_sentence());
  if (model_->has_next_sentence()) {
    EXPECT_LT(error_of(model_->next_sentence(features), file_.at("seq_relationship_logits")),
              kTextTolerance);
  }
}

TEST_P(TextParity, GradientsEqualTheReferences) {
  std::vector<torch::Tensor> projections;
  for (const auto& item : gradients()) {
    const auto gradient = item.second.flatten();
    projections.push_back((gradient * torch::arange(gradient.numel(), torch::kDouble).cos()).sum());
  }
  EXPECT_LT(error_of(torch::stack(projections), file_.at("grads")), kTextTolerance);
}

TEST_P(TextParity, CheckpointedGradientsAreTheSame) {
  const auto plain = gradients();
  model_->set_grad_checkpointing(true);
  for (const auto& [name, gradient] : gradients())
    EXPECT_TRUE(gradient.allclose(plain.at(name), 1e-10, 1e-12)) << name;
}

INSTANTIATE_TEST_SUITE_P(Tiny, TextParity, ::testing::ValuesIn(text_fixtures()),
                         [](const auto& info) {
                           std::string name = info.param;
                           std::replace(name.begin(), name.end(), '@', '_');
                           return name;
                         });

}  // namespace
}  // namespace braid::models
