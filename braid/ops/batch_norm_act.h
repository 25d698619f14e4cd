// Batch norm followed by an activation in fewer passes over memory than two operators make.
//
// Forward reads x twice and writes y; backward reads x and dy twice and writes dx: 3 + 5 passes
// where LibTorch's pairs make 6 + 8. Kept for backward: x and two numbers a channel.
#pragma once
#include <string>
#include <vector>

#include "braid/ops/kernels/batch_norm_act_kernels.h"
#include "braid/torch.h"

namespace braid::ops {

struct BatchNormStats {
  torch::Tensor running_mean = {}, running_var = {};  // [C], updated in training; both or none
  bool training = false;                              // by the batch's own mean and variance
  double momentum = 0.1;                              // of the running ones
  double eps = 1e-5;
};

// act((x - mean) / sqrt(variance + eps) * weight + bias): x [B,C,H,W], weight and bias [C].
//
// Fused where is_fused() says so: training, on the CPU, channels-last, float32 or bfloat16 with
// float32 parameters. Else LibTorch's operators compute it. The fused gradient has no gradient of
// its own: asking for one throws.
torch::Tensor batch_norm_act(const torch::Tensor& x, const torch::Tensor& weight,
                             const torch::Tensor& bias, const BatchNormStats& stats,
                             Activation activation);
bool is_fused(const torch::Tensor& x, const torch::Tensor& weight, const torch::Tensor& bias,
              const BatchNormStats& stats);
// The same by LibTorch's operators.
torch::Tensor composed_batch_norm_act(const torch::Tensor& x, const torch::Tensor& weight,
                                      const torch::Tensor& bias, const BatchNormStats& stats,
                                      Activation activation);

}  // namespace braid::ops
