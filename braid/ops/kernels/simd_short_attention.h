// Attention of one head whose scores fit the nearest caches, on vectors, see
// runner/kernels/simd_math.h: compiled with one instruction set each, and therefore without the
// standard library.
//
// Scores lie transposed, [keys, queries]: the softmax then goes down columns, and needs nothing
// across the lanes of a vector. All is computed in float32.
#pragma once
#include "braid/ops/kernels/simd_shuffles.h"
#include "braid/ops/kernels/token_kernels.h"

namespace braid::ops::RUNNER_ISA {

using runner::RUNNER_ISA::exponential;
using runner::RUNNER_ISA::largest;

static inline int64_t padded(int64_t n) { return (n + kLanes - 1) / kLanes * kLanes; }

// The numbers of a matrix that is multiplied from the left: at row * of_row + k * of_k.
struct Left {
  const float* first;
  int64_t of_row, of_k;
};

// R rows and V vectors of a product: store(row, vector, value).
template <int R, int V, class Store>
static inline void product_tile(Left a, const float* b, int64_t b_stride, int64_t k, Store store) {
  Floats sums[R][V] = {};
  const float* from = a.first;
  for (int64_t i = 0; i < k; ++i, from += a.of_k, b += b_stride) {
    Floats right[V];
#pragma GCC unroll 4
    for (int v = 0; v < V; ++v) right[v] = runner::RUNNER_ISA::load(b + v * kLanes);
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r) {
      const float left = from[r * a.of_row];
#pragma GCC unroll 4
      for (int v = 0; v < V; ++v) sums[r][v] += right[v] * left;
    }
  }
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r)
#pragma GCC unroll 4
    for (int v = 0; v < V; ++v) store(r, v, sums[r][v]);
}
template <int R, class Store>
static inline void product_rows(Left a, const float* b, int64_t b_stride, int64_t k,
                                int64_t columns, int64_t row, Store store) {
  a.first += row * a.of_row;
  int64_t j = 0;
  for (; j + 2 * kLanes <= columns; j += 2 * kLanes)
    product_tile<R, 2>(a, b + j, b_stride, k,
                       [&](int r, int v, Floats sum) { store(row + r, j + v * kLanes, sum); });
  if (j < columns)
    product_tile<R, 1>(a, b + j, b_stride, k,
                       [&](int r, int, Floats sum) { store(row + r, j, sum); });
}
// store(row, column, vector) of a * b: b is [k, columns], columns a multiple of kLanes.
template <class Store>
static inline void product(Left a, const float* b, int64_t b_stride, int64_t rows, int64_t k,
                           int64_t columns, Store store) {
  constexpr int kRows = RUNNER_LANES == 16 ? 8 : 4;
  int64_t row = 0;
  for (; row + kRows <= rows; row += kRows)
    product_rows<kRows>(a, b, b_stride, k, columns, row, store);
  if (kRows == 8 && row + 4 <= rows) {
    product_rows<4>(a, b, b_stride, k, columns, row, store);
    row += 4;
  }
  for (; row < rows; ++row) product_rows<1>(a, b, b_stride, k, columns, row, store);
}

// A row's vectors, the last one of which may be a part of one.
template <class T>
static inline void store_row(typename T::Stored* row, int64_t width, int64_t j, Floats v) {
  if (j + kLanes <= width)
    T::store(row + j, v, Whole{});
  else
    T::store(row + j, v, Part{width - j});
}
template <class T>
static inline Floats load_row(const typename T::Stored* row, int64_t width, int64_t j) {
  return j + kLanes <= width ? T::load(row + j, Whole{}) : T::load(row + j, Part{width - j});
}

// [rows, width] of float32, each row padded with zeros.
template <class T>
static inline void widen_rows(HeadRows from, int64_t rows, int64_t width, float* to) {
  const int64_t stride = padded(width);
  for (int64_t row = 0; row < rows; ++row)
    for (int64_t j = 0; j < stride; j += kLanes)
      runner::RUNNER_ISA::store(
          to + row * stride + j,
          load_row<T>(static_cast<const typename T::Stored*>(from.first) + row * from.stride, width,
                      j));
}
// [width, rows] of float32 times `scale`, each row padded with zeros; room for a multiple of kLanes
// rows.
template <class T>
static inline void turn_rows(HeadRows from, int64_t rows, int64_t width, float scale, float* to) {
  const int64_t stride = padded(rows);
  for (int64_t row = 0; row < rows; row += kLanes)
    for (int64_t j = 0; j < width; j += kLanes) {
      Floats square[kLanes];
      for (int64_t i = 0; i < kLanes; ++i)
        square[i] = row + i < rows
                        ? scale * load_row<T>(static_cast<const typename T::Stored*>(from.first) +
                                                  (row + i) * from.stride,
                                              width, j)
                        : Floats{};
      turn(square);
      for (int64_t i = 0; i < kLanes; ++i)
        runner::RUNNER_ISA::store(to + (j + i) * stride + row, square[i]);
    }
}

// Softmax down the columns of [keys, columns].
static inline void softmax_down(float* scores, int64_t keys, int64_t columns) {
  for (int64_t j = 0; j < columns; j += kLanes) {
    Floats most = runner::RUNNER_ISA::load(scores + j);
    for (int64_t i = 1; i < keys; ++i)
      most = largest(most, runner::RUNNER_ISA::load(scores + i * columns + j));
    Floats sum = {};
    for (int64_t i = 0; i < keys; ++i) {
      const Floats below = runner::RUNNER_ISA::load(scores + i * columns + j) - most;
      const Floats e = below < -87.0f ? Floats{} : exponential(below);
      runner::RUNNER_ISA::store(scores + i * columns + j, e);
      sum += e;
    }
    const Floats share = 1.0f / sum;
    for (int64_t i = 0; i < keys; ++i)
      runner::RUNNER_ISA::store(scores + i * columns + j,
                                runner::RUNNER_ISA::load(scores + i * columns + j) * share);
  }
}

template <class T>
static void attention_of(HeadShape s, HeadRows q, HeadRows k, HeadRows v, const float* bias,
                         HeadRowsOut y, void* kept, float* scratch) {
  const int64_t N = s.queries, M = s.keys, d = s.key_dim, e = s.value_dim;
  const int64_t columns = padded(N);
  float* const scores = scratch;                      // [M,columns]
  float* const queries = scores + M * columns;        // [d,columns]
  float* const keys = queries + padded(d) * columns;  // [M,d]
  float* const values = keys + M * padded(d);         // [M,e]
  turn_rows<T>(q, N, d, s.scale, queries);
  widen_rows<T>(k, M, d, keys);
  widen_rows<T>(v, M, e, values);
  product({keys, padded(d), 1}, queries, columns, M, d, columns,
          [&](int64_t row, int64_t j, Floats sum) {
            if (bias != nullptr) sum += load_row<Float32>(bias + row * N, N, j);
            runner::RUNNER_ISA::store(scores + row * columns + j, sum);
          });
  softmax_down(scores, M, columns);
  auto* weights = static_cast<typename T::Stored*>(kept);
  for (int64_t row = 0; row < M; ++row)
    for (int64_t j = 0; j < columns; j += kLanes)
      T::store(weights + row * padded_queries(N) + j,
               runner::RUNNER_ISA::load(scores + row * columns + j), Whole{});
  auto* out = static_cast<typename T::Stored*>(y.first);
  product(
      {scores, 1, columns}, values, padded(e), N, M, padded(e),
      [&](int64_t row, int64_t j, Floats sum) { store_row<T>(out + row * y.stride, e, j, sum); });
}
static void attention(HeadShape shape, HeadRows q, HeadRows k, HeadRows v, const float* bias,
                      HeadRowsOut y, void* weights, float* scratch) {
  (shape.bfloat16 ? attention_of<BFloat16> : attention_of<Float32>)(shape, q, k, v, bias, y,
                                                                    weights, scratch);
}

template <class T>
static void attention_gradient(HeadShape s, HeadRows dy, HeadRows q, HeadRows k, HeadRows v,
                               const void* kept, HeadRowsOut dq, HeadRowsOut dk, HeadRowsOut dv,
                               float* dbias, float* scratch) {
  const int64_t N = s.queries, M = s.keys, d = s.key_dim, e = s.value_dim;
  const int64_t columns = padded(N);
  float* const weights = scratch;                     // [M,columns]
  float* const scores = weights + M * columns;        // [M,columns], their gradient
  float* const given = scores + M * columns;          // [e,columns], dy turned
  float* const matrix = given + padded(e) * columns;  // [M or N, d or e], one after another
  const auto* stored = static_cast<const typename T::Stored*>(kept);
  for (int64_t row = 0; row < M; ++row)
    for (int64_t j = 0; j < columns; j += kLanes)
      runner::RUNNER_ISA::store(weights + row * columns + j,
                                T::load(stored + row * padded_queries(N) + j, Whole{}));
  widen_rows<T>(dy, N, e, matrix);
  auto* out = static_cast<typename T::Stored*>(dv.first);
  product(
      {weights, columns, 1}, matrix, padded(e), M, N, padded(e),
      [&](int64_t row, int64_t j, Floats sum) { store_row<T>(out + row * dv.stride, e, j, sum); });
  turn_rows<T>(dy, N, e, 1.0f, given);
  widen_rows<T>(v, M, e, matrix);
  product({matrix, padded(e), 1}, given, columns, M, e, columns,
          [&](int64_t row, int64_t j, Floats sum) {
            runner::RUNNER_ISA::store(scores + row * columns + j, sum);
          });
  for (int64_t j = 0; j < columns; j += kLanes) {
    Floats sum = {};
    for (int64_t i = 0; i < M; ++i)
      sum += runner::RUNNER_ISA::load(weights + i * columns + j) *
             runner::RUNNER_ISA::load(scores + i * columns + j);
    for (int64_t i = 0; i < M; ++i) {
      const Floats g = runner::RUNNER_ISA::load(weights + i * columns + j) *
                       (runner::RUNNER_ISA::load(scores + i * columns + j) - sum);
      if (dbias != nullptr)
        store_row<Float32>(dbias + i * N, N, j, load_row<Float32>(dbias + i * N, N, j) + g);
      runner::RUNNER_ISA::store(scores + i * columns + j, g * s.scale);
    }
  }
  widen_rows<T>(k, M, d, matrix);
  out = static_cast<typename T::Stored*>(dq.first);
  product(
      {scores, 1, columns}, matrix, padded(d), N, M, padded(d),
      [&](int64_t row, int64_t j, Floats sum) { store_row<T>(out + row * dq.stride, d, j, sum); });
  widen_rows<T>(q, N, d, matrix);
  out = static_cast<typename T::Stored*>(dk.first);
  product(
      {scores, columns, 1}, matrix, padded(d), M, N, padded(d),
      [&](int64_t row, int64_t j, Floats sum) { store_row<T>(out + row * dk.stride, d, j, sum); });
}
static void attention_backward(HeadShape shape, HeadRows dy, HeadRows q, HeadRows k, HeadRows v,
                               const void* weights, HeadRowsOut dq, HeadRowsOut dk, HeadRowsOut dv,
                               float* dbias, float* scratch) {
  (shape.bfloat16 ? attention_gradient<BFloat16> : attention_gradient<Float32>)(shape, dy, q, k, v,
                                                                                weights, dq, dk, dv,
                                                                                dbias, scratch);
}

}  // namespace braid::ops::RUNNER_ISA
