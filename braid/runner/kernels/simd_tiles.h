// Tiles of matrix products and sums over taps. See simd_math.h.
#pragma once
#include "braid/runner/kernels/kernels.h"
#include "braid/runner/kernels/simd_rows.h"

#ifndef RUNNER_ROWS  // the header by itself
#define RUNNER_ROWS 4
#define RUNNER_VECTORS 2
#endif

namespace braid::runner::RUNNER_ISA {

constexpr int64_t kRows = RUNNER_ROWS, kColumns = RUNNER_VECTORS * kLanes;
// With 16 registers of four numbers, sums would leave them for what follows.
#if RUNNER_LANES > 4 || defined(__aarch64__)
constexpr bool kFinishesInRegisters = true;
#else
constexpr bool kFinishesInRegisters = false;
#endif

// Sums with what follows them, of a tile as tile_of's.
template <int kUsed, int kVectors>
static inline __attribute__((always_inline)) void store_finished(const Floats (*sums)[kVectors],
                                                                 float* c, int64_t ldc, bool add,
                                                                 int64_t last,
                                                                 const TileFinish& f) {
  const Floats low = all(f.low), high = all(f.high);
  Floats columns[kVectors] = {};
  if (f.column_bias != nullptr) {
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v)
      columns[v] = v == kVectors - 1 && last < kLanes ? load_some(f.column_bias + v * kLanes, last)
                                                      : load(f.column_bias + v * kLanes);
  }
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

// Of one column, whose sums are of a row each. finish: its lists begin at this column.
static inline void store_column(const float* sums, int64_t used, float* c, int64_t ldc, bool add,
                                const TileFinish* finish) {
  for (int64_t r = 0; r < used; ++r) {
    float sum = sums[r];
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
static inline TileFinish from_column(const TileFinish* finish, int64_t column) {
  TileFinish one;
  if (finish == nullptr) return one;
  one = *finish;
  if (one.column_bias != nullptr) one.column_bias += column;
  if (one.residual != nullptr) one.residual += column;
  return one;
}

constexpr int64_t kRowVectors = (kRows + kLanes - 1) / kLanes;  // that hold a number of each row

// The sums stay in registers: both inner loops are unrolled. A pointer for every third row and one
// stride address all of them. last: numbers of the last vector that are written. kHasColumn: there
// is one column more behind the vectors, of which the rows are the vector; a is a panel then.
template <int kUsed, int kVectors, bool kHasColumn>
static void tile_of(int64_t depth, const Matrix& a, const float* b, float* c, int64_t ldc, bool add,
                    int64_t last, const TileFinish* finish) {
  constexpr int kThirds = (kUsed + 2) / 3;
  const int64_t step = a.column_stride, row_stride = a.row_stride;
  const float* rows[kThirds];
  for (int i = 0; i < kThirds; ++i) rows[i] = a.data + row_stride * 3 * i;
  Floats sums[kUsed][kVectors] = {}, column[kRowVectors] = {};
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
    if constexpr (kHasColumn) {
#pragma GCC unroll 4
      for (int v = 0; v < kRowVectors; ++v)
        column[v] += load(rows[0] + v * kLanes) * b[kVectors * kLanes];
    }
#pragma GCC unroll 16
    for (int i = 0; i < kThirds; ++i) rows[i] += step;
  }
  if constexpr (kHasColumn) {
    const TileFinish one = from_column(finish, kVectors * kLanes);
    float numbers[kRowVectors * kLanes];
    for (int v = 0; v < kRowVectors; ++v) store(numbers + v * kLanes, column[v]);
    store_column(numbers, kUsed, c + kVectors * kLanes, ldc, add,
                 finish == nullptr ? nullptr : &one);
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

template <int kUsed, int kVectors, bool kHasColumn>
static void tile_from(int64_t used, int64_t vectors, int64_t depth, const Matrix& a, const float* b,
                      float* c, int64_t ldc, bool add, int64_t last, const TileFinish* finish) {
  if constexpr (kUsed > 1)
    if (used < kUsed)
      return tile_from<kUsed - 1, kVectors, kHasColumn>(used, vectors, depth, a, b, c, ldc, add,
                                                        last, finish);
  if constexpr (kVectors > 1)
    if (vectors < kVectors)
      return tile_from<kUsed, kVectors - 1, kHasColumn>(used, vectors, depth, a, b, c, ldc, add,
                                                        last, finish);
  tile_of<kUsed, kVectors, kHasColumn>(depth, a, b, c, ldc, add, last, finish);
}

// One column, where a vector of columns would be mostly idle: the rows are the vector. a: of a
// panel. finish: its lists begin at this column.
static void tile_column(int64_t used, int64_t depth, const float* a, const float* b, float* c,
                        int64_t ldc, bool add, const TileFinish* finish) {
  constexpr int kAtOnce = 4;  // sums that do not wait for each other
  static_assert((kRowVectors * kLanes - kRows) * 4 <= kSlackBytes);
  Floats sums[kAtOnce][kRowVectors] = {};
  int64_t k = 0;
  for (; k + kAtOnce <= depth; k += kAtOnce)
#pragma GCC unroll 4
    for (int i = 0; i < kAtOnce; ++i)
#pragma GCC unroll 4
      for (int64_t v = 0; v < kRowVectors; ++v)
        sums[i][v] += load(a + (k + i) * kRows + v * kLanes) * b[(k + i) * kColumns];
  for (; k < depth; ++k)
    for (int64_t v = 0; v < kRowVectors; ++v)
      sums[0][v] += load(a + k * kRows + v * kLanes) * b[k * kColumns];
  float numbers[kRowVectors * kLanes];
  for (int64_t v = 0; v < kRowVectors; ++v)
    store(numbers + v * kLanes, sums[0][v] + sums[1][v] + (sums[2][v] + sums[3][v]));
  store_column(numbers, used, c, ldc, add, finish);
}

static void tile(int64_t used, int64_t columns, int64_t depth, const Matrix& a, const float* b,
                 float* c, int64_t ldc, bool add, const TileFinish* what) {
  const TileFinish* finish = kFinishesInRegisters ? what : nullptr;
  constexpr int64_t kFew = kLanes / 5;
  const int64_t few = a.is_panel && columns % kLanes <= kFew ? columns % kLanes : 0;
  const int64_t wide = columns - few;
  const int64_t vectors = (wide + kLanes - 1) / kLanes;
  if constexpr (RUNNER_VECTORS > 1 && kFew > 0)
    if (few == 1 && vectors > 0)
      return tile_from<RUNNER_ROWS, RUNNER_VECTORS - 1, true>(used, vectors, depth, a, b, c, ldc,
                                                              add, kLanes, finish);
  if (vectors > 0)
    tile_from<RUNNER_ROWS, RUNNER_VECTORS, false>(used, vectors, depth, a, b, c, ldc, add,
                                                  wide - (vectors - 1) * kLanes, finish);
  for (int64_t i = wide; i < columns; ++i) {
    const TileFinish one = from_column(finish, i);
    tile_column(used, depth, a.data, b + i, c + i, ldc, add, finish == nullptr ? nullptr : &one);
  }
  if (finish == what) return;
  RUNNER_ISA::finish(c, ldc, c, ldc, used, columns,
                     {.row_bias = what->row_bias,
                      .column_bias = what->column_bias,
                      .residual = what->residual,
                      .activation = {Function::kClip, what->low, what->high}});
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
