// Rows of numbers: functions, sums, norms, what follows a product. See simd_math.h.
#pragma once
#include "braid/runner/kernels/kernels.h"
#include "braid/runner/kernels/simd_math.h"

namespace braid::runner::RUNNER_ISA {

// clang-format off
struct Identity { static Floats of(Floats x, Floats, Floats) { return x; } };
struct Abs { static Floats of(Floats x, Floats, Floats) { return absolute(x); } };
struct Clip { static Floats of(Floats x, Floats a, Floats b) { return smallest(b, largest(a, x)); } };
struct Elu { static Floats of(Floats x, Floats a, Floats) { return x > 0 ? x : a * (exponential(smallest(Floats{}, x)) - 1.0f); } };
struct ErrorFunction { static Floats of(Floats x, Floats, Floats) { return erf_of(x); } };
struct Exp { static Floats of(Floats x, Floats, Floats) { return exponential(x); } };
struct Gelu { static Floats of(Floats x, Floats, Floats) { return 0.5f * x * (1.0f + erf_of(x * 0.70710678f)); } };
struct GeluTanh { static Floats of(Floats x, Floats, Floats) { return gelu_tanh(x); } };
struct HardSigmoid { static Floats of(Floats x, Floats a, Floats b) { return smallest(all(1.0f), largest(Floats{}, a * x + b)); } };
struct HardSwish { static Floats of(Floats x, Floats, Floats) { return x * smallest(all(1.0f), largest(Floats{}, x * (1.0f / 6) + 0.5f)); } };
struct LeakyRelu { static Floats of(Floats x, Floats a, Floats) { return x < 0 ? a * x : x; } };
struct Mish { static Floats of(Floats x, Floats, Floats) { return mish(x); } };
struct Neg { static Floats of(Floats x, Floats, Floats) { return -x; } };
struct Reciprocal { static Floats of(Floats x, Floats, Floats) { return 1.0f / x; } };
struct Relu { static Floats of(Floats x, Floats, Floats) { return largest(Floats{}, x); } };
struct Sigmoid { static Floats of(Floats x, Floats, Floats) { return sigmoid(x); } };
struct Silu { static Floats of(Floats x, Floats, Floats) { return x * sigmoid(x); } };
struct Tanh { static Floats of(Floats x, Floats, Floats) { return tanh_of(x); } };
struct Sqrt {
  static Floats of(Floats x, Floats, Floats) {
    for (int i = 0; i < RUNNER_LANES; ++i) x[i] = __builtin_sqrtf(x[i]);
    return x;
  }
};
struct Add { static Floats of(Floats a, Floats b) { return a + b; } };
struct Sub { static Floats of(Floats a, Floats b) { return a - b; } };
struct Mul { static Floats of(Floats a, Floats b) { return a * b; } };
struct Div { static Floats of(Floats a, Floats b) { return a / b; } };
struct Max { static Floats of(Floats a, Floats b) { return largest(a, b); } };
struct Min { static Floats of(Floats a, Floats b) { return smallest(a, b); } };
// clang-format on

// Work<F>::run(arguments) for the struct above that does this function.
template <template <class> class Work, class... Arguments>
static void by_function(Function function, Arguments... arguments) {
  switch (function) {
    case Function::kIdentity:
      return Work<Identity>::run(arguments...);
    case Function::kAbs:
      return Work<Abs>::run(arguments...);
    case Function::kClip:
      return Work<Clip>::run(arguments...);
    case Function::kElu:
      return Work<Elu>::run(arguments...);
    case Function::kErf:
      return Work<ErrorFunction>::run(arguments...);
    case Function::kExp:
      return Work<Exp>::run(arguments...);
    case Function::kGelu:
      return Work<Gelu>::run(arguments...);
    case Function::kGeluTanh:
      return Work<GeluTanh>::run(arguments...);
    case Function::kHardSigmoid:
      return Work<HardSigmoid>::run(arguments...);
    case Function::kHardSwish:
      return Work<HardSwish>::run(arguments...);
    case Function::kLeakyRelu:
      return Work<LeakyRelu>::run(arguments...);
    case Function::kMish:
      return Work<Mish>::run(arguments...);
    case Function::kNeg:
      return Work<Neg>::run(arguments...);
    case Function::kReciprocal:
      return Work<Reciprocal>::run(arguments...);
    case Function::kRelu:
      return Work<Relu>::run(arguments...);
    case Function::kSigmoid:
      return Work<Sigmoid>::run(arguments...);
    case Function::kSilu:
      return Work<Silu>::run(arguments...);
    case Function::kSqrt:
      return Work<Sqrt>::run(arguments...);
    case Function::kTanh:
      return Work<Tanh>::run(arguments...);
  }
}

template <class F>
struct FinishRows {
  static void run(const float* c, int64_t c_stride, float* y, int64_t y_stride, int64_t rows,
                  int64_t n, const Finish* f) {
    const Floats alpha = all(f->activation.alpha), beta = all(f->activation.beta);
    for (int64_t r = 0; r < rows; ++r, c += c_stride, y += y_stride) {
      const float bias = f->row_bias == nullptr ? f->bias : f->bias + f->row_bias[r];
      const float* residual = f->residual == nullptr ? nullptr : f->residual + r * y_stride;
      int64_t i = 0;
      for (; i + kLanes <= n; i += kLanes) {
        Floats v = load(c + i) * f->scale + bias;
        if (f->column_bias != nullptr) v += load(f->column_bias + i);
        if (residual != nullptr) v += load(residual + i);
        store(y + i, F::of(v, alpha, beta));
      }
      if (i == n) continue;
      Floats v = load_some(c + i, n - i) * f->scale + bias;
      if (f->column_bias != nullptr) v += load_some(f->column_bias + i, n - i);
      if (residual != nullptr) v += load_some(residual + i, n - i);
      store_some(y + i, F::of(v, alpha, beta), n - i);
    }
  }
};
static void finish(const float* c, int64_t c_stride, float* y, int64_t y_stride, int64_t rows,
                   int64_t n, const Finish& f) {
  by_function<FinishRows>(f.activation.function, c, c_stride, y, y_stride, rows, n, &f);
}

static void finish_integers(const int32_t* sums, float* c, int64_t n, const IntegerScale& s,
                            const Finish& f) {
  for (int64_t i = 0; i < n; ++i) {
    // Modulo 2^32, as the sums are.
    uint32_t sum = static_cast<uint32_t>(sums[i]) + static_cast<uint32_t>(s.offset);
    if (s.offsets != nullptr) sum += static_cast<uint32_t>(s.offsets[i]);
    c[i] = static_cast<float>(static_cast<int32_t>(sum)) *
           (s.scales == nullptr ? s.scale : s.scale * s.scales[i]);
  }
  finish(c, n, c, n, 1, n, f);
}

template <class F>
struct ApplyRow {
  static void run(const Activation* f, const float* x, float* y, int64_t n) {
    const Floats alpha = all(f->alpha), beta = all(f->beta);
    int64_t i = 0;
    for (; i + kLanes <= n; i += kLanes) store(y + i, F::of(load(x + i), alpha, beta));
    if (i < n) store_some(y + i, F::of(load_some(x + i, n - i), alpha, beta), n - i);
  }
};
static void apply(const Activation& f, const float* x, float* y, int64_t n) {
  by_function<ApplyRow>(f.function, &f, x, y, n);
}

template <class F>
static void binary_rows(const float* a, int64_t a_stride, const float* b, int64_t b_stride,
                        float* out, int64_t n) {
  const Floats first = all(a[0]), second = all(b[0]);
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes)
    store(out + i,
          F::of(a_stride == 0 ? first : load(a + i), b_stride == 0 ? second : load(b + i)));
  if (i < n)
    store_some(out + i,
               F::of(a_stride == 0 ? first : load_some(a + i, n - i),
                     b_stride == 0 ? second : load_some(b + i, n - i)),
               n - i);
}
static void binary(Arithmetic op, const float* a, int64_t a_stride, const float* b,
                   int64_t b_stride, float* out, int64_t n) {
  if (n <= 0) return;
  switch (op) {
    case Arithmetic::kAdd:
      return binary_rows<Add>(a, a_stride, b, b_stride, out, n);
    case Arithmetic::kSub:
      return binary_rows<Sub>(a, a_stride, b, b_stride, out, n);
    case Arithmetic::kMul:
      return binary_rows<Mul>(a, a_stride, b, b_stride, out, n);
    case Arithmetic::kDiv:
      return binary_rows<Div>(a, a_stride, b, b_stride, out, n);
    case Arithmetic::kMax:
      return binary_rows<Max>(a, a_stride, b, b_stride, out, n);
    case Arithmetic::kMin:
      return binary_rows<Min>(a, a_stride, b, b_stride, out, n);
  }
}

static float sum(const float* x, int64_t n) {
  Floats a = {}, b = {};
  int64_t i = 0;
  for (; i + 2 * kLanes <= n; i += 2 * kLanes) {
    a += load(x + i);
    b += load(x + i + kLanes);
  }
  for (; i + kLanes <= n; i += kLanes) a += load(x + i);
  if (i < n) b += load_some(x + i, n - i);
  return add_up(a + b);
}

static void softmax(const float* x, float* y, int64_t n) {
  Floats most = all(x[0]), other = most;
  int64_t i = 0;
  for (; i + 2 * kLanes <= n; i += 2 * kLanes) {
    most = largest(load(x + i), most);
    other = largest(load(x + i + kLanes), other);
  }
  most = largest(other, most);
  for (; i + kLanes <= n; i += kLanes) most = largest(load(x + i), most);
  float top = largest_of(most);
  for (; i < n; ++i) top = x[i] > top ? x[i] : top;
  if (top == -__builtin_inff()) top = 0;  // all hidden: even shares, not NaN
  Floats total = {};
  float rest = 0;
  for (i = 0; i + kLanes <= n; i += kLanes) {
    const Floats e = exponential(load(x + i) - top);
    store(y + i, e);
    total += e;
  }
  if (i < n) {
    const Floats e = exponential(load_some(x + i, n - i) - top);
    store_some(y + i, e, n - i);
    for (int64_t k = 0; k < n - i; ++k) rest += e[k];
  }
  const float scale = 1 / (add_up(total) + rest);
  for (i = 0; i + kLanes <= n; i += kLanes) store(y + i, load(y + i) * scale);
  for (; i < n; ++i) y[i] *= scale;
}

static void normalize(const float* x, float* y, int64_t n, const float* gain, const float* bias,
                      float epsilon) {
  const float count = static_cast<float>(n), mean = sum(x, n) / count;
  Floats squares = {};
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) {
    const Floats d = load(x + i) - mean;
    squares += d * d;
  }
  float variance = add_up(squares);
  for (; i < n; ++i) variance += (x[i] - mean) * (x[i] - mean);
  const float scale = 1 / __builtin_sqrtf(variance / count + epsilon);
  for (i = 0; i + kLanes <= n; i += kLanes) {
    Floats v = (load(x + i) - mean) * scale;
    if (gain != nullptr) v *= load(gain + i);
    if (bias != nullptr) v += load(bias + i);
    store(y + i, v);
  }
  for (; i < n; ++i) {
    const float v = (x[i] - mean) * scale;
    y[i] = v * (gain == nullptr ? 1 : gain[i]) + (bias == nullptr ? 0 : bias[i]);
  }
}

typedef uint8_t Bytes __attribute__((vector_size(RUNNER_LANES)));

// The lowest byte of each. Compilers take the vectors without AVX-512 apart for it.
static inline Bytes lowest_bytes(Ints v) {
#if defined(__x86_64__) && RUNNER_LANES < 16
#if RUNNER_LANES == 8
  const __m128i words =
      _mm_packs_epi32(_mm256_castsi256_si128((__m256i)v), _mm256_extracti128_si256((__m256i)v, 1));
#else
  const __m128i words = _mm_packs_epi32((__m128i)v, (__m128i)v);
#endif
  const __m128i low = _mm_and_si128(words, _mm_set1_epi16(0xff));
  const __m128i packed = _mm_packus_epi16(low, low);
  Bytes bytes;
  __builtin_memcpy(&bytes, &packed, sizeof bytes);
  return bytes;
#else
  return __builtin_convertvector(v, Bytes);
#endif
}

// Rounded to even, within `low` and `low` + 255; what is no number becomes the lowest.
static inline Bytes rounded(Floats x, float inverse, float zero, float low) {
  const float kRound = 12582912.0f;  // see exponential()
  Floats v = x * inverse;
  v = largest(v, all(-1000000.0f));
  v = smallest(v, all(1000000.0f));
  v = (v + kRound) - kRound + zero;
  v = smallest(largest(v, all(low)), all(low + 255));
  return lowest_bytes(__builtin_convertvector(v, Ints));
}

static void quantize(const float* x, uint8_t* y, int64_t n, const Quantization& q, bool is_signed) {
  const float low = is_signed ? -128.0f : 0.0f;
  const float zero = static_cast<float>(q.zero_point), inverse = 1 / q.scale;
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) {
    const Bytes bytes = rounded(load(x + i), inverse, zero, low);
    __builtin_memcpy(y + i, &bytes, sizeof bytes);
  }
  if (i == n) return;
  const Bytes bytes = rounded(load_some(x + i, n - i), inverse, zero, low);
  for (int64_t k = 0; i + k < n; ++k) y[i + k] = bytes[k];
}

static void dequantize(const uint8_t* x, float* y, int64_t n, const Quantization& q,
                       bool is_signed) {
  if (is_signed)
    for (int64_t i = 0; i < n; ++i)
      y[i] = static_cast<float>(static_cast<int8_t>(x[i]) - q.zero_point) * q.scale;
  else
    for (int64_t i = 0; i < n; ++i) y[i] = static_cast<float>(x[i] - q.zero_point) * q.scale;
}

}  // namespace braid::runner::RUNNER_ISA
