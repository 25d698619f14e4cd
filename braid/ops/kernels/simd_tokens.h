// The table of the loops of Transformer blocks.
#pragma once
#include "braid/ops/kernels/simd_bias_gelu.h"
#include "braid/ops/kernels/simd_cross_entropy.h"
#include "braid/ops/kernels/simd_dropout.h"
#include "braid/ops/kernels/simd_few_rows.h"
#include "braid/ops/kernels/simd_int8_rows.h"
#include "braid/ops/kernels/simd_layer_norm.h"
#include "braid/ops/kernels/simd_listed_attention.h"
#include "braid/ops/kernels/simd_short_attention.h"

namespace braid::ops::RUNNER_ISA {

// name: for people, and that of the runner's kernels for the same processors.
static constexpr TokenKernels make_tokens(const char* name) {
  return {.name = name,
          .layer_norm = layer_norm,
          .layer_norm_backward = layer_norm_backward,
          .column_sums = column_sums,
          .bias_gelu = bias_gelu,
          .bias_gelu_backward = bias_gelu_backward,
          .dropout = dropout,
          .logit_sums = logit_sums,
          .logit_gradient = logit_gradient,
          .attention = attention,
          .few_rows = few_rows,
          .int8_rows = int8_rows,
          .to_shorts = to_shorts,
          .listed_attention = listed_attention,
          .shift = shift,
          .attention_backward = attention_backward};
}

}  // namespace braid::ops::RUNNER_ISA
