// Products of pairs of 16-bit whole numbers. See simd_math.h.
#pragma once
#include "braid/runner/kernels/simd_math.h"

#if defined(__aarch64__)
#include <arm_neon.h>
#endif

namespace braid::runner::RUNNER_ISA {

// Lane i of add_products: sums[i] + a[2 i] b[2 i] + a[2 i + 1] b[2 i + 1].
#if defined(__x86_64__) && RUNNER_LANES == 16
typedef __m512i Shorts;
static inline Ints add_products(Ints sums, Shorts a, Shorts b) {
#if defined(__AVX512VNNI__)
  return (Ints)_mm512_dpwssd_epi32((__m512i)sums, a, b);
#else
  return sums + (Ints)_mm512_madd_epi16(a, b);
#endif
}
static inline Shorts all_pairs(int32_t pair) { return _mm512_set1_epi32(pair); }
#elif defined(__x86_64__) && RUNNER_LANES == 8
typedef __m256i Shorts;
static inline Ints add_products(Ints sums, Shorts a, Shorts b) {
  return sums + (Ints)_mm256_madd_epi16(a, b);
}
static inline Shorts all_pairs(int32_t pair) { return _mm256_set1_epi32(pair); }
#elif defined(__x86_64__)
typedef __m128i Shorts;
static inline Ints add_products(Ints sums, Shorts a, Shorts b) {
  return sums + (Ints)_mm_madd_epi16(a, b);
}
static inline Shorts all_pairs(int32_t pair) { return _mm_set1_epi32(pair); }
#elif defined(__aarch64__)
typedef int16x8_t Shorts;
static inline Ints add_products(Ints sums, Shorts a, Shorts b) {
  return sums + (Ints)vpaddq_s32(vmull_s16(vget_low_s16(a), vget_low_s16(b)), vmull_high_s16(a, b));
}
static inline Shorts all_pairs(int32_t pair) { return vreinterpretq_s16_s32(vdupq_n_s32(pair)); }
#else
struct Shorts {
  int16_t at[2 * RUNNER_LANES];
};
static inline Ints add_products(Ints sums, Shorts a, Shorts b) {
  for (int i = 0; i < RUNNER_LANES; ++i)
    sums[i] += a.at[2 * i] * b.at[2 * i] + a.at[2 * i + 1] * b.at[2 * i + 1];
  return sums;
}
static inline Shorts all_pairs(int32_t pair) {
  Shorts pairs;
  for (int i = 0; i < RUNNER_LANES; ++i) __builtin_memcpy(pairs.at + 2 * i, &pair, 4);
  return pairs;
}
#endif
static inline Shorts load_shorts(const void* p) {
  Shorts shorts;
  __builtin_memcpy(&shorts, p, sizeof shorts);
  return shorts;
}
// As many bytes as there are shorts, with their signs.
static inline Shorts widened(const int8_t* p) {
#if defined(__x86_64__) && RUNNER_LANES == 16
  return _mm512_cvtepi8_epi16(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
#elif defined(__x86_64__) && RUNNER_LANES == 8
  return _mm256_cvtepi8_epi16(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
#else
  int16_t wide[2 * RUNNER_LANES];
  for (int i = 0; i < 2 * RUNNER_LANES; ++i) wide[i] = p[i];
  return load_shorts(wide);
#endif
}

}  // namespace braid::runner::RUNNER_ISA
