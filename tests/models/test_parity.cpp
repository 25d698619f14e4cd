// Tiny variants against their reference implementation's outputs and gradients, in float64. See
// generate_parity.py.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "braid/io/safetensors.h"
#include "braid/models/registry.h"
#include "braid/models/vision/image_model.h"
#include "braid/runtime/tensor_file.h"
#include "braid/torch.h"
#include "tests/models/parity_fixtures.h"

namespace braid::models {
namespace {

// Float64 on both sides leaves rounding only; an error in a layer is larger by many orders.
constexpr double kTolerance = 1e-11;

std::string fixture(const std::string& name) {
  return std::string(BRAID_TEST_SOURCE_DIR) + "/models/fixtures/" + name + ".safetensors";
}

// floor: what counts as zero; only rounding is left of a gradient smaller than that.
double relative_error(const torch::Tensor& ours, const torch::Tensor& theirs, double floor = 0) {
  if (ours.sizes() != theirs.sizes()) return INFINITY;
  if (ours.equal(theirs)) return 0;
  return ((ours - theirs).abs().max() / theirs.abs().max().clamp_min(floor)).item<double>();
}

class Parity : public ::testing::TestWithParam<std::string> {};

// The model with the fixture's weights, float64, eval mode.
ImageModelPtr build(const std::string& name, const runtime::TensorMap& file) {
  const auto metadata = io::SafetensorsFile::read(fixture("parity_" + name)).metadata();
  auto model =
      create_model<ImageModel>(name.substr(0, name.find('@')), Json::parse(metadata.at("kwargs")));
  model->to(torch::kDouble);
  model->eval();
  const torch::NoGradGuard no_grad;
  std::vector<std::string> expected, got;
  for (const auto& [name, tensor] : file)
    if (name.starts_with("weights/")) expected.push_back(name.substr(8));
  for (auto& [name, target] : runtime::named_state(*model)) {
    got.push_back(name);
    const auto it = file.find("weights/" + name);
    if (it != file.end() && it->second.sizes() == target.sizes()) target.copy_(it->second);
  }
  EXPECT_THAT(got, ::testing::UnorderedElementsAreArray(expected));
  return model;
}

TEST_P(Parity, OutputsAndGradientsEqualTheReferences) {
  const auto file = runtime::load_tensors(fixture("parity_" + GetParam()));
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
  const auto file = runtime::load_tensors(fixture("parity_" + GetParam()));
  const auto model = build(GetParam(), file);
  const auto x = file.at("input").to(torch::kDouble);
  model->forward(x).square().mean().backward();
  std::vector<torch::Tensor> plain;
  double largest = 0;
  for (const auto& p : model->parameters()) {
    plain.push_back(p.grad().clone());
    largest = std::max(largest, plain.back().abs().max().item<double>());
  }
  model->zero_grad();
  model->set_grad_checkpointing(true);
  model->forward(x).square().mean().backward();
  const auto parameters = model->parameters();
  for (size_t i = 0; i < parameters.size(); ++i)
    EXPECT_LT(relative_error(parameters[i].grad(), plain[i], 1e-4 * largest), kTolerance);
}

INSTANTIATE_TEST_SUITE_P(Tiny, Parity, ::testing::ValuesIn(parity_fixtures()),
                         [](const auto& info) {
                           std::string name = info.param;
                           std::replace(name.begin(), name.end(), '@', '_');
                           return name;
                         });

}  // namespace
}  // namespace braid::models
