// Vectors of RUNNER_LANES floats and the functions on them, as GCC and clang have them for every
// processor. For the sources that are compiled with one instruction set each: no standard library
// here, or the linker may choose a function with instructions that another processor lacks.
#pragma once
#include <stddef.h>
#include <stdint.h>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

#ifndef RUNNER_LANES  // the header by itself
#define RUNNER_LANES 4
#define RUNNER_ISA baseline
#endif

namespace braid::runner::RUNNER_ISA {

typedef float Floats __attribute__((vector_size(RUNNER_LANES * 4)));
typedef int32_t Ints __attribute__((vector_size(RUNNER_LANES * 4)));
constexpr int64_t kLanes = RUNNER_LANES;

static inline Floats load(const float* p) {
  Floats v;
  __builtin_memcpy(&v, p, sizeof v);
  return v;
}
static inline void store(float* p, Floats v) { __builtin_memcpy(p, &v, sizeof v); }
// The first n numbers, fewer than a vector has: no other is touched.
#if defined(__AVX512F__)
static inline Floats load_some(const float* p, int64_t n) {
  return (Floats)_mm512_maskz_loadu_ps(static_cast<__mmask16>((1U << n) - 1), p);
}
static inline void store_some(float* p, Floats v, int64_t n) {
  _mm512_mask_storeu_ps(p, static_cast<__mmask16>((1U << n) - 1), (__m512)v);
}
#else
static inline Floats load_some(const float* p, int64_t n) {
  Floats v = {};
  __builtin_memcpy(&v, p, static_cast<size_t>(n) * 4);
  return v;
}
static inline void store_some(float* p, Floats v, int64_t n) {
  __builtin_memcpy(p, &v, static_cast<size_t>(n) * 4);
}
#endif
static inline Floats all(float x) { return x - Floats{}; }
// Where the comparison is not true of a number that is none, b: NaN goes through.
// One instruction each, where compilers make a comparison and a choice of them.
#if defined(__AVX512F__)
static inline Floats largest(Floats a, Floats b) {
  return (Floats)_mm512_maskz_max_ps(0xffff, (__m512)a, (__m512)b);
}
static inline Floats smallest(Floats a, Floats b) {
  return (Floats)_mm512_maskz_min_ps(0xffff, (__m512)a, (__m512)b);
}
#elif defined(__AVX2__)
static inline Floats largest(Floats a, Floats b) {
  return (Floats)_mm256_max_ps((__m256)a, (__m256)b);
}
static inline Floats smallest(Floats a, Floats b) {
  return (Floats)_mm256_min_ps((__m256)a, (__m256)b);
}
#else
static inline Floats largest(Floats a, Floats b) { return b < a ? a : b; }
static inline Floats smallest(Floats a, Floats b) { return a < b ? a : b; }
#endif
static inline Floats absolute(Floats x) { return (Floats)((Ints)x & 0x7fffffff); }

// 1 / x for finite x, to a unit in the last place. A division of the longest vectors takes longer
// than all else that a function does; 14 bits and a step of Newton's do not.
static inline Floats reciprocal(Floats x) {
#if defined(__AVX512F__)
  const Floats r = (Floats)_mm512_maskz_rcp14_ps(0xffff, (__m512)x);
  return r + r * (1.0f - x * r);
#else
  return 1.0f / x;
#endif
}

// As Cephes: 2^n times a polynomial of the rest. Below -87.3 it gives the smallest normal number.
static inline Floats exponential(Floats x) {
  x = largest(all(-87.3365f), x);
  x = smallest(all(88.3762f), x);
  const float kRound = 12582912.0f;  // 1.5 * 2^23: adding it rounds to a whole number
  const Floats n = (x * 1.44269504f + kRound) - kRound;
  const Floats r = x - n * 0.693359375f + n * 2.12194440e-4f;
  Floats p = r * 1.9875691500e-4f + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  p = p * (r * r) + r + 1.0f;
  const Ints power = __builtin_convertvector(n, Ints);
  return (Floats)((Ints)p + (power << 23));
}

static inline Floats sigmoid(Floats x) { return reciprocal(1.0f + exponential(-x)); }

static inline Floats tanh_of(Floats x) {
  const Floats limited = smallest(all(9.0f), largest(all(-9.0f), x));
  return 1.0f - 2.0f * reciprocal(exponential(2.0f * limited) + 1.0f);
}

// Eigen's rational approximation, a few units in the last place; x from -4 to 4, where the error
// function is 1 but for float32's rounding.
static inline Floats erf_within_four(Floats x) {
  const Floats s = x * x;
  Floats p = s * -2.72614225801306e-10f + 2.77068142495902e-08f;
  p = p * s + -2.10102402082508e-06f;
  p = p * s + -5.69250639462346e-05f;
  p = p * s + -7.34990630326855e-04f;
  p = p * s + -2.95459980854025e-03f;
  p = p * s + -1.60960333262415e-02f;
  Floats q = s * -1.45660718464996e-05f + -2.13374055278905e-04f;
  q = q * s + -1.68282697438203e-03f;
  q = q * s + -7.37332916720468e-03f;
  q = q * s + -1.42647390514189e-02f;
  return x * p * reciprocal(q);
}
static inline Floats erf_of(Floats x) {
  return erf_within_four(smallest(all(4.0f), largest(all(-4.0f), x)));
}

static inline Floats gelu_tanh(Floats x) {
  const Floats inner = x * (0.7978845608f + 0.0356774081f * x * x);
  return x * sigmoid(2.0f * inner);
}

// x * tanh(log(1 + exp(x))), with e = exp(x): x * e (e + 2) / (e (e + 2) + 2).
static inline Floats mish(Floats x) {
  const Floats e = exponential(smallest(all(20.0f), x));
  const Floats n = e * (e + 2.0f);
  return x * (n * reciprocal(n + 2.0f));
}

#if RUNNER_LANES == 16
// A vector's halves, quarters and so on exchanged.
static inline Floats turned(Floats v, int by) {
  switch (by) {
    case 8:
      return __builtin_shufflevector(v, v, 8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7);
    case 4:
      return __builtin_shufflevector(v, v, 4, 5, 6, 7, 0, 1, 2, 3, 12, 13, 14, 15, 8, 9, 10, 11);
    case 2:
      return __builtin_shufflevector(v, v, 2, 3, 0, 1, 6, 7, 4, 5, 10, 11, 8, 9, 14, 15, 12, 13);
    default:
      return __builtin_shufflevector(v, v, 1, 0, 3, 2, 5, 4, 7, 6, 9, 8, 11, 10, 13, 12, 15, 14);
  }
}
static inline float add_up(Floats v) {
#pragma GCC unroll 4
  for (int by = 8; by > 0; by /= 2) v += turned(v, by);
  return v[0];
}
static inline float largest_of(Floats v) {
#pragma GCC unroll 4
  for (int by = 8; by > 0; by /= 2) v = largest(turned(v, by), v);
  return v[0];
}
#else
static inline float add_up(Floats v) {
  float sum = 0;
  for (int i = 0; i < RUNNER_LANES; ++i) sum += v[i];
  return sum;
}
static inline float largest_of(Floats v) {
  float most = v[0];
  for (int i = 1; i < RUNNER_LANES; ++i) most = v[i] > most ? v[i] : most;
  return most;
}
#endif

}  // namespace braid::runner::RUNNER_ISA
