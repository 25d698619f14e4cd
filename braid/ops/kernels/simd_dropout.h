// The loops of dropout on vectors, see runner/kernels/simd_math.h: compiled with one instruction
// set each, and therefore without the standard library.
#pragma once
#include "braid/ops/kernels/simd_layer_norm.h"

namespace braid::ops::RUNNER_ISA {

static inline Words consecutive_words(uint32_t first) {
  Words v;
  for (int i = 0; i < RUNNER_LANES; ++i) v[i] = first + static_cast<uint32_t>(i);
  return v;
}

template <class In, class Out>
static void drop_some(const void* residual, const void* from, void* to, DropNumbers numbers,
                      DropRule rule) {
  const auto* x = static_cast<const typename In::Stored*>(from);
  const auto* beside = static_cast<const typename Out::Stored*>(residual);
  auto* y = static_cast<typename Out::Stored*>(to);
  over_row(numbers.count, [&](auto span, int64_t j) {
    const auto at = static_cast<uint64_t>(numbers.first + j);
    const Words hash = dropout_hash(consecutive_words(static_cast<uint32_t>(at)),
                                    dropout_key(at, rule), rule.keys[1]);
    const auto kept = hash >= rule.threshold;
    Floats v = kept ? In::load(x + j, span) * rule.scale : Floats{};
    if (beside) v += Out::load(beside + j, span);
    Out::store(y + j, v, span);
  });
}
static void dropout(const void* residual, const void* x, void* y, DropNumbers numbers,
                    DropRule rule) {
  constexpr void (*kLoops[])(const void*, const void*, void*, DropNumbers, DropRule) = {
      drop_some<Float32, Float32>, drop_some<Float32, BFloat16>, drop_some<BFloat16, Float32>,
      drop_some<BFloat16, BFloat16>};
  kLoops[2 * numbers.x_bfloat16 + numbers.y_bfloat16](residual, x, y, numbers, rule);
}

}  // namespace braid::ops::RUNNER_ISA
