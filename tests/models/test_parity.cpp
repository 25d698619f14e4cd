// Tiny variants against timm's outputs and gradients, in float64. See generate_parity.py.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/torch.h>

#include "braid/models/registry.h"
#include "braid/models/tensor_file.h"

namespace braid::models {
namespace {

// Float64 on both sides leaves rounding only; an error in a layer is larger by many orders.
constexpr double kTolerance = 1e-11;

std::string fixture(const std::string& name) {
  return std::string(BRAID_TEST_SOURCE_DIR) + "/models/fixtures/" + name + ".safetensors";
}

double relative_error(const torch::Tensor& ours, const torch::Tensor& theirs) {
  if (ours.sizes() != theirs.sizes()) return INFINITY;
  return ((ours - theirs).abs().max() / theirs.abs().max()).item<double>();
}

struct Case {
  const char* name;
  Json kwargs;  // as in the generator's CASES
};

Json coatnet_kwargs() {
  return {{"num_classes", 5},       {"in_chans", 2},
          {"img_size", 64},         {"embed_dim", {8, 8, 16, 16}},
          {"depths", {2, 1, 2, 1}}, {"stem_width", {8, 8}},
          {"dim_head", 8}};
}

Json resnet_kwargs() {
  return {{"num_classes", 5},
          {"in_chans", 2},
          {"img_size", 40},
          {"layers", {1, 2, 1, 1}},
          {"widths", {4, 8, 8, 4}}};
}

class Parity : public ::testing::TestWithParam<Case> {};

// The model with the fixture's weights, float64, eval mode.
ModelPtr build(const Case& c, const TensorMap& file) {
  auto model = create_model(c.name, c.kwargs);
  model->to(torch::kDouble);
  model->eval();
  const torch::NoGradGuard no_grad;
  std::vector<std::string> expected, got;
  for (const auto& [name, tensor] : file)
    if (name.starts_with("weights/")) expected.push_back(name.substr(8));
  for (auto& [name, target] : named_state(*model)) {
    got.push_back(name);
    const auto it = file.find("weights/" + name);
    if (it != file.end() && it->second.sizes() == target.sizes()) target.copy_(it->second);
  }
  EXPECT_THAT(got, ::testing::UnorderedElementsAreArray(expected));
  return model;
}

TEST_P(Parity, OutputsAndGradientsEqualTimms) {
  const auto file = load_tensors(fixture(std::string("parity_") + GetParam().name));
  const auto model = build(GetParam(), file);
  for (const auto format : {at::MemoryFormat::Contiguous, at::MemoryFormat::ChannelsLast}) {
    const auto x = file.at("input").to(torch::kDouble).contiguous(format);
    model->zero_grad();
    const auto features = model->forward_features(x);
    const auto logits = model->forward_head(features);
    EXPECT_LT(relative_error(features, file.at("features")), kTolerance);
    EXPECT_LT(relative_error(logits, file.at("logits")), kTolerance);
    logits.square().mean().backward();
    std::map<std::string, torch::Tensor> gradients;
    for (const auto& item : model->named_parameters())
      gradients[item.key()] = item.value().grad().flatten();
    std::vector<torch::Tensor> projections;
    for (const auto& [name, gradient] : gradients)
      projections.push_back(
          (gradient * torch::arange(gradient.numel(), torch::kDouble).cos()).sum());
    EXPECT_LT(relative_error(torch::stack(projections), file.at("grads")), kTolerance);
  }
}

// Equal up to the rounding of float64: the order of some sums differs.
TEST_P(Parity, CheckpointedGradientsAreTheSame) {
  const auto file = load_tensors(fixture(std::string("parity_") + GetParam().name));
  const auto model = build(GetParam(), file);
  const auto x = file.at("input").to(torch::kDouble);
  model->forward(x).square().mean().backward();
  std::vector<torch::Tensor> plain;
  for (const auto& p : model->parameters()) plain.push_back(p.grad().clone());
  model->zero_grad();
  model->set_grad_checkpointing(true);
  model->forward(x).square().mean().backward();
  const auto parameters = model->parameters();
  for (size_t i = 0; i < parameters.size(); ++i)
    EXPECT_LT(relative_error(parameters[i].grad(), plain[i]), kTolerance);
}

INSTANTIATE_TEST_SUITE_P(Tiny, Parity,
                         ::testing::Values(Case{"resnet18", resnet_kwargs()},
                                           Case{"resnet50", resnet_kwargs()},
                                           Case{"resnet20",
                                                {{"num_classes", 5},
                                                 {"in_chans", 2},
                                                 {"img_size", 15},
                                                 {"layers", {1, 1, 1}},
                                                 {"widths", {4, 6, 8}}}},
                                           Case{"coatnet_nano_rw_224", coatnet_kwargs()},
                                           Case{"coatnet_0_rw_224", coatnet_kwargs()}),
                         [](const auto& info) { return std::string(info.param.name); });

}  // namespace
}  // namespace braid::models
