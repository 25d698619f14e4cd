// The residual block against its formula written out.
#include "braid/nn/block/pre_norm_block.h"

#include "braid/nn/basic/layer_scale.h"
#include "braid/nn/basic/norm.h"
#include "braid/nn/block/vit_block.h"
#include "braid/runtime/autocast.h"
#include "braid/runtime/grad_checkpoint.h"
#include "tests/nn/fixture.h"

namespace braid::nn {
namespace {

using torch::Tensor;

constexpr int64_t kBlockDim = 4;

// Every part there is; without `mixed` no first branch.
class WholeBlockImpl : public PreNormBlockImpl {
 public:
  explicit WholeBlockImpl(const PreNormBlockConfig& config, bool mixed = true)
      : PreNormBlockImpl(config) {
    add(mlp.layer, "fc", fc = torch::nn::Linear(kBlockDim, kBlockDim));  // in any order
    if (mixed) {
      add(mixer.norm, "norm1.norm", norm1 = layer_norm(kBlockDim));
      add(mixer.layer, "mix",
          {mix = torch::nn::Linear(kBlockDim, kBlockDim), [this](const Tensor& x) {
             shape = x.sizes().vec();
             return mix->forward(x);
           }});
      add(mixer.scale, "scale1", scale1 = LayerScale(kBlockDim, 0.3));
      add(mixer.shortcut, "short1", short1 = LayerScale(kBlockDim, 0.7));
    }
    add(mlp.norm, "norm2", norm2 = layer_norm(kBlockDim));
    add(mlp.scale, "scale2", scale2 = LayerScale(kBlockDim, 0.4));
  }

  torch::nn::Linear fc{nullptr}, mix{nullptr};
  torch::nn::LayerNorm norm1{nullptr}, norm2{nullptr};
  LayerScale scale1{nullptr}, scale2{nullptr}, short1{nullptr};
  std::vector<int64_t> shape;  // that the mixer got
};
TORCH_MODULE(WholeBlock);

TEST(PreNormBlock, IsTwoResidualBranches) {
  torch::manual_seed(1);
  WholeBlock block(PreNormBlockConfig{});
  block->eval();
  randomize(*block);
  const auto x = torch::randn({2, 5, kBlockDim});
  auto& b = *block;
  const auto y = b.short1->forward(x) + b.scale1->forward(b.mix->forward(b.norm1->forward(x)));
  const auto expected = y + b.scale2->forward(b.fc->forward(b.norm2->forward(y)));
  EXPECT_TRUE(block->forward(x).equal(expected));
  EXPECT_EQ(b.shape, x.sizes());
}

TEST(PreNormBlock, ABranchWithoutLayerPassesOn) {
  torch::manual_seed(2);
  WholeBlock block(PreNormBlockConfig{}, /*mixed=*/false);
  block->eval();
  const auto x = torch::randn({2, 5, kBlockDim});
  auto& b = *block;
  EXPECT_TRUE(block->forward(x).equal(x + b.scale2->forward(b.fc->forward(b.norm2->forward(x)))));
}

TEST(PreNormBlock, TrainsAsItEvaluates) {
  torch::manual_seed(6);
  WholeBlock block(PreNormBlockConfig{});
  randomize(*block);
  const auto x = torch::randn({2, 5, kBlockDim});
  const auto trained = block->forward(x);
  block->eval();
  EXPECT_TRUE(trained.allclose(block->forward(x), 1e-4, 1e-4));
  block->train();
  const runtime::Autocast autocast(torch::kCPU, "bfloat16");
  const auto half = block->forward(x);
  EXPECT_EQ(half.scalar_type(), torch::kFloat) << "the stream stays in float32";
  EXPECT_TRUE(half.allclose(trained, 0.05, 0.1));
}

TEST(PreNormBlock, KeysStandInTheOrderOfTheParts) {
  WholeBlock block(PreNormBlockConfig{});
  std::vector<std::string> names;
  for (const auto& item : block->named_parameters()) names.push_back(item.key());
  EXPECT_EQ(names, (std::vector<std::string>{"fc.weight", "fc.bias", "norm1.norm.weight",
                                             "norm1.norm.bias", "mix.weight", "mix.bias",
                                             "scale1.gamma", "short1.gamma", "norm2.weight",
                                             "norm2.bias", "scale2.gamma"}));
}

TEST(PreNormBlock, TurnsMapsForItsParts) {
  torch::manual_seed(3);
  WholeBlock tokens(PreNormBlockConfig{});
  torch::manual_seed(3);
  WholeBlock map(PreNormBlockConfig{.parts_see = MapLayout::kNhwc});
  const auto x = torch::randn({2, kBlockDim, 3, 5});
  const auto y = map->forward(x);
  EXPECT_EQ(map->shape, (std::vector<int64_t>{2, 3, 5, kBlockDim}));
  EXPECT_TRUE(y.equal(tokens->forward(x.permute({0, 2, 3, 1})).permute({0, 3, 1, 2})));
}

TEST(PreNormBlock, DropsEachBranchOfASampleByItself) {
  torch::manual_seed(4);
  WholeBlock block(PreNormBlockConfig{.drop_path = 0.5});
  randomize(*block);
  const auto x = torch::randn({200, 1, kBlockDim});
  auto& b = *block;
  const auto shortcut = b.short1->forward(x);
  const auto y = block->forward(x);
  const auto whole = (y - shortcut).abs().amax({1, 2}) < 1e-7;  // both branches gone
  EXPECT_NEAR(whole.to(torch::kDouble).mean().item<double>(), 0.25, 0.1);
  block->eval();
  EXPECT_TRUE(block->forward(x).equal(block->forward(x)));
}

TEST(PreNormBlock, GivesTheSameGradientsUnderCheckpointing) {
  const auto run = [](bool enable) {
    torch::manual_seed(5);
    ViTBlock block(ViTBlockConfig{.dim = 8,
                                  .num_heads = 2,
                                  .init_values = 0.1,
                                  .attn_drop = 0.2,
                                  .proj_drop = 0.2,
                                  .drop_path = 0.2});
    auto x = torch::randn({3, 4, 8}).requires_grad_();
    const auto y = runtime::maybe_checkpoint(enable, block, x);
    y.square().sum().backward();
    std::vector<Tensor> found = {y.detach(), x.grad()};
    for (const auto& item : block->named_parameters()) found.push_back(item.value().grad());
    return found;
  };
  const auto plain = run(false), replayed = run(true);
  ASSERT_EQ(plain.size(), replayed.size());
  for (size_t i = 0; i < plain.size(); ++i) EXPECT_TRUE(plain[i].equal(replayed[i])) << i;
}

}  // namespace
}  // namespace braid::nn
