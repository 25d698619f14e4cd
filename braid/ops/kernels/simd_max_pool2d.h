// The loops of max pooling by two on vectors, see runner/kernels/simd_math.h: compiled with one
// instruction set each, and therefore without the standard library.
#pragma once
#include "braid/ops/kernels/max_pool2d_kernels.h"
#include "braid/ops/kernels/simd_numbers.h"

namespace braid::ops::RUNNER_ISA {

using runner::RUNNER_ISA::Ints;

typedef uint8_t Bytes __attribute__((vector_size(RUNNER_LANES)));

// The vectors that move numbers as they lie.
template <class T>
struct Lying;
template <>
struct Lying<Float32> {
  typedef Words Bits;
  static Words of(Floats v) { return (Words)v; }
};
template <>
struct Lying<BFloat16> {
  typedef Halves Bits;
  // Of a number that was widened, which loses nothing.
  static Halves of(Floats v) { return __builtin_convertvector((Words)v >> 16, Halves); }
};

template <class Vector>
static inline Vector taken(const void* from, Whole) {
  Vector v;
  __builtin_memcpy(&v, from, sizeof v);
  return v;
}
template <class Vector>
static inline Vector taken(const void* from, Part part) {
  Vector v = {};
  copy_some<Vector>(&v, from, static_cast<size_t>(part.n) * (sizeof(Vector) / kLanes));
  return v;
}
template <class Vector>
static inline void put(void* to, Vector v, Whole) {
  __builtin_memcpy(to, &v, sizeof v);
}
template <class Vector>
static inline void put(void* to, Vector v, Part part) {
  copy_some<Vector>(to, &v, static_cast<size_t>(part.n) * (sizeof(Vector) / kLanes));
}

// body(span, at, from): the output's numbers from `at` on; those of its window's left column begin
// at `from` in either row, those of the right one `chans` behind.
template <class Body>
static inline void over_windows(PooledRow row, Body body) {
  const int64_t chans = row.chans;
  for (int64_t pixel = 0; pixel < row.pixels; ++pixel) {
    const int64_t at = pixel * chans;
    int64_t c = 0;
    for (; c + kLanes <= chans; c += kLanes) body(Whole{}, at + c, 2 * at + c);
    if (c < chans) body(Part{chans - c}, at + c, 2 * at + c);
  }
}

struct Best {
  void meet(Floats v, int32_t its_place) {
    const Ints places = its_place + Ints{};
    place = v > value ? places : place;
    value = v > value ? v : value;
    place = v == v ? place : places;
    value = v == v ? value : v;
  }

  Floats value;
  Ints place = {};
};

template <class T>
static void pool_row(const void* above, const void* below, void* to, uint8_t* winners,
                     PooledRow row) {
  const auto* upper = static_cast<const typename T::Stored*>(above);
  const auto* lower = static_cast<const typename T::Stored*>(below);
  auto* y = static_cast<typename T::Stored*>(to);
  over_windows(row, [=, chans = row.chans](auto span, int64_t at, int64_t from) {
    Best best{T::load(upper + from, span)};
    best.meet(T::load(upper + from + chans, span), 1);
    best.meet(T::load(lower + from, span), 2);
    best.meet(T::load(lower + from + chans, span), 3);
    put(y + at, Lying<T>::of(best.value), span);
    put(winners + at, __builtin_convertvector(best.place, Bytes), span);
  });
}
static void max_pool_forward(const void* upper, const void* lower, void* y, uint8_t* winners,
                             PooledRow row) {
  if (row.bfloat16)
    pool_row<BFloat16>(upper, lower, y, winners, row);
  else
    pool_row<Float32>(upper, lower, y, winners, row);
}

template <class T>
static void spread_row(const void* given, const uint8_t* winners, void* above, void* below,
                       PooledRow row) {
  typedef typename Lying<T>::Bits Bits;
  const auto* dy = static_cast<const typename T::Stored*>(given);
  auto* upper = static_cast<typename T::Stored*>(above);
  auto* lower = static_cast<typename T::Stored*>(below);
  over_windows(row, [=, chans = row.chans](auto span, int64_t at, int64_t from) {
    const Bits g = taken<Bits>(dy + at, span);
    const Bits winner = __builtin_convertvector(taken<Bytes>(winners + at, span), Bits);
    put(upper + from, winner == 0 ? g : Bits{}, span);
    put(upper + from + chans, winner == 1 ? g : Bits{}, span);
    put(lower + from, winner == 2 ? g : Bits{}, span);
    put(lower + from + chans, winner == 3 ? g : Bits{}, span);
  });
}
static void max_pool_backward(const void* dy, const uint8_t* winners, void* upper, void* lower,
                              PooledRow row) {
  if (row.bfloat16)
    spread_row<BFloat16>(dy, winners, upper, lower, row);
  else
    spread_row<Float32>(dy, winners, upper, lower, row);
}

// name: for people, and that of the runner's kernels for the same processors.
static constexpr MaxPoolKernels make_max_pool2d(const char* name) {
  return {.name = name, .forward = max_pool_forward, .backward = max_pool_backward};
}

}  // namespace braid::ops::RUNNER_ISA
