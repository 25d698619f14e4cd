#include "braid/ops/int8_linear.h"

#include <torch/library.h>

#include <algorithm>
#include <limits>
#include <vector>

#include "braid/ops/few_rows_tasks.h"
#include "braid/ops/operator_named.h"
#include "braid/ops/token_kernels_cpu.h"

namespace braid::ops {
namespace {

using torch::Tensor;

constexpr double kMostByte = 127;
constexpr int64_t kLeastMost = 2047;  // twelve bits are little already

Tensor int8_forward(const Tensor& x, const Tensor& packed, const Tensor& scale, int64_t most,
                    const std::optional<Tensor>& bias, at::ScalarType type) {
  const int64_t in = x.size(-1), out = scale.size(0), rows = x.numel() / in;
  const int64_t stride = padded_shorts(in), pairs = packed.size(1);
  const Tensor left = x.to(at::kFloat);
  const auto& kernels = token_kernels();
  std::vector<int16_t> shorts(static_cast<size_t>(rows * stride));
  std::vector<float> scales(static_cast<size_t>(rows));
  for (int64_t row = 0; row < rows; ++row)
    scales[static_cast<size_t>(row)] =
        kernels.to_shorts(left.const_data_ptr<float>() + row * in, in, static_cast<int32_t>(most),
                          shorts.data() + row * stride);
  auto sizes = x.sizes().vec();
  sizes.back() = out;
  const auto* matrix = packed.const_data_ptr<int8_t>();
  const auto* row_scales = scale.const_data_ptr<float>();
  return few_rows_tasks(
      sizes, in, bias, type, kInt8Outs, [&](float* sums, int64_t first, int64_t last) {
        kernels.int8_rows(
            {.rows = rows, .pairs = pairs, .out = out, .count = last - first, .x_stride = stride},
            shorts.data(), scales.data(), matrix + first * 2 * pairs, row_scales + first,
            sums + first);
      });
}

// With the dispatcher, so that what watches operators sees them.
TORCH_LIBRARY_FRAGMENT(braid, library) {
  library.def(
      "int8_linear(Tensor x, Tensor packed, Tensor scale, int most, Tensor? bias, ScalarType type) "
      "-> Tensor",
      int8_forward);
}

}  // namespace

Int8Matrix to_int8(const Tensor& weight) {
  const auto numbers = weight.detach().to(at::kFloat);
  const auto scale = numbers.abs().amax(1) / kMostByte;
  const auto whole = (numbers / scale.clamp_min(std::numeric_limits<float>::min()).unsqueeze(1))
                         .round()
                         .clamp(-kMostByte, kMostByte);
  constexpr int64_t kMostSum = std::numeric_limits<int32_t>::max();
  const auto largest_sum = static_cast<int64_t>(
      numbers.numel() == 0 ? 0 : whole.abs().sum(1, false, at::kDouble).max().item<double>());
  const int64_t out = weight.size(0), in = weight.size(1);
  const int64_t blocks = (out + kInt8Outs - 1) / kInt8Outs, pairs = (in + 1) / 2;
  const auto padded =
      at::constant_pad_nd(whole.to(at::kChar), {0, 2 * pairs - in, 0, blocks * kInt8Outs - out});
  return {padded.view({blocks, kInt8Outs, pairs, 2}).transpose(1, 2).contiguous(),
          scale.contiguous(), in,
          std::min<int64_t>(std::numeric_limits<int16_t>::max(),
                            kMostSum / std::max<int64_t>(1, largest_sum))};
}

Tensor bytes_of(const Int8Matrix& matrix) {
  const auto& packed = matrix.packed;
  return packed.transpose(1, 2)
      .reshape({packed.size(0) * kInt8Outs, packed.size(1) * 2})
      .slice(0, 0, matrix.scale.size(0))
      .slice(1, 0, matrix.in);
}

Tensor to_float(const Int8Matrix& matrix) {
  return bytes_of(matrix).to(at::kFloat) * matrix.scale.unsqueeze(1);
}

bool is_int8_linear_fused(const Tensor& x, const Int8Matrix& matrix, const Tensor& bias,
                          at::ScalarType type) {
  const auto fits = [](const Tensor& t, at::ScalarType wanted, int64_t dim) {
    return t.is_cpu() && t.scalar_type() == wanted && t.is_contiguous() && t.dim() == dim;
  };
  return !at::GradMode::is_enabled() && is_few_rows_type(type) &&
         is_few_rows_type(x.scalar_type()) && x.is_cpu() && x.is_contiguous() && x.numel() > 0 &&
         x.dim() > 0 && fits(matrix.packed, at::kChar, 4) && matrix.packed.numel() > 0 &&
         fits(matrix.scale, at::kFloat, 1) && x.size(-1) == matrix.in &&
         x.numel() <= kMostInt8Rows * x.size(-1) && matrix.most >= kLeastMost &&
         (!bias.defined() || (fits(bias, at::kFloat, 1) && bias.numel() == matrix.scale.numel()));
}

Tensor composed_int8_linear(const Tensor& x, const Int8Matrix& matrix, const Tensor& bias,
                            at::ScalarType type) {
  return at::linear(x.to(at::kFloat), to_float(matrix), bias.defined() ? bias.to(at::kFloat) : bias)
      .to(type);
}

Tensor int8_linear(const Tensor& x, const Int8Matrix& matrix, const Tensor& bias,
                   at::ScalarType type) {
  if (!is_int8_linear_fused(x, matrix, bias, type))
    return composed_int8_linear(x, matrix, bias, type);
  static const auto op = operator_named<decltype(int8_forward)>("braid::int8_linear");
  const at::AutoDispatchBelowADInplaceOrView below;
  return op.call(x, matrix.packed, matrix.scale, matrix.most, where_defined(bias), type);
}

}  // namespace braid::ops
