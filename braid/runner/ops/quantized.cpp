// Convolutions and matrix products whose factors are quantized: computed in whole numbers. Inputs
// of both: x uint8 or int8, weight int8 or int4, bias float32, residual float32, and the scale and
// zero point of x and the scales of the weight, which are constants.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "braid/runner/integer_product.h"
#include "braid/runner/ops/fused.h"
#include "braid/runner/ops/image_plane.h"

namespace braid::runner {
namespace {

constexpr size_t kWeight = 1, kScale = 4, kZeroPoint = 5, kWeightScales = 6;

// What both have.
class QuantizedOp : public Op {
 public:
  // outputs: channels or columns, each of which may have a scale of its own.
  QuantizedOp(const NodeView& node, int64_t outputs)
      : Op(node),
        activation_(fused_activation(node)),
        bytes_out_(fused_bytes(node, kFusedOutput)),
        weight_(*node.constant(kWeight)) {
    node.expect_counts(2, 7);
    const Tensor &scale = *node.constant(kScale), &scales = *node.constant(kWeightScales);
    scale_ = *scale.as<float>();
    if (node.has_input(kZeroPoint)) {
      const Tensor& zero = *node.constant(kZeroPoint);
      zero_point_ = zero.dtype() == DType::kInt8 ? *zero.as<int8_t>() : *zero.as<uint8_t>();
    }
    for (int64_t i = 0; i < outputs; ++i)
      weight_scales_.push_back(scales.as<float>()[scales.count() == 1 ? 0 : i]);
  }
  bool keeps(size_t input) const final { return input == kWeight; }

 protected:
  void expect_bytes(const Tensor& x) const {
    if (x.dtype() != DType::kUint8) expect_dtype(x, DType::kInt8);
  }
  const float* bias_of(const Inputs& in) const {
    if (!in.has(2)) return nullptr;
    expect_dtype(in.at(2), DType::kFloat);
    expect(in.at(2).count() == static_cast<int64_t>(weight_scales_.size()), "a bias of each output",
           to_string(in.at(2).dims()));
    return in.at(2).as<float>();
  }
  // Whether the residual is of another size than the output, and so added afterwards.
  static bool is_apart(const Inputs& in, const Dims& dims) {
    return in.has(3) && (in.at(3).dims() != dims || in.at(3).dtype() != DType::kFloat);
  }
  // vectors: of K weights, one for each output; values: what they are multiplied with. Only the
  // sizes of the weight stay.
  void pack_weights(const RunContext& context, const ByteMatrix& weights, int64_t vectors,
                    int64_t K, int64_t width, const ByteMatrix& values) {
    packed_ = pack_integers(context, ByteSource(context.kernels, weights, K), vectors, K, width);
    offsets_ = zero_point_offsets(context.kernels, weights, vectors, K, values);
    weight_ = {weight_.dtype(), weight_.dims(), nullptr};
  }
  // Where the residual comes afterwards, so does what follows it.
  Tensor make_output(const RunContext& context, bool apart, const Dims& dims) const {
    return context.make(bytes_out_ && !apart ? bytes_out_->dtype : DType::kFloat, dims);
  }
  void set_ending(const Inputs& in, bool apart, int64_t at, Tensor& y, IntegerProduct& p) const {
    p.scale = scale_;
    if (y.dtype() == DType::kFloat) {
      p.out = y.as<float>() + at;
    } else {
      p.out_bytes = y.as<uint8_t>() + at;
      p.quantization = bytes_out_->quantization;
      p.is_signed = bytes_out_->is_signed();
    }
    if (apart) return;
    p.activation = activation_;
    if (in.has(3)) p.residual = in.at(3).as<float>() + at;
  }
  Tensor ended(const RunContext& context, const Inputs& in, bool apart, const Tensor& y) const {
    if (!apart) return y;
    Tensor sum = add_tensors(context, y, in.at(3), where());
    activate(context, activation_, sum);
    return bytes_out_ ? quantize_tensor(context, sum, *bytes_out_) : sum;
  }

  Activation activation_;
  std::optional<FusedBytes> bytes_out_;
  Tensor weight_;
  float scale_ = 1;
  int32_t zero_point_ = 0;
  std::vector<float> weight_scales_;
  std::shared_ptr<std::byte> packed_;
  std::vector<int32_t> offsets_;  // of each output
};

class QuantizedLinearOp final : public QuantizedOp {
 public:
  explicit QuantizedLinearOp(const NodeView& node)
      : QuantizedOp(node, node.constant(1)->dim(node.integer("transB", 0) != 0 ? 0 : 1)),
        transposed_(node.integer("transB", 0) != 0),
        K_(weight_.dim(transposed_ ? 1 : 0)),
        N_(weight_.dim(transposed_ ? 0 : 1)) {}

  std::vector<Tensor> run(const RunContext& context, const Inputs& in) override {
    const Tensor& x = in.at(0);
    expect_bytes(x);
    expect(x.rank() >= 1 && x.dims().back() == K_, "rows of the weight's size",
           to_string(x.dims()) + " for " + std::to_string(K_));
    Dims dims = x.dims();
    dims.back() = N_;
    const bool apart = is_apart(in, dims);
    Tensor y = make_output(context, apart, dims);
    const ByteMatrix values{.data = x.as<uint8_t>(),
                            .is_signed = x.dtype() == DType::kInt8,
                            .zero_point = zero_point_,
                            .row_stride = K_};
    if (packed_ == nullptr)
      pack_weights(context,
                   {.data = weight_.as<uint8_t>(),
                    .is_weight = true,
                    .is_signed = true,
                    .row_stride = transposed_ ? K_ : 1,
                    .column_stride = transposed_ ? 1 : N_},
                   N_, K_, context.kernels.integer_columns, values);
    const ByteSource rows(context.kernels, values, K_);
    IntegerProduct p{.M = product(x.dims(), 0, x.dims().size() - 1), .N = N_, .K = K_};
    p.left = &rows;
    p.right_packed = packed_.get();
    p.column_offsets = offsets_.data();
    p.out_stride = N_;
    p.column_scales = weight_scales_.data();
    p.column_bias = bias_of(in);
    set_ending(in, apart, 0, y, p);
    multiply(context, p);
    return {ended(context, in, apart, y)};
  }

 private:
  bool transposed_;
  int64_t K_, N_;
};

// Windows of bytes as vectors.
class ByteWindows final : public IntegerSource {
 public:
  ByteWindows(const Kernels& kernels, const ByteMatrix& image, const std::vector<int64_t>& rows,
              const std::vector<int64_t>& columns)
      : kernels_(kernels), image_(image), rows_(rows), columns_(columns) {}

  void pack(int64_t first, int64_t used, int64_t, std::byte* panel) const override {
    const auto runs = runs_of(columns_, first, used);
    kernels_.gather_bytes(image_.data, image_.is_signed, image_.zero_point, rows_.data(),
                          static_cast<int64_t>(rows_.size()), runs.list, runs.count, panel);
  }

 private:
  const Kernels& kernels_;
  ByteMatrix image_;
  const std::vector<int64_t>&rows_, &columns_;
};

class QuantizedConvOp final : public QuantizedOp {
 public:
  explicit QuantizedConvOp(const NodeView& node)
      : QuantizedOp(node, node.constant(1)->dim(0)),
        window_(read_window(node, {weight_.dims().begin() + 2, weight_.dims().end()})),
        M_(weight_.dim(0)),
        C_(weight_.dim(1)) {}

  std::vector<Tensor> run(const RunContext& context, const Inputs& in) override {
    const Tensor& x = in.at(0);
    expect_bytes(x);
    expect(x.rank() == weight_.rank() && x.dim(1) == C_, "an image of the weight's channels",
           to_string(x.dims()) + " for weights " + to_string(weight_.dims()));
    const Plane input = plane_of(x, window_), output = output_of(input, window_);
    expect(output.height > 0 && output.width > 0, "an image as large as the window",
           to_string(x.dims()));
    Dims dims = {x.dim(0), M_};
    if (!window_.one_dimensional) dims.push_back(output.height);
    dims.push_back(output.width);
    const bool apart = is_apart(in, dims);
    Tensor y = make_output(context, apart, dims);
    if (y.count() > 0) compute(context, in, input, output, apart, y);
    return {ended(context, in, apart, y)};
  }

 private:
  void compute(const RunContext& context, const Inputs& in, const Plane& input, const Plane& output,
               bool apart, Tensor& y) {
    const Tensor& x = in.at(0);
    const int64_t K = C_ * window_.kernel[0] * window_.kernel[1], N = output.size();
    const bool is_signed = x.dtype() == DType::kInt8;
    if (packed_ == nullptr)
      pack_weights(
          context,
          {.data = weight_.as<uint8_t>(), .is_weight = true, .is_signed = true, .row_stride = K},
          M_, K, context.kernels.integer_rows, {.is_signed = is_signed, .zero_point = zero_point_});
    const PhasedLayout layout(input, window_);
    windows_.set(layout, input, output, C_, false);
    Tensor laid_out;
    if (!layout.is_plain()) laid_out = context.make(x.dtype(), {C_, layout.size()});
    for (int64_t image = 0; image < x.dim(0); ++image) {
      ByteMatrix pixels{.data = x.as<uint8_t>() + image * C_ * input.size(),
                        .is_signed = is_signed,
                        .zero_point = zero_point_};
      if (laid_out.defined()) {
        layout.fill(context, pixels.data, C_, static_cast<uint8_t>(zero_point_),
                    laid_out.as<uint8_t>());
        pixels.data = laid_out.as<uint8_t>();
      }
      const ByteWindows windows(context.kernels, pixels, windows_.windows, windows_.outputs);
      IntegerProduct p{.M = M_, .N = N, .K = K};
      p.left_packed = packed_.get();
      p.row_offsets = offsets_.data();
      p.right = &windows;
      p.out_stride = N;
      p.row_scales = weight_scales_.data();
      p.row_bias = bias_of(in);
      set_ending(in, apart, image * M_ * N, y, p);
      multiply(context, p);
    }
  }

  Window window_;
  int64_t M_, C_;
  WindowOffsets windows_;
};

}  // namespace

void add_quantized_ops(OpTable& table) {
  table.insert({{"braid.QuantizedConv", make_op<QuantizedConvOp>},
                {"braid.QuantizedLinear", make_op<QuantizedLinearOp>}});
}

}  // namespace braid::runner
