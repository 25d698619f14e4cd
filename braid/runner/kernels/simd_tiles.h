// Tiles of matrix products and sums over taps. See simd_math.h.
#pragma once
#include "braid/runner/kernels/kernels.h"
#include "braid/runner/kernels/simd_math.h"

#ifndef RUNNER_ROWS  // the header by itself
#define RUNNER_ROWS 4
#define RUNNER_VECTORS 2
#endif

namespace braid::runner::RUNNER_ISA {

constexpr int64_t kRows = RUNNER_ROWS, kColumns = RUNNER_VECTORS * kLanes;

// Sums with what follows them, of a tile as tile_of's.
template <int kUsed, int kVectors>
static inline __attribute__((always_inline)) void store_finished(const Floats (*sums)[kVectors],
                                                                 float* c, int64_t ldc, bool add,
                                                                 int64_t last,
                                                                 const TileFinish& f) {
  const Floats low = all(f.low), high = all(f.high);
  Floats columns[kVectors] = {};
  if (f.column_bias != nullptr)
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v)
      columns[v] = v == kVectors - 1 && last < kLanes ? load_some(f.column_bias + v * kLanes, last)
                                                      : load(f.column_bias + v * kLanes);
#pragma GCC unroll 16
  for (int r = 0; r < kUsed; ++r) {
    const float bias = f.row_bias == nullptr ? 0 : f.row_bias[r];
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v) {
      const int64_t at = r * ldc + v * kLanes;
      const bool some = v == kVectors - 1 && last < kLanes;
      Floats sum = sums[r][v];
      if (add) sum += some ? load_some(c + at, last) : load(c + at);
      sum += bias + columns[v];
      if (f.residual != nullptr)
        sum += some ? load_some(f.residual + at, last) : load(f.residual + at);
      sum = smallest(high, largest(low, sum));
      if (some)
        store_some(c + at, sum, last);
      else
        store(c + at, sum);
    }
  }
}

// The sums stay in registers: both inner loops are unrolled. A pointer for every third row and one
// stride address all of them. last: numbers of the last vector that are written.
template <int kUsed, int kVectors>
static void tile_of(int64_t depth, const Matrix& a, const float* b, float* c, int64_t ldc, bool add,
                    int64_t last, const TileFinish* finish) {
  constexpr int kThirds = (kUsed + 2) / 3;
  const int64_t step = a.column_stride, row_stride = a.row_stride;
  const float* rows[kThirds];
  for (int i = 0; i < kThirds; ++i) rows[i] = a.data + row_stride * 3 * i;
  Floats sums[kUsed][kVectors] = {};
  for (int64_t k = 0; k < depth; ++k, b += kColumns) {
    __builtin_prefetch(rows[0] + kRows * depth);  // the rows that come next, where a is packed
    Floats row[kVectors];
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v) row[v] = load(b + v * kLanes);
#pragma GCC unroll 16
    for (int r = 0; r < kUsed; ++r) {
      const float left = rows[r / 3][r % 3 * row_stride];
#pragma GCC unroll 4
      for (int v = 0; v < kVectors; ++v) sums[r][v] += left * row[v];
    }
#pragma GCC unroll 16
    for (int i = 0; i < kThirds; ++i) rows[i] += step;
  }
  if (finish != nullptr) return store_finished<kUsed, kVectors>(sums, c, ldc, add, last, *finish);
#pragma GCC unroll 16
  for (int r = 0; r < kUsed; ++r)
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v) {
      float* at = c + r * ldc + v * kLanes;
      if (v == kVectors - 1 && last < kLanes)
        store_some(at, add ? load_some(at, last) + sums[r][v] : sums[r][v], last);
      else
        store(at, add ? load(at) + sums[r][v] : sums[r][v]);
    }
}

template <int kUsed, int kVectors>
static void tile_from(int64_t used, int64_t vectors, int64_t depth, const Matrix& a, const float* b,
                      float* c, int64_t ldc, bool add, int64_t last, const TileFinish* finish) {
  if constexpr (kUsed > 1)
    if (used < kUsed)
      return tile_from<kUsed - 1, kVectors>(used, vectors, depth, a, b, c, ldc, add, last, finish);
  if constexpr (kVectors > 1)
    if (vectors < kVectors)
      return tile_from<kUsed, kVectors - 1>(used, vectors, depth, a, b, c, ldc, add, last, finish);
  tile_of<kUsed, kVectors>(depth, a, b, c, ldc, add, last, finish);
}

// One column, where a vector of columns would be mostly idle: the rows are the vector. a: of a
// panel.
// finish: its lists begin at this column.
static void tile_column(int64_t used, int64_t depth, const float* a, const float* b, float* c,
                        int64_t ldc, bool add, const TileFinish* finish) {
  constexpr int kAtOnce = 4;  // sums that do not wait for each other
  constexpr int64_t kVectors = (kRows + kLanes - 1) / kLanes;
  static_assert((kVectors * kLanes - kRows) * 4 <= kSlackBytes);
  Floats sums[kAtOnce][kVectors] = {};
  int64_t k = 0;
  for (; k + kAtOnce <= depth; k += kAtOnce)
#pragma GCC unroll 4
    for (int i = 0; i < kAtOnce; ++i)
#pragma GCC unroll 4
      for (int64_t v = 0; v < kVectors; ++v)
        sums[i][v] += load(a + (k + i) * kRows + v * kLanes) * b[(k + i) * kColumns];
  for (; k < depth; ++k)
    for (int64_t v = 0; v < kVectors; ++v)
      sums[0][v] += load(a + k * kRows + v * kLanes) * b[k * kColumns];
  for (int64_t r = 0; r < used; ++r) {
    const int64_t v = r / kLanes, at = r % kLanes;
    float sum = sums[0][v][at] + sums[1][v][at] + (sums[2][v][at] + sums[3][v][at]);
    if (add) sum += c[r * ldc];
    if (finish != nullptr) {
      sum += (finish->row_bias == nullptr ? 0 : finish->row_bias[r]) +
             (finish->column_bias == nullptr ? 0 : *finish->column_bias);
      if (finish->residual != nullptr) sum += finish->residual[r * ldc];
      sum = sum < finish->low ? finish->low : sum;
      sum = sum > finish->high ? finish->high : sum;
    }
    c[r * ldc] = sum;
  }
}

static void tile(int64_t used, int64_t columns, int64_t depth, const Matrix& a, const float* b,
                 float* c, int64_t ldc, bool add, const TileFinish* finish) {
  constexpr int64_t kFew = kLanes / 5;
  const int64_t few = a.is_panel && columns % kLanes <= kFew ? columns % kLanes : 0;
  const int64_t wide = columns - few;
  const int64_t vectors = (wide + kLanes - 1) / kLanes;
  if (vectors > 0)
    tile_from<RUNNER_ROWS, RUNNER_VECTORS>(used, vectors, depth, a, b, c, ldc, add,
                                           wide - (vectors - 1) * kLanes, finish);
  if (few == 0) return;
  TileFinish one;
  if (finish != nullptr) one = *finish;
  for (int64_t i = wide; i < columns; ++i) {
    if (finish != nullptr) {
      one.column_bias = finish->column_bias == nullptr ? nullptr : finish->column_bias + i;
      one.residual = finish->residual == nullptr ? nullptr : finish->residual + i;
    }
    tile_column(used, depth, a.data, b + i, c + i, ldc, add, finish == nullptr ? nullptr : &one);
  }
}

static void taps(const float* x, const int64_t* offsets, const float* weights, int64_t count,
                 float* out, int64_t n) {
  constexpr int kAtOnce = 4;  // sums that do not wait for each other
  static_assert(kAtOnce * kLanes <= kSlack);
  for (int64_t i = 0; i < n; i += kAtOnce * kLanes) {
    Floats sums[kAtOnce] = {};
    for (int64_t t = 0; t < count; ++t) {
      const float* from = x + offsets[t] + i;
#pragma GCC unroll 4
      for (int v = 0; v < kAtOnce; ++v) sums[v] += weights[t] * load(from + v * kLanes);
    }
#pragma GCC unroll 4
    for (int v = 0; v < kAtOnce; ++v) store(out + i + v * kLanes, sums[v]);
  }
}

}  // namespace braid::runner::RUNNER_ISA
