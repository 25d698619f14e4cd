// Numbers brought into another order: panels of products gathered from images, transposing. See
// simd_math.h.
#pragma once
#include "braid/runner/kernels/simd_integer_tiles.h"

namespace braid::runner::RUNNER_ISA {

typedef float Quad __attribute__((vector_size(16)));

// y[c * y_stride + r] = x[r * x_stride + c], of four by four.
static inline void transpose_quads(const float* x, int64_t x_stride, float* y, int64_t y_stride) {
  Quad rows[4], columns[4];
  for (int i = 0; i < 4; ++i) __builtin_memcpy(rows + i, x + i * x_stride, sizeof(Quad));
  const Quad a = __builtin_shufflevector(rows[0], rows[1], 0, 4, 1, 5);
  const Quad b = __builtin_shufflevector(rows[0], rows[1], 2, 6, 3, 7);
  const Quad c = __builtin_shufflevector(rows[2], rows[3], 0, 4, 1, 5);
  const Quad d = __builtin_shufflevector(rows[2], rows[3], 2, 6, 3, 7);
  columns[0] = __builtin_shufflevector(a, c, 0, 1, 4, 5);
  columns[1] = __builtin_shufflevector(a, c, 2, 3, 6, 7);
  columns[2] = __builtin_shufflevector(b, d, 0, 1, 4, 5);
  columns[3] = __builtin_shufflevector(b, d, 2, 3, 6, 7);
  for (int i = 0; i < 4; ++i) __builtin_memcpy(y + i * y_stride, columns + i, sizeof(Quad));
}

static void transpose(const float* x, int64_t x_stride, int64_t rows, int64_t columns, float* y,
                      int64_t y_stride) {
  int64_t r = 0;
  for (; r + 4 <= rows; r += 4) {
    const float* from = x + r * x_stride;
    int64_t c = 0;
    for (; c + 4 <= columns; c += 4)
      transpose_quads(from + c, x_stride, y + c * y_stride + r, y_stride);
    for (; c < columns; ++c)
      for (int i = 0; i < 4; ++i) y[c * y_stride + r + i] = from[i * x_stride + c];
  }
  for (; r < rows; ++r)
    for (int64_t c = 0; c < columns; ++c) y[c * y_stride + r] = x[r * x_stride + c];
}

static void split_pairs(const float* __restrict x, float* __restrict even, float* __restrict odd,
                        int64_t n) {
  const int64_t pairs = n / 2;
  for (int64_t i = 0; i < pairs; ++i) {
    even[i] = x[2 * i];
    odd[i] = x[2 * i + 1];
  }
  if (n % 2 != 0) even[pairs] = x[n - 1];
}

static inline void copy_run(const float* from, float* to, int64_t n) {
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) store(to + i, load(from + i));
  if (i < n) store_some(to + i, load_some(from + i, n - i), n - i);
}

// One run: whole vectors are written. What comes next in each row is asked for meanwhile, since
// rows are far apart and too many for the processor to follow.
template <int kVectors>
static void gather_run(const float* image, const int64_t* rows, int64_t depth, int64_t rest,
                       float* panel) {
  for (int64_t d = 0; d < depth; ++d, panel += kColumns) {
    const float* from = image + rows[d];
    __builtin_prefetch(from + kColumns);
    __builtin_prefetch(from + 2 * kColumns - 1);
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v) store(panel + v * kLanes, load(from + v * kLanes));
    if (rest > 0) store(panel + kVectors * kLanes, load_some(from + kVectors * kLanes, rest));
  }
}
template <int kVectors>
static void gather_run_of(int64_t n, const float* image, const int64_t* rows, int64_t depth,
                          float* panel) {
  if constexpr (kVectors > 0)
    if (n < kVectors * kLanes) return gather_run_of<kVectors - 1>(n, image, rows, depth, panel);
  gather_run<kVectors>(image, rows, depth, n - kVectors * kLanes, panel);
}

static void gather(const float* image, const int64_t* rows, int64_t depth, const Run* runs,
                   int64_t count, float* panel) {
  if (count == 1)
    return gather_run_of<RUNNER_VECTORS>(runs[0].length, image + runs[0].from, rows, depth, panel);
  const int64_t used = runs[count - 1].to + runs[count - 1].length;
  const int64_t rest = (kLanes - used % kLanes) % kLanes;
  for (int64_t d = 0; d < depth; ++d, panel += kColumns) {
    const float* from = image + rows[d];
    for (int64_t r = 0; r < count; ++r)
      copy_run(from + runs[r].from, panel + runs[r].to, runs[r].length);
    if (rest > 0) store_some(panel + used, Floats{}, rest);
  }
}

// Numbers of kGroup rows, which are summed together, side by side.
#if defined(__AVX512VNNI__)
// Bytes of four rows; those of one row that is null are zeros.
static inline __m512i interleave(const uint8_t* const* rows, int64_t at, __mmask16 mask) {
  __m128i bytes[4];
  for (int i = 0; i < 4; ++i)
    bytes[i] = rows[i] == nullptr ? _mm_setzero_si128() : _mm_maskz_loadu_epi8(mask, rows[i] + at);
  const __m128i ab0 = _mm_unpacklo_epi8(bytes[0], bytes[1]);
  const __m128i ab1 = _mm_unpackhi_epi8(bytes[0], bytes[1]);
  const __m128i cd0 = _mm_unpacklo_epi8(bytes[2], bytes[3]);
  const __m128i cd1 = _mm_unpackhi_epi8(bytes[2], bytes[3]);
  __m512i all = _mm512_castsi128_si512(_mm_unpacklo_epi16(ab0, cd0));
  all = _mm512_inserti32x4(all, _mm_unpackhi_epi16(ab0, cd0), 1);
  all = _mm512_inserti32x4(all, _mm_unpacklo_epi16(ab1, cd1), 2);
  return _mm512_inserti32x4(all, _mm_unpackhi_epi16(ab1, cd1), 3);
}
static void gather_bytes(const uint8_t* image, bool is_signed, int32_t, const int64_t* rows,
                         int64_t K, const Run* runs, int64_t count, void* panel) {
  const __m512i flip = _mm512_set1_epi8(static_cast<char>(is_signed ? 0x80 : 0));
  auto* to = static_cast<char*>(panel);
  for (int64_t k = 0; k < K; k += 4, to += 4 * kColumns) {
    int64_t end = 0;
    for (int64_t r = 0; r < count; ++r) {
      const uint8_t* from[4];
      for (int i = 0; i < 4; ++i)
        from[i] = k + i < K ? image + rows[k + i] + runs[r].from : nullptr;
      for (int64_t c = 0; c < runs[r].length; c += 16) {
        const int64_t left = runs[r].length - c;
        const auto mask = static_cast<__mmask16>(left >= 16 ? 0xffff : (1U << left) - 1);
        _mm512_mask_storeu_epi32(to + 4 * (runs[r].to + c), mask,
                                 _mm512_xor_si512(interleave(from, c, mask), flip));
      }
      end = runs[r].to + runs[r].length;
    }
    if (end < kColumns)
      __builtin_memset(to + 4 * end, 0, static_cast<size_t>(4 * (kColumns - end)));
  }
}
#else
template <class Byte>
static void gather_pair(const Byte* __restrict a, const Byte* __restrict b, int16_t zero_point,
                        int16_t* __restrict to, int64_t n) {
  for (int64_t i = 0; i < n; ++i) {
    to[2 * i] = static_cast<int16_t>(a[i] - zero_point);
    to[2 * i + 1] = static_cast<int16_t>(b[i] - zero_point);
  }
}
template <class Byte>
static void gather_typed(const Byte* image, int32_t zero_point, const int64_t* rows, int64_t K,
                         const Run* runs, int64_t count, int16_t* panel) {
  const auto zero = static_cast<int16_t>(zero_point);
  for (int64_t k = 0; k < K; k += 2, panel += 2 * kColumns) {
    const bool alone = k + 1 == K;
    int64_t end = 0;
    for (int64_t r = 0; r < count; ++r) {
      const Byte* a = image + rows[k] + runs[r].from;
      int16_t* to = panel + 2 * runs[r].to;
      gather_pair(a, alone ? a : image + rows[k + 1] + runs[r].from, zero, to, runs[r].length);
      end = runs[r].to + runs[r].length;
    }
    for (int64_t i = 2 * end; i < 2 * kColumns; ++i) panel[i] = 0;
    if (alone)
      for (int64_t i = 1; i < 2 * kColumns; i += 2) panel[i] = 0;
  }
}
static void gather_bytes(const uint8_t* image, bool is_signed, int32_t zero_point,
                         const int64_t* rows, int64_t K, const Run* runs, int64_t count,
                         void* panel) {
  auto* to = static_cast<int16_t*>(panel);
  if (is_signed)
    gather_typed(reinterpret_cast<const int8_t*>(image), zero_point, rows, K, runs, count, to);
  else
    gather_typed(image, zero_point, rows, K, runs, count, to);
}
#endif

}  // namespace braid::runner::RUNNER_ISA
