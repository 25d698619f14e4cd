// Conformer's parallel block against a naive twin in the reference's order of operations.
#include "braid/nn/block/conformer_block.h"

#include "braid/runtime/grad_checkpoint.h"
#include "tests/nn/fixture.h"
#include "tests/ops/gradient_check.h"

namespace braid::nn {
namespace {

struct Inputs {
  torch::Tensor map, tokens;
};

// stride 1: the map has dw_stride pixels per token along a side, stride 2: twice as many.
Inputs random_inputs(const ConvTransBlockConfig& config) {
  const int64_t side = config.stride * config.dw_stride;
  return {torch::randn({2, config.in_chs, 2 * side, 3 * side}, torch::kDouble),
          torch::randn({2, config.prefix_tokens + 6, config.embed_dim}, torch::kDouble)};
}

ConvTransBlock random_block(const ConvTransBlockConfig& config) {
  ConvTransBlock block(config);
  block->to(torch::kDouble);
  block->eval();
  randomize(*block);
  return block;
}

std::vector<ConvTransBlockConfig> configs() {
  ConvTransBlockConfig plain{
      .in_chs = 4, .out_chs = 4, .dw_stride = 2, .embed_dim = 6, .num_heads = 2, .mlp_ratio = 2};
  auto strided = plain, last = plain;
  strided.stride = 2;
  strided.out_chs = 8;
  strided.num_med_block = 1;
  last.last_fusion = true;
  last.dw_stride = 1;
  last.prefix_tokens = 0;
  return {plain, strided, last};
}

std::pair<torch::Tensor, torch::Tensor> naive_block(ConvTransBlock& block,
                                                    const ConvTransBlockConfig& config,
                                                    const Inputs& in) {
  const int64_t dw = config.dw_stride, prefix = config.prefix_tokens;
  auto [x, inner] = block->cnn_block->forward(in.map);
  // Every pixel is projected, then averaged over its token's window.
  auto& down = block->squeeze_block;
  auto s = down->conv_project->forward(inner);
  s = torch::avg_pool2d(s, dw, dw).flatten(2).transpose(1, 2);
  s = torch::gelu(down->ln->forward(s));
  auto sum = in.tokens.clone();
  sum.narrow(1, prefix, 6) += s;
  if (prefix == 1) sum.narrow(1, 0, 1) *= 2;
  const auto t = block->trans_block->forward(sum);
  if (block->med_block)
    for (const auto& more : *block->med_block) x = more->as<ConvBlock>()->forward(x).first;
  auto& up = block->expand_block;
  auto guest = torch::zeros({2, config.out_chs / 4, inner.size(2), inner.size(3)}, torch::kDouble);
  const auto grid = t.narrow(1, prefix, 6).transpose(1, 2).reshape({2, -1, 2, 3});
  const auto projected = torch::conv2d(grid, up->conv_project->weight, up->conv_project->bias);
  const auto small = torch::relu(up->bn->forward(projected));
  for (int64_t r = 0; r < guest.size(2); ++r)
    for (int64_t c = 0; c < guest.size(3); ++c)
      guest.select(2, r).select(2, c).copy_(small.select(2, r / dw).select(2, c / dw));
  // The fusion block, step by step.
  auto& f = block->fusion_block;
  auto y = torch::relu(f->bn1->forward(f->conv1->forward(x))) + guest;
  y = torch::relu(f->bn2->forward(f->conv2->forward(y)));
  y = f->bn3->forward(f->conv3->forward(y));
  y = y + (config.last_fusion ? f->residual_bn->forward(f->residual_conv->forward(x)) : x);
  return {torch::relu(y), t};
}

TEST(ConvTransBlockTest, EqualsItsNaiveTwin) {
  torch::manual_seed(1);
  const torch::NoGradGuard no_grad;
  for (const auto& config : configs()) {
    auto block = random_block(config);
    const auto in = random_inputs(config);
    const auto [map, tokens] = naive_block(block, config, in);
    for (const auto format : {at::MemoryFormat::Contiguous, at::MemoryFormat::ChannelsLast}) {
      const auto [x, t] = block->forward(in.map.contiguous(format), in.tokens);
      EXPECT_LT(largest_difference(x, map), 1e-12);
      EXPECT_LT(largest_difference(t, tokens), 1e-12);
    }
  }
}

TEST(ConvTransBlockTest, GradientsAreTheFiniteDifferences) {
  torch::manual_seed(2);
  for (const auto& config : configs()) {
    auto block = random_block(config);
    const auto in = random_inputs(config);
    const auto both = [&](const torch::Tensor& map, const torch::Tensor& tokens) {
      const auto [x, t] = block->forward(map, tokens);
      return torch::cat({x.flatten(), t.flatten()});
    };
    EXPECT_LT(ops::gradient_error([&](const auto& map) { return both(map, in.tokens); }, in.map),
              1e-6);
    EXPECT_LT(
        ops::gradient_error([&](const auto& tokens) { return both(in.map, tokens); }, in.tokens),
        1e-6);
  }
}

TEST(ConvTransBlockTest, CheckpointingGivesTheGradientsOfThePlainCall) {
  const auto run = [](bool enable) {
    torch::manual_seed(3);
    auto config = configs()[1];
    config.proj_drop = config.attn_drop = 0.3;
    auto block = random_block(config);
    block->trans_block->train();
    const auto in = random_inputs(config);
    in.map.requires_grad_();
    in.tokens.requires_grad_();
    const auto [x, t] = runtime::maybe_checkpoint(enable, block, in.map, in.tokens);
    (x.square().sum() + t.pow(3).sum()).backward();
    return std::vector<torch::Tensor>{x.detach(), t.detach(), in.map.grad(), in.tokens.grad(),
                                      block->cnn_block->conv1->weight.grad()};
  };
  const auto plain = run(false), replayed = run(true);
  for (size_t i = 0; i < plain.size(); ++i)
    EXPECT_LT(largest_difference(plain[i], replayed[i]), 1e-10) << i;
}

}  // namespace
}  // namespace braid::nn
