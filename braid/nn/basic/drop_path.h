// Stochastic depth per sample (https://arxiv.org/abs/1603.09382), timm's DropPath.
#pragma once

#include <vector>

#include "braid/torch.h"

namespace braid::nn {

// x: [B,...], the residual branch. With probability `rate` a sample's branch becomes zero; the
// others are scaled by 1 / (1 - rate). Returns x itself outside training or for rate 0.
torch::Tensor drop_path(const torch::Tensor& x, double rate, bool training);

// Linearly rising rates from 0 to `rate`, one per block.
std::vector<double> drop_path_rates(double rate, int64_t blocks);
// The same over all blocks of several stages, by stage.
std::vector<std::vector<double>> drop_path_rates(double rate, const std::vector<int64_t>& depths);

}  // namespace braid::nn
