// Winograd's transforms on vectors over channels, see runner/kernels/simd_math.h: compiled with one
// instruction set each, and therefore without the standard library.
#pragma once
#include "braid/ops/kernels/simd_numbers.h"
#include "braid/ops/kernels/winograd_kernels.h"

namespace braid::ops::RUNNER_ISA {

// The interpolation points a, -a, b and -b, their powers, and what Toom and Cook divide by.
namespace points {
constexpr float kA = 0.75F, kB = 1.5F;
constexpr float kA2 = kA * kA, kB2 = kB * kB, kA3 = kA2 * kA, kB3 = kB2 * kB;
constexpr float kOfZero = 1 / (kA2 * kB2), kOfA = 1 / (2 * kA2 * (kA2 - kB2)),
                kOfB = 1 / (2 * kB2 * (kB2 - kA2));
}  // namespace points

// Each maps a line of a tile: kFrom vectors to kTo. A tile's columns are mapped, then its rows.
struct InputLine {  // Bt
  static constexpr int kFrom = 6, kTo = 6;
  static void map(const Floats (&x)[kFrom], Floats (&y)[kTo]) {
    using namespace points;
    const Floats even_a = x[4] - kB2 * x[2], odd_a = x[3] - kB2 * x[1];
    const Floats even_b = x[4] - kA2 * x[2], odd_b = x[3] - kA2 * x[1];
    y[0] = even_a - kA2 * (x[2] - kB2 * x[0]);
    y[1] = even_a + kA * odd_a;
    y[2] = even_a - kA * odd_a;
    y[3] = even_b + kB * odd_b;
    y[4] = even_b - kB * odd_b;
    y[5] = x[5] - kB2 * x[3] - kA2 * odd_a;
  }
};
struct OutputLine {  // At
  static constexpr int kFrom = 6, kTo = 4;
  static void map(const Floats (&m)[kFrom], Floats (&y)[kTo]) {
    using namespace points;
    const Floats sum_a = m[1] + m[2], sum_b = m[3] + m[4];
    const Floats left_a = m[1] - m[2], left_b = m[3] - m[4];
    y[0] = m[0] + sum_a + sum_b;
    y[1] = kA * left_a + kB * left_b;
    y[2] = kA2 * sum_a + kB2 * sum_b;
    y[3] = kA3 * left_a + kB3 * left_b + m[5];
  }
};
struct OutputGradientLine {  // A
  static constexpr int kFrom = 4, kTo = 6;
  static void map(const Floats (&y)[kFrom], Floats (&m)[kTo]) {
    using namespace points;
    const Floats even_a = y[0] + kA2 * y[2], odd_a = y[1] + kA2 * y[3];
    const Floats even_b = y[0] + kB2 * y[2], odd_b = y[1] + kB2 * y[3];
    m[0] = y[0];
    m[1] = even_a + kA * odd_a;
    m[2] = even_a - kA * odd_a;
    m[3] = even_b + kB * odd_b;
    m[4] = even_b - kB * odd_b;
    m[5] = y[3];
  }
};
struct FilterLine {  // G
  static constexpr int kFrom = 3, kTo = 6;
  static void map(const Floats (&g)[kFrom], Floats (&u)[kTo]) {
    using namespace points;
    const Floats even_a = kOfA * g[0] + kOfA * kA2 * g[2], odd_a = kOfA * kA * g[1];
    const Floats even_b = kOfB * g[0] + kOfB * kB2 * g[2], odd_b = kOfB * kB * g[1];
    u[0] = kOfZero * g[0];
    u[1] = even_a + odd_a;
    u[2] = even_a - odd_a;
    u[3] = even_b + odd_b;
    u[4] = even_b - odd_b;
    u[5] = g[2];
  }
};
struct FilterGradientLine {  // Gt
  static constexpr int kFrom = 6, kTo = 3;
  static void map(const Floats (&u)[kFrom], Floats (&g)[kTo]) {
    using namespace points;
    const Floats sum_a = kOfA * (u[1] + u[2]), sum_b = kOfB * (u[3] + u[4]);
    g[0] = kOfZero * u[0] + sum_a + sum_b;
    g[1] = kOfA * kA * (u[1] - u[2]) + kOfB * kB * (u[3] - u[4]);
    g[2] = kA2 * sum_a + kB2 * sum_b + u[5];
  }
};

// get(place) of the kFrom x kFrom vectors, put(place, vector) of the kTo x kTo.
template <class Line, class Get, class Put>
[[gnu::always_inline]] static inline void map_tile(Get get, Put put) {
  Floats half[Line::kTo][Line::kFrom];
#pragma GCC unroll 6
  for (int column = 0; column < Line::kFrom; ++column) {
    Floats from[Line::kFrom], to[Line::kTo];
#pragma GCC unroll 6
    for (int row = 0; row < Line::kFrom; ++row) from[row] = get(row * Line::kFrom + column);
    Line::map(from, to);
#pragma GCC unroll 6
    for (int row = 0; row < Line::kTo; ++row) half[row][column] = to[row];
  }
#pragma GCC unroll 6
  for (int row = 0; row < Line::kTo; ++row) {
    Floats to[Line::kTo];
    Line::map(half[row], to);
#pragma GCC unroll 6
    for (int column = 0; column < Line::kTo; ++column) put(row * Line::kTo + column, to[column]);
  }
}

static inline int64_t place_of(int64_t c, const WinogradLayout& layout) {
  return c / layout.panel * layout.panel_step + c % layout.panel;
}

template <class Line, class T>
static void pixels_to_places(const void* const* pixels, int64_t chans, float* to,
                             WinogradLayout layout) {
  typedef const typename T::Stored* Row;
  over_channels(chans, [=](int64_t c, auto span) {
    float* there = to + place_of(c, layout);
    map_tile<Line>(
        [=](int place) { return T::load(static_cast<Row>(pixels[place]) + c, span); },
        [=](int place, Floats v) { Float32::store(there + place * layout.place_step, v, span); });
  });
}
template <class T>
static void places_to_pixels(const float* from, WinogradLayout layout, void* const* pixels,
                             int64_t chans, const WinogradEnding& ending) {
  typedef typename T::Stored* Row;
  over_channels(chans, [=](int64_t c, auto span) {
    const float* there = from + place_of(c, layout);
    const Floats bias = ending.bias == nullptr ? Floats{} : Float32::load(ending.bias + c, span);
    map_tile<OutputLine>(
        [=](int place) { return Float32::load(there + place * layout.place_step, span); },
        [=](int place, Floats v) {
          v += bias;
          if (ending.others != nullptr)
            v += T::load(static_cast<const typename T::Stored*>(ending.others[place]) + c, span);
          if (ending.relu) v = runner::RUNNER_ISA::largest(Floats{}, v);
          T::store(static_cast<Row>(pixels[place]) + c, v, span);
        });
  });
}

static void winograd_inputs(const void* const* pixels, int64_t chans, bool bfloat16, float* to,
                            WinogradLayout layout) {
  return bfloat16 ? pixels_to_places<InputLine, BFloat16>(pixels, chans, to, layout)
                  : pixels_to_places<InputLine, Float32>(pixels, chans, to, layout);
}
static void winograd_outputs(const float* from, WinogradLayout layout, void* const* pixels,
                             int64_t chans, bool bfloat16, WinogradEnding ending) {
  return bfloat16 ? places_to_pixels<BFloat16>(from, layout, pixels, chans, ending)
                  : places_to_pixels<Float32>(from, layout, pixels, chans, ending);
}
static void winograd_output_gradients(const void* const* pixels, int64_t chans, bool bfloat16,
                                      float* to, WinogradLayout layout) {
  return bfloat16 ? pixels_to_places<OutputGradientLine, BFloat16>(pixels, chans, to, layout)
                  : pixels_to_places<OutputGradientLine, Float32>(pixels, chans, to, layout);
}
static void winograd_filters(const float* from, int64_t tap_step, int64_t chans, float* to,
                             WinogradLayout layout) {
  over_channels(chans, [=](int64_t c, auto span) {
    float* there = to + place_of(c, layout);
    map_tile<FilterLine>(
        [=](int tap) { return Float32::load(from + tap * tap_step + c, span); },
        [=](int place, Floats v) { Float32::store(there + place * layout.place_step, v, span); });
  });
}
static void winograd_filter_gradients(const float* from, WinogradLayout layout, int64_t chans,
                                      float* to, int64_t tap_step) {
  over_channels(chans, [=](int64_t c, auto span) {
    const float* there = from + place_of(c, layout);
    map_tile<FilterGradientLine>(
        [=](int place) { return Float32::load(there + place * layout.place_step, span); },
        [=](int tap, Floats v) { Float32::store(to + tap * tap_step + c, v, span); });
  });
}

// name: for people.
static constexpr WinogradKernels make_winograd(const char* name) {
  return {.name = name,
          .inputs = winograd_inputs,
          .outputs = winograd_outputs,
          .output_gradients = winograd_output_gradients,
          .filters = winograd_filters,
          .filter_gradients = winograd_filter_gradients};
}

}  // namespace braid::ops::RUNNER_ISA
