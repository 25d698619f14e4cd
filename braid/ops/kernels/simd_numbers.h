// How numbers lie in memory, as vectors of float32: see runner/kernels/simd_math.h.
#pragma once
#include <stddef.h>
#include <stdint.h>

#include "braid/runner/kernels/simd_math.h"
#if defined(__AVX2__)
#include <immintrin.h>
#endif

namespace braid::ops::RUNNER_ISA {

using runner::RUNNER_ISA::Floats;
using runner::RUNNER_ISA::kLanes;

typedef uint16_t Halves __attribute__((vector_size(RUNNER_LANES * 2)));
typedef uint32_t Words __attribute__((vector_size(RUNNER_LANES * 4)));

// A whole vector, or the n numbers that are left of a row.
struct Whole {};
struct Part {
  int64_t n;
};

// Half a vector is what most rows leave, and needs no call.
template <class Vector>
static inline void copy_some(void* to, const void* from, size_t bytes) {
  if (bytes == sizeof(Vector) / 2)
    __builtin_memcpy(to, from, sizeof(Vector) / 2);
  else
    __builtin_memcpy(to, from, bytes);
}

// body(first channel, span): vectors that cover `chans` channels.
template <class Body>
static inline void over_channels(int64_t chans, Body body) {
  int64_t c = 0;
  for (; c + kLanes <= chans; c += kLanes) body(c, Whole{});
  if (c < chans) body(c, Part{chans - c});
}

struct Float32 {
  typedef float Stored;
  static Floats load(const float* p, Whole) { return runner::RUNNER_ISA::load(p); }
  static Floats load(const float* p, Part part) {
    Floats v = {};
    copy_some<Floats>(&v, p, static_cast<size_t>(part.n) * 4);
    return v;
  }
  static void store(float* p, Floats v, Whole) { runner::RUNNER_ISA::store(p, v); }
  static void store(float* p, Floats v, Part part) {
    copy_some<Floats>(p, &v, static_cast<size_t>(part.n) * 4);
  }
};
// In one instruction, where compilers make several of a conversion.
static inline Words words_of(Halves h) {
#if defined(__AVX512F__)
  return (Words)_mm512_maskz_cvtepu16_epi32(0xffff, (__m256i)h);
#elif defined(__AVX2__)
  return (Words)_mm256_cvtepu16_epi32((__m128i)h);
#else
  return __builtin_convertvector(h, Words);
#endif
}
struct BFloat16 {
  typedef uint16_t Stored;
  static Floats widen(Halves h) { return (Floats)(words_of(h) << 16); }
  // To the nearest, ties to even, as LibTorch rounds. The instruction makes zeros of what is below
  // the smallest normal number.
  static Halves narrow(Floats v) {
#if defined(__AVX512BF16__)
    return (Halves)_mm512_maskz_cvtneps_pbh(0xffff, (__m512)v);
#else
    const Words bits = (Words)v;
    const Words rounded = (bits + 0x7fff + ((bits >> 16) & 1)) >> 16;
    return __builtin_convertvector(v == v ? rounded : 0x7fc0 + Words{}, Halves);
#endif
  }
  static Floats load(const uint16_t* p, Whole) {
    Halves h;
    __builtin_memcpy(&h, p, sizeof h);
    return widen(h);
  }
  static Floats load(const uint16_t* p, Part part) {
    Halves h = {};
    copy_some<Halves>(&h, p, static_cast<size_t>(part.n) * 2);
    return widen(h);
  }
  static void store(uint16_t* p, Floats v, Whole) {
    const Halves h = narrow(v);
    __builtin_memcpy(p, &h, sizeof h);
  }
  static void store(uint16_t* p, Floats v, Part part) {
    const Halves h = narrow(v);
    copy_some<Halves>(p, &h, static_cast<size_t>(part.n) * 2);
  }
};

}  // namespace braid::ops::RUNNER_ISA
