// The inner loops, compiled once for each family of processors and chosen when the program runs.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

namespace braid::runner {

// Functions of one number. alpha and beta are ONNX's attributes, or Clip's bounds.
enum class Function : uint8_t {
  kIdentity,
  kAbs,
  kClip,
  kElu,
  kErf,
  kExp,
  kGelu,
  kGeluTanh,
  kHardSigmoid,
  kHardSwish,
  kLeakyRelu,
  kMish,
  kNeg,
  kReciprocal,
  kRelu,
  kSigmoid,
  kSilu,
  kSqrt,
  kTanh
};
struct Activation {
  Function function = Function::kIdentity;
  float alpha = 0, beta = 0;
};

enum class Arithmetic : uint8_t { kAdd, kSub, kMul, kDiv, kMax, kMin };

// What follows a product: act(c * scale + bias + row_bias + column_bias + residual), each but c
// optional.
struct Finish {
  float scale = 1, bias = 0;
  const float* row_bias = nullptr;
  const float* column_bias = nullptr;
  const float* residual = nullptr;  // laid out as the result
  Activation activation = {};
};

// What follows a product while its sums are in registers: sum + row_bias + column_bias + residual,
// each optional, within bounds.
struct TileFinish {
  const float* row_bias = nullptr;
  const float* column_bias = nullptr;
  const float* residual = nullptr;  // laid out as the result
  float low = -__builtin_inff(), high = __builtin_inff();
};

// A filter of size x size and its windows' steps over a plane that is laid out as PhasedLayout
// does, of one channel: within(bias + sums), [height, width] of outputs.
struct PlaneFilter {
  int64_t size, stride;  // 3, 5 or 7; 1 or 2
  const float* weights;  // [size, size]
  float bias, low, high;
  int64_t line, phase;  // numbers from line to line and from phase to phase
  int64_t height, width;
};

// The filters of `channels` channels, at most Kernels::lanes, without phases: [channels, height,
// width] to [channels, out_height, out_width].
struct ChannelFilters {
  int64_t channels;
  const float* weights;  // [kernel[0], kernel[1], lanes]
  const float* bias;     // [lanes]
  float low, high;
  int64_t kernel[2], stride[2], dilation[2];
  int64_t begin_row, begin_column;  // padding
  int64_t height, width, padded_width;
  int64_t out_height, out_width;
};

// What integer sums stand for. The lists are of each column, or none.
struct IntegerScale {
  float scale = 1;
  const float* scales = nullptr;  // beside `scale`
  int32_t offset = 0;
  const int32_t* offsets = nullptr;  // beside `offset`
};

// The numbers of a quantized value: real = (stored - zero_point) * scale.
struct Quantization {
  float scale = 1;
  int32_t zero_point = 0;
};

// A matrix in memory: element (i, j) at data[i * row_stride + j * column_stride].
struct Matrix {
  const float* data = nullptr;
  int64_t row_stride = 0, column_stride = 1;
  bool is_panel = false;  // of Kernels::rows rows, packed, with kSlackBytes behind it
};

// A stretch of numbers that lie side by side, here and there.
struct Run {
  int64_t from, to, length;
};

inline constexpr int64_t kSlack = 64;          // numbers
inline constexpr int64_t kMostTileWidth = 64;  // rows or columns of any kernel's tile
inline constexpr int64_t kSlackBytes = 64;     // behind every buffer of a BufferPool

struct Kernels {
  const char* name;
  // Products of float32 in tiles of rows x columns. a: [rows, depth] in any order. b: [depth,
  // columns], packed; c: rows of ldc numbers, of which used_rows x used_columns are written. A tile
  // is added to what is there, or written over it. finish: what follows, or none.
  int64_t rows, columns;
  int64_t lanes;  // numbers of a vector
  void (*tile)(int64_t used_rows, int64_t used_columns, int64_t depth, const Matrix& a,
               const float* b, float* c, int64_t ldc, bool add, const TileFinish* finish);
  // Products of whole numbers, of which `group` are summed at once: four bytes together. a: [depth
  // / group, rows, group], b: [depth / group, columns, group]; c is written over. Where group is 2
  // they are int16, less their zero point. Where it is 4 they are bytes as they are: one factor,
  // the left one or the right one, is uint8, the other int8; what the zero point is too much is
  // taken off the sums by finish_integers.
  int64_t integer_rows, integer_columns, group;
  void (*integer_tile)(int64_t used, int64_t depth, const void* a, const void* b,
                       bool left_is_unsigned, int32_t* c, int64_t ldc);

  // y = finish(c) of rows x n numbers; y may be c.
  void (*finish)(const float* c, int64_t c_stride, float* y, int64_t y_stride, int64_t rows,
                 int64_t n, const Finish& finish);
  // c = finish((sums + offset) * scale) of a row of integer sums.
  void (*finish_integers)(const int32_t* sums, float* c, int64_t n, const IntegerScale& scale,
                          const Finish& finish);
  void (*apply)(const Activation& f, const float* x, float* y, int64_t n);
  // Strides are 1 or 0.
  void (*binary)(Arithmetic op, const float* a, int64_t a_stride, const float* b, int64_t b_stride,
                 float* out, int64_t n);
  void (*softmax)(const float* x, float* y, int64_t n);
  // (x - mean) / sqrt(variance + epsilon) * gain + bias; gain and bias may be none.
  void (*normalize)(const float* x, float* y, int64_t n, const float* gain, const float* bias,
                    float epsilon);
  float (*sum)(const float* x, int64_t n);
  // out[i] = sum of weights[t] * x[offsets[t] + i]; x is read and out written up to kSlack beyond
  // n.
  void (*taps)(const float* x, const int64_t* offsets, const float* weights, int64_t count,
               float* out, int64_t n);
  // x: the first window's first number; read up to kSlack beyond.
  void (*filter_plane)(const PlaneFilter& f, const float* x, float* y);
  // padded: [height, padded_width, lanes], whose padding is zeros already and stays so; sums:
  // [out_height, out_width, lanes].
  void (*filter_channels)(const ChannelFilters& f, const float* x, float* padded, float* sums,
                          float* y);
  // y[c * y_stride + r] = x[r * x_stride + c]
  void (*transpose)(const float* x, int64_t x_stride, int64_t rows, int64_t columns, float* y,
                    int64_t y_stride);
  // x[0], x[2], ... to even, x[1], x[3], ... to odd; n: of x.
  void (*split_pairs)(const float* x, float* even, float* odd, int64_t n);
  // Winograd's F(4x4, 3x3) of many tiles, see ops/winograd.h; 36 points, [6 down, 6 across].
  // n filters of 3x3 of each of `rows` rows, [n, 9, rows], to [36, n, rows], from point to point
  // `stride` numbers. Gives 0, or NaN where a number is not finite.
  float (*winograd_filters)(const float* filters, int64_t n, float* points, int64_t stride);
  // Rows of pixels, tile t's first one at 4 t, to the six points across. Row y's go to points + (y
  // % 4 * 6 + point) * stride + y / 4 * tiles. Read up to 2 kSlack, written up to kSlack beyond.
  void (*winograd_across)(const float* pixels, int64_t pixel_stride, int64_t rows, int64_t tiles,
                          float* points, int64_t stride);
  // From there, of n tiles, to all points, points_stride apart, of which numbers up to `room` from
  // the first tile on may be written. tiles_across: the `tiles` of above. Read up to kSlack beyond.
  void (*winograd_down)(const float* rows, int64_t stride, int64_t tiles_across, int64_t n,
                        int64_t room, float* points, int64_t points_stride);
  // Products, of each point stride apart, to four rows of pixels, written up to 4 kSlack beyond.
  // Gives 0, or NaN where a sum is not finite.
  float (*winograd_back)(const float* products, int64_t stride, int64_t tiles, float* pixels,
                         int64_t pixel_stride);
  // Rows of a panel for tile(): row d is made of stretches of image + rows[d]; the rest of the last
  // vector that has any is zeros.
  void (*gather)(const float* image, const int64_t* rows, int64_t depth, const Run* runs,
                 int64_t count, float* panel);
  // The same of bytes, `K` rows of them, for integer_tile().
  void (*gather_bytes)(const uint8_t* image, bool is_signed, int32_t zero_point,
                       const int64_t* rows, int64_t K, const Run* runs, int64_t count, void* panel);
  // x -> round(x / scale) + zero_point, clamped to uint8, or int8 where is_signed.
  void (*quantize)(const float* x, uint8_t* y, int64_t n, const Quantization& q, bool is_signed);
  void (*dequantize)(const uint8_t* x, float* y, int64_t n, const Quantization& q, bool is_signed);
};

// Those for this processor, the fastest first choice. BRAID_RUN_ISA names another that it can run,
// for tests.
const Kernels& kernels();
// All that this processor can run, the fastest first.
std::vector<const Kernels*> usable_kernels();

}  // namespace braid::runner
