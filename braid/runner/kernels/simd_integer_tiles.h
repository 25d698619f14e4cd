// Tiles of products of whole numbers. See simd_math.h.
#pragma once
#include "braid/runner/kernels/simd_tiles.h"

#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

namespace braid::runner::RUNNER_ISA {

// Four bytes, a group, are multiplied and added to int32 at once: two int16, which is exact for
// uint8 and int8 less a zero point, or four bytes where there is VNNI.
constexpr int64_t kGroupBytes = 4;
static_assert(kRows <= kMostTileWidth && kColumns <= kMostTileWidth);
static inline int32_t group_at(const char* p) {
  int32_t group;
  __builtin_memcpy(&group, p, 4);
  return group;
}

#if defined(__AVX512VNNI__)
constexpr int64_t kGroup = 4;
typedef __m512i Groups;
static inline Groups load_groups(const char* p) { return _mm512_loadu_si512(p); }
template <bool kLeftIsUnsigned>
static inline Ints multiply_add(Ints sums, Groups a, Groups b) {
  return (Ints)_mm512_dpbusd_epi32((__m512i)sums, kLeftIsUnsigned ? a : b, kLeftIsUnsigned ? b : a);
}
static inline Groups all_groups(int32_t group) { return _mm512_set1_epi32(group); }
#else
constexpr int64_t kGroup = 2;
#if defined(__x86_64__) && RUNNER_LANES == 16
typedef __m512i Groups;
static inline Groups load_groups(const char* p) { return _mm512_loadu_si512(p); }
static inline Ints add_products(Ints sums, Groups a, Groups b) {
  return sums + (Ints)_mm512_madd_epi16(a, b);
}
static inline Groups all_groups(int32_t group) { return _mm512_set1_epi32(group); }
#elif defined(__x86_64__) && RUNNER_LANES == 8
typedef __m256i Groups;
static inline Groups load_groups(const char* p) {
  return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
}
static inline Ints add_products(Ints sums, Groups a, Groups b) {
  return sums + (Ints)_mm256_madd_epi16(a, b);
}
static inline Groups all_groups(int32_t group) { return _mm256_set1_epi32(group); }
#elif defined(__x86_64__)
typedef __m128i Groups;
static inline Groups load_groups(const char* p) {
  return _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
}
static inline Ints add_products(Ints sums, Groups a, Groups b) {
  return sums + (Ints)_mm_madd_epi16(a, b);
}
static inline Groups all_groups(int32_t group) { return _mm_set1_epi32(group); }
#elif defined(__aarch64__)
typedef int16x8_t Groups;
static inline Groups load_groups(const char* p) {
  return vld1q_s16(reinterpret_cast<const int16_t*>(p));
}
static inline Ints add_products(Ints sums, Groups a, Groups b) {
  return sums + (Ints)vpaddq_s32(vmull_s16(vget_low_s16(a), vget_low_s16(b)), vmull_high_s16(a, b));
}
static inline Groups all_groups(int32_t group) { return vreinterpretq_s16_s32(vdupq_n_s32(group)); }
#else
struct Groups {
  int16_t at[2 * RUNNER_LANES];
};
static inline Groups load_groups(const char* p) {
  Groups groups;
  __builtin_memcpy(&groups, p, sizeof groups);
  return groups;
}
static inline Ints add_products(Ints sums, Groups a, Groups b) {
  for (int i = 0; i < RUNNER_LANES; ++i)
    sums[i] += a.at[2 * i] * b.at[2 * i] + a.at[2 * i + 1] * b.at[2 * i + 1];
  return sums;
}
static inline Groups all_groups(int32_t group) {
  Groups groups;
  for (int i = 0; i < RUNNER_LANES; ++i) __builtin_memcpy(groups.at + 2 * i, &group, 4);
  return groups;
}
#endif
template <bool kLeftIsUnsigned>
static inline Ints multiply_add(Ints sums, Groups a, Groups b) {
  return add_products(sums, a, b);
}
#endif

template <int kUsed, bool kLeftIsUnsigned>
static void integer_tile_of(int64_t depth, const char* a, const char* b, int32_t* c, int64_t ldc) {
  Ints sums[kUsed][RUNNER_VECTORS] = {};
  for (int64_t k = 0; k < depth;
       k += kGroup, a += kGroupBytes * kRows, b += kGroupBytes * kColumns) {
    Groups row[RUNNER_VECTORS];
#pragma GCC unroll 4
    for (int v = 0; v < RUNNER_VECTORS; ++v) row[v] = load_groups(b + kGroupBytes * kLanes * v);
#pragma GCC unroll 16
    for (int r = 0; r < kUsed; ++r) {
      const Groups left = all_groups(group_at(a + kGroupBytes * r));
#pragma GCC unroll 4
      for (int v = 0; v < RUNNER_VECTORS; ++v)
        sums[r][v] = multiply_add<kLeftIsUnsigned>(sums[r][v], left, row[v]);
    }
  }
#pragma GCC unroll 16
  for (int r = 0; r < kUsed; ++r)
#pragma GCC unroll 4
    for (int v = 0; v < RUNNER_VECTORS; ++v)
      __builtin_memcpy(c + r * ldc + v * kLanes, &sums[r][v], sizeof(Ints));
}

template <int kUsed, bool kLeftIsUnsigned>
static void integer_tile_from(int64_t used, int64_t depth, const void* a, const void* b, int32_t* c,
                              int64_t ldc) {
  if (used == kUsed)
    return integer_tile_of<kUsed, kLeftIsUnsigned>(depth, static_cast<const char*>(a),
                                                   static_cast<const char*>(b), c, ldc);
  if constexpr (kUsed > 1) integer_tile_from<kUsed - 1, kLeftIsUnsigned>(used, depth, a, b, c, ldc);
}
static void integer_tile(int64_t used, int64_t depth, const void* a, const void* b,
                         bool left_is_unsigned, int32_t* c, int64_t ldc) {
  if (left_is_unsigned && kGroup == 4)
    integer_tile_from<RUNNER_ROWS, true>(used, depth, a, b, c, ldc);
  else
    integer_tile_from<RUNNER_ROWS, false>(used, depth, a, b, c, ldc);
}

}  // namespace braid::runner::RUNNER_ISA
