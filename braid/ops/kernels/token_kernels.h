// The inner loops of what Transformer blocks are made of, compiled once for each family of
// processors.
#pragma once
#include <stdint.h>

#include "braid/ops/kernels/dropout_hash.h"

namespace braid::ops {

// Rows of `width` numbers that lie one after another.
struct NormRows {
  int64_t rows = 0, width = 0;
  bool x_bfloat16 = false, y_bfloat16 = false;  // how x and dx lie, y and dy; else float32
};

// Attention of one head: N queries, M keys, d channels of queries and keys, e of values.
struct HeadShape {
  int64_t queries = 0, keys = 0, key_dim = 0, value_dim = 0;
  float scale = 1;        // of the products
  bool bfloat16 = false;  // all that is not said to be float32
};
// Rows of a head; the channels of a row lie one after another.
struct HeadRows {
  const void* first = nullptr;
  int64_t stride = 0;  // numbers from row to row
};
struct HeadRowsOut {
  void* first = nullptr;
  int64_t stride = 0;
};

// Columns of a head's weights, which lie transposed: [M, padded_queries(N)].
constexpr int64_t padded_queries(int64_t queries) { return (queries + 15) / 16 * 16; }
// Numbers that a head's computation needs room for.
constexpr int64_t scratch_of(const HeadShape& s) {
  const auto padded = [](int64_t n) { return (n + 15) / 16 * 16; };
  return 2 * s.keys * padded(s.queries) +
         (s.queries + s.keys + 32) * (padded(s.key_dim) + padded(s.value_dim)) +
         padded(s.queries) * (s.key_dim + s.value_dim + 32);
}

// Numbers that lie one after another; first: the first one's position, a multiple of 1024.
struct DropNumbers {
  int64_t first = 0, count = 0;
  bool x_bfloat16 = false, y_bfloat16 = false;  // y: and the residual
};

// Of a row of logits.
struct RowSums {
  float largest = 0;
  float exponentials = 0;  // of what each is below the largest
  float numbers = 0;
};
// (exp(x - log_sum) - every) * scale, and less of_label * scale at the label.
struct LogitGradient {
  float log_sum = 0, every = 0, of_label = 0, scale = 1;
  int64_t label = 0;
};

// Rows of `in` numbers that are multiplied with `count` rows of weights, of a matrix of `out`.
struct FewRows {
  int64_t rows = 0, in = 0, out = 0, count = 0;
  bool bfloat16 = false;  // how weights lie; else float32
};
// The same with weights of bytes, which lie in blocks of kInt8Outs outputs, two numbers of an
// output beside each other: [blocks, pairs, kInt8Outs, 2], zeros where there are none.
struct Int8Rows {
  int64_t rows = 0, pairs = 0, out = 0, count = 0;
  int64_t x_stride = 0;  // numbers from row to row of x
};
constexpr int64_t kInt8Outs = 64;
// Numbers of a row of x that is multiplied with bytes; those beyond `in` are zero.
constexpr int64_t padded_shorts(int64_t in) { return (in + 31) / 32 * 32; }

// One query over `keys` of the rows of keys and values. A row has the channels of all heads, head
// by head.
struct ListedShape {
  int64_t heads = 0, key_dim = 0, value_dim = 0, keys = 0;
  float scale = 1;        // of the products
  bool bfloat16 = false;  // how all lie; else float32
};
// Scores of a head; `heads` times as many numbers are what the computation needs room for.
constexpr int64_t padded_keys(int64_t keys) { return (keys + 15) / 16 * 16; }

struct TokenKernels {
  const char* name;
  // y = (x - mean) * rstd * weight + bias, mean and rstd = 1 / sqrt(variance + eps) of each row.
  void (*layer_norm)(const void* x, void* y, NormRows shape, const float* weight, const float* bias,
                     float eps, float* mean, float* rstd);
  // dx, and sums over rows: dweight of dy * (x - mean) * rstd, dbias of dy; written over. Any of dx
  // and the pair of sums may be null.
  void (*layer_norm_backward)(const void* dy, const void* x, void* dx, NormRows shape,
                              const float* weight, const float* mean, const float* rstd,
                              float* dweight, float* dbias);
  // Sums over rows of x; written over.
  void (*column_sums)(const void* x, int64_t rows, int64_t width, bool bfloat16, float* sums);
  // y = gelu(x + bias)
  void (*bias_gelu)(const void* x, void* y, int64_t rows, int64_t width, bool bfloat16,
                    const float* bias);
  // dx = dy * gelu'(x + bias), dbias = sum over rows of dx; written over.
  void (*bias_gelu_backward)(const void* dy, const void* x, void* dx, int64_t rows, int64_t width,
                             bool bfloat16, const float* bias, float* dbias);
  // y = x * scale where the rule keeps it, else 0; plus the residual, unless that is null.
  void (*dropout)(const void* residual, const void* x, void* y, DropNumbers numbers, DropRule rule);
  RowSums (*logit_sums)(const void* x, int64_t width, bool bfloat16);
  void (*logit_gradient)(const void* x, void* dx, int64_t width, bool bfloat16,
                         LogitGradient gradient);
  // y = softmax(scale q k^T + bias) v. bias: [M,N], float32, or null; weights: what the softmax
  // gives, transposed and padded.
  void (*attention)(HeadShape shape, HeadRows q, HeadRows k, HeadRows v, const float* bias,
                    HeadRowsOut y, void* weights, float* scratch);
  // y [rows, out] = x weight^T, its first `count` columns. x [rows, in].
  void (*few_rows)(FewRows shape, const float* x, const void* weight, float* y);
  // The same by bytes from a block's beginning on, each sum times its row's scale and its column's.
  // x: padded rows.
  void (*int8_rows)(Int8Rows shape, const int16_t* x, const float* x_scales, const int8_t* weight,
                    const float* scales, float* y);
  // y = x / scale to the nearest, a padded row, of which zeros may be written into the padding;
  // scale: the largest magnitude / most, which is returned. A row with a number that is infinite or
  // none gives zeros and no number, one below 1e-30 zeros.
  float (*to_shorts)(const float* x, int64_t width, int32_t most, int16_t* y);
  // y = softmax(scale q k^T) v of the keys and values in these rows. q [heads, key_dim], y [heads,
  // value_dim]; places: row numbers.
  void (*listed_attention)(ListedShape shape, const void* q, const void* k, const void* v,
                           const int64_t* places, void* y, float* scratch);
  // y = x - first - second, one after the other.
  void (*shift)(const void* x, float* y, int64_t width, bool bfloat16, float first, float second);
  // Gradients; that of the bias [M,N], float32, or null, is added to.
  void (*attention_backward)(HeadShape shape, HeadRows dy, HeadRows q, HeadRows k, HeadRows v,
                             const void* weights, HeadRowsOut dq, HeadRowsOut dk, HeadRowsOut dv,
                             float* dbias, float* scratch);
};

const TokenKernels& baseline_tokens();
const TokenKernels& avx2_tokens();
const TokenKernels& avx512_tokens();
const TokenKernels& avx512bf16_tokens();

}  // namespace braid::ops
