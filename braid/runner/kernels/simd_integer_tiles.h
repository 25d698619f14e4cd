// Tiles of products of whole numbers. See simd_math.h.
#pragma once
#include "braid/runner/kernels/simd_shorts.h"
#include "braid/runner/kernels/simd_tiles.h"

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
using Groups = Shorts;
static inline Groups load_groups(const char* p) { return load_shorts(p); }
static inline Groups all_groups(int32_t group) { return all_pairs(group); }
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
