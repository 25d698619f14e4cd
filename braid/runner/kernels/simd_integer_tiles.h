// Tiles of products of whole numbers. See simd_math.h.
#pragma once
#include "braid/runner/kernels/simd_tiles.h"

#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

namespace braid::runner::RUNNER_ISA {

// Pairs of int16 are multiplied and added to int32, which is exact for int8 and uint8.
constexpr int64_t kGroup = 2;

static inline int32_t pair_at(const int16_t* p) {
  int32_t pair;
  __builtin_memcpy(&pair, p, 4);
  return pair;
}

#if defined(__x86_64__) && RUNNER_LANES == 16
typedef __m512i Pairs;
static inline Pairs load_pairs(const int16_t* p) { return _mm512_loadu_si512(p); }
#if defined(__AVX512VNNI__)
static inline Ints multiply_add(Ints sums, Pairs a, Pairs b) {
  return (Ints)_mm512_dpwssd_epi32((__m512i)sums, a, b);
}
#else
static inline Ints multiply_add(Ints sums, Pairs a, Pairs b) {
  return sums + (Ints)_mm512_madd_epi16(a, b);
}
#endif
static inline Pairs all_pairs(int32_t pair) { return _mm512_set1_epi32(pair); }
#elif defined(__x86_64__) && RUNNER_LANES == 8
typedef __m256i Pairs;
static inline Pairs load_pairs(const int16_t* p) {
  return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
}
static inline Ints multiply_add(Ints sums, Pairs a, Pairs b) {
  return sums + (Ints)_mm256_madd_epi16(a, b);
}
static inline Pairs all_pairs(int32_t pair) { return _mm256_set1_epi32(pair); }
#elif defined(__x86_64__)
typedef __m128i Pairs;
static inline Pairs load_pairs(const int16_t* p) {
  return _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
}
static inline Ints multiply_add(Ints sums, Pairs a, Pairs b) {
  return sums + (Ints)_mm_madd_epi16(a, b);
}
static inline Pairs all_pairs(int32_t pair) { return _mm_set1_epi32(pair); }
#elif defined(__aarch64__)
typedef int16x8_t Pairs;
static inline Pairs load_pairs(const int16_t* p) { return vld1q_s16(p); }
static inline Ints multiply_add(Ints sums, Pairs a, Pairs b) {
  return sums +
         (Ints)vpaddq_s32(vmull_s16(vget_low_s16(a), vget_low_s16(b)), vmull_high_s16(a, b));
}
static inline Pairs all_pairs(int32_t pair) { return vreinterpretq_s16_s32(vdupq_n_s32(pair)); }
#else
struct Pairs {
  int16_t at[2 * RUNNER_LANES];
};
static inline Pairs load_pairs(const int16_t* p) {
  Pairs pairs;
  __builtin_memcpy(&pairs, p, sizeof pairs);
  return pairs;
}
static inline Ints multiply_add(Ints sums, Pairs a, Pairs b) {
  for (int i = 0; i < RUNNER_LANES; ++i)
    sums[i] += a.at[2 * i] * b.at[2 * i] + a.at[2 * i + 1] * b.at[2 * i + 1];
  return sums;
}
static inline Pairs all_pairs(int32_t pair) {
  Pairs pairs;
  for (int i = 0; i < RUNNER_LANES; ++i) __builtin_memcpy(pairs.at + 2 * i, &pair, 4);
  return pairs;
}
#endif

template <int kUsed>
static void integer_tile_of(int64_t depth, const int16_t* a, const int16_t* b, int32_t* c,
                            int64_t ldc) {
  Ints sums[kUsed][RUNNER_VECTORS] = {};
  for (int64_t k = 0; k < depth; k += kGroup, a += kGroup * kRows, b += kGroup * kColumns) {
    Pairs row[RUNNER_VECTORS];
#pragma GCC unroll 4
    for (int v = 0; v < RUNNER_VECTORS; ++v) row[v] = load_pairs(b + v * kGroup * kLanes);
#pragma GCC unroll 16
    for (int r = 0; r < kUsed; ++r) {
      const Pairs left = all_pairs(pair_at(a + r * kGroup));
#pragma GCC unroll 4
      for (int v = 0; v < RUNNER_VECTORS; ++v) sums[r][v] = multiply_add(sums[r][v], left, row[v]);
    }
  }
#pragma GCC unroll 16
  for (int r = 0; r < kUsed; ++r)
#pragma GCC unroll 4
    for (int v = 0; v < RUNNER_VECTORS; ++v)
      __builtin_memcpy(c + r * ldc + v * kLanes, &sums[r][v], sizeof(Ints));
}

template <int kUsed>
static void integer_tile_from(int64_t used, int64_t depth, const void* a, const void* b, int32_t* c,
                              int64_t ldc) {
  if (used == kUsed)
    return integer_tile_of<kUsed>(depth, static_cast<const int16_t*>(a),
                                  static_cast<const int16_t*>(b), c, ldc);
  if constexpr (kUsed > 1) integer_tile_from<kUsed - 1>(used, depth, a, b, c, ldc);
}
static void integer_tile(int64_t used, int64_t depth, const void* a, const void* b, int32_t* c,
                         int64_t ldc) {
  integer_tile_from<RUNNER_ROWS>(used, depth, a, b, c, ldc);
}

}  // namespace braid::runner::RUNNER_ISA
