// Class activation maps and rollout against reference implementations, see
// generate_explanations.py.
#include <gtest/gtest.h>

#include "braid/explain/attention.h"
#include "braid/explain/class_activation.h"
#include "braid/explain/heat_map.h"
#include "tests/explain/small_models.h"

namespace braid::explain {
namespace {

double difference(const torch::Tensor& a, const torch::Tensor& b) {
  return a.sizes() == b.sizes() ? (a - b).abs().max().item<double>() : INFINITY;
}

class ReferenceMaps : public ::testing::TestWithParam<std::string> {};

TEST_P(ReferenceMaps, EqualThoseOfThePackageGradCam) {
  const auto reference = load_reference(GetParam());
  const auto x = reference.tensors.at("input").to(torch::kFloat);
  const auto explained = explainable_graph(*reference.model, x.size(2), x.size(3));
  int64_t found = 0;
  for (const auto& [name, expected] : reference.tensors) {
    if (!name.starts_with("map/")) continue;
    const auto rest = name.substr(4);
    const auto slash = rest.find('/');
    const auto method = rest.substr(0, slash), layer = rest.substr(slash + 1);
    const auto values = class_activation(
        explained, find_layer(explained, layer), x, reference.target,
        method == "grad-cam" ? ActivationWeights::kGradCam : ActivationWeights::kGradCamPlusPlus);
    EXPECT_GT(values.max().item<double>(), 0) << name << " tells nothing";
    EXPECT_LT(difference(to_pixels(values, x.size(2), x.size(3)), expected), 1e-4) << name;
    ++found;
  }
  EXPECT_GE(found, 2);
}

INSTANTIATE_TEST_SUITE_P(Families, ReferenceMaps,
                         ::testing::Values("resnet18", "swin_tiny_patch4_window7_224",
                                           "vit_tiny_patch16_224"));

TEST(ReferenceMaps, ByDefaultTheLastFeatureMapIsExplained) {
  const auto reference = load_reference("resnet18");
  const auto x = reference.tensors.at("input").to(torch::kFloat);
  const auto explained = explainable_graph(*reference.model, x.size(2), x.size(3));
  const auto& layer = last_layer(explained, x, reference.target);
  EXPECT_EQ(layer.value, find_layer(explained, "layer4").value);
  EXPECT_EQ(layer.grid.raster.height(), 3);
}

TEST(ReferenceMaps, OfAClassTokenTheTokensBeforeTheLastAttentionAreExplained) {
  const auto reference = load_reference("vit_tiny_patch16_224");
  const auto x = reference.tensors.at("input").to(torch::kFloat);
  const auto explained = explainable_graph(*reference.model, x.size(2), x.size(3));
  EXPECT_EQ(last_layer(explained, x, reference.target).name, "blocks.2.norm1");
}

TEST(ReferenceMaps, RolloutEqualsAbnarAndZuidemas) {
  const auto reference = load_reference("vit_tiny_patch16_224");
  const auto x = reference.tensors.at("input").to(torch::kFloat);
  const auto explained = explainable_graph(*reference.model, x.size(2), x.size(3));
  EXPECT_LT(difference(attention_rollout(explained, x), reference.tensors.at("rollout")), 1e-6);
}

}  // namespace
}  // namespace braid::explain
