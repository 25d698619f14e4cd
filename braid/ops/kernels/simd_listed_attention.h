// Attention of one query over keys that lie anywhere, on vectors, see runner/kernels/simd_math.h:
// compiled with one instruction set each, and therefore without the standard library.
#pragma once
#include "braid/ops/kernels/simd_layer_norm.h"
#include "braid/ops/kernels/simd_shuffles.h"
#include "braid/ops/kernels/token_kernels.h"

namespace braid::ops::RUNNER_ISA {

// scores[head][key] of kLanes keys from `first` on, the last one again for those that are missing.
template <class T>
static inline void listed_scores(ListedShape s, const typename T::Stored* q,
                                 const typename T::Stored* k, const int64_t* places, int64_t first,
                                 float* scores) {
  const typename T::Stored* rows[RUNNER_LANES];
  const int64_t width = s.heads * s.key_dim;
  for (int64_t i = 0; i < kLanes; ++i)
    rows[i] = k + places[first + i < s.keys ? first + i : s.keys - 1] * width;
  for (int64_t head = 0; head < s.heads; ++head) {
    const int64_t begin = head * s.key_dim;
    Floats sums[RUNNER_LANES];
    for (auto& sum : sums) sum = Floats{};
    over_row(s.key_dim, [&](auto span, int64_t j) {
      const Floats query = T::load(q + begin + j, span);
#pragma GCC unroll 16
      for (int i = 0; i < RUNNER_LANES; ++i) sums[i] += query * T::load(rows[i] + begin + j, span);
    });
    runner::RUNNER_ISA::store(scores + head * padded_keys(s.keys) + first, sums_of(sums) * s.scale);
  }
}

// The softmax of a row; what is beyond its numbers becomes zero.
static inline void softmax_row(float* row, int64_t count) {
  for (int64_t i = count; i % kLanes != 0; ++i) row[i] = -__builtin_inff();
  Floats most = runner::RUNNER_ISA::load(row);
  for (int64_t i = kLanes; i < count; i += kLanes)
    most = runner::RUNNER_ISA::largest(most, runner::RUNNER_ISA::load(row + i));
  const float top = runner::RUNNER_ISA::largest_of(most);
  Floats sum = {};
  for (int64_t i = 0; i < count; i += kLanes) {
    const Floats below = runner::RUNNER_ISA::load(row + i) - top;
    const Floats e = below < -87.0f ? Floats{} : runner::RUNNER_ISA::exponential(below);
    runner::RUNNER_ISA::store(row + i, e);
    sum += e;
  }
  const float share = 1.0f / sum_of(sum);
  for (int64_t i = 0; i < count; i += kLanes)
    runner::RUNNER_ISA::store(row + i, runner::RUNNER_ISA::load(row + i) * share);
}

// V vectors of a head's values.
template <class T, int V>
static inline void listed_values(ListedShape s, const float* weights, const typename T::Stored* v,
                                 const int64_t* places, typename T::Stored* y) {
  Floats sums[V] = {};
  for (int64_t i = 0; i < s.keys; ++i) {
    const auto* row = v + places[i] * s.heads * s.value_dim;
#pragma GCC unroll 4
    for (int j = 0; j < V; ++j) sums[j] += T::load(row + j * kLanes, Whole{}) * weights[i];
  }
  for (int j = 0; j < V; ++j) T::store(y + j * kLanes, sums[j], Whole{});
}

template <class T>
static void listed_attention_of(ListedShape s, const void* queries, const void* keys,
                                const void* values, const int64_t* places, void* to,
                                float* scores) {
  const auto* q = static_cast<const typename T::Stored*>(queries);
  const auto* k = static_cast<const typename T::Stored*>(keys);
  const auto* v = static_cast<const typename T::Stored*>(values);
  auto* y = static_cast<typename T::Stored*>(to);
  for (int64_t first = 0; first < s.keys; first += kLanes)
    listed_scores<T>(s, q, k, places, first, scores);
  for (int64_t head = 0; head < s.heads; ++head) {
    float* const weights = scores + head * padded_keys(s.keys);
    softmax_row(weights, s.keys);
    const int64_t width = s.heads * s.value_dim;
    int64_t j = head * s.value_dim;
    const int64_t end = j + s.value_dim;
    for (; j + 4 * kLanes <= end; j += 4 * kLanes)
      listed_values<T, 4>(s, weights, v + j, places, y + j);
    for (; j + kLanes <= end; j += kLanes) listed_values<T, 1>(s, weights, v + j, places, y + j);
    if (j == end) continue;
    Floats sum = {};
    const Part rest{end - j};
    for (int64_t i = 0; i < s.keys; ++i)
      sum += T::load(v + places[i] * width + j, rest) * weights[i];
    T::store(y + j, sum, rest);
  }
}
static void listed_attention(ListedShape shape, const void* q, const void* k, const void* v,
                             const int64_t* places, void* y, float* scratch) {
  (shape.bfloat16 ? listed_attention_of<BFloat16>
                  : listed_attention_of<Float32>)(shape, q, k, v, places, y, scratch);
}

}  // namespace braid::ops::RUNNER_ISA
