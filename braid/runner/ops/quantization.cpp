// QuantizeLinear and DequantizeLinear, of one scale or of one for each place along an axis.
#include <cmath>
#include <optional>

#include "braid/runner/op.h"
#include "braid/runner/ops/fused.h"

namespace braid::runner {
namespace {

class ScaledOp : public Op {
 public:
  explicit ScaledOp(const NodeView& node) : Op(node), axis_(node.integer("axis", 1)) {
    node.expect_counts(2, 3);
    if (node.integer("block_size", 0) != 0) node.refuse("scales without blocks", "block_size");
  }

 protected:
  // Elements of one scale lie behind each other: [outer, scales, inner].
  struct Layout {
    int64_t scales = 1, inner = 1;
  };
  Layout layout_of(const Tensor& x, const Inputs& in) const {
    const Tensor& scale = in.at(1);
    expect_dtype(scale, DType::kFloat);
    Layout layout{.scales = 1, .inner = x.count()};
    if (scale.rank() > 0 && scale.count() != 1) {
      const auto axis = static_cast<size_t>(axis_of(axis_, x.rank()));
      expect(scale.rank() == 1 && scale.count() == x.dims()[axis],
             "a scale for each place along the axis", to_string(scale.dims()));
      layout = {.scales = scale.count(), .inner = product(x.dims(), axis + 1, x.dims().size())};
    }
    expect(scale.count() >= 1, "a scale", "none");
    if (in.has(2))
      expect(in.at(2).count() == scale.count(), "as many zero points as scales",
             to_string(in.at(2).dims()));
    return layout;
  }

  Quantization quantization_of(const Inputs& in, int64_t i) const {
    Quantization q{.scale = in.at(1).as<float>()[i], .zero_point = 0};
    expect(q.scale > 0 && std::isfinite(q.scale), "scales above 0", std::to_string(q.scale));
    if (!in.has(2)) return q;
    const Tensor& zero = in.at(2);
    if (zero.dtype() == DType::kInt32)
      q.zero_point = zero.as<int32_t>()[i];
    else if (zero.dtype() == DType::kInt8 || zero.dtype() == DType::kInt4)
      q.zero_point = zero.as<int8_t>()[i];
    else
      q.zero_point = zero.as<uint8_t>()[i];
    return q;
  }

 private:
  int64_t axis_;
};

class QuantizeOp final : public ScaledOp {
 public:
  explicit QuantizeOp(const NodeView& node) : ScaledOp(node) {
    const int64_t type = node.integer("output_dtype", 0);
    for (const DType dtype : {DType::kUint8, DType::kInt8})
      if (type == static_cast<int64_t>(dtype)) dtype_ = dtype;
    if (type != 0 && !dtype_)
      node.refuse("uint8 or int8 as output_dtype", "type " + std::to_string(type) + " of ONNX");
  }

  std::vector<Tensor> run(const RunContext& context, const Inputs& in) override {
    const Tensor& x = in.at(0);
    expect_dtype(x, DType::kFloat);
    const DType dtype = in.has(2) ? in.at(2).dtype() : dtype_.value_or(DType::kUint8);
    expect(dtype == DType::kUint8 || dtype == DType::kInt8, "zero points of uint8 or int8",
           to_string(dtype));
    expect(dtype == dtype_.value_or(dtype), "zero points of output_dtype", to_string(dtype));
    const auto layout = layout_of(x, in);
    if (x.count() == 0) return {context.make(dtype, x.dims())};
    const int64_t rows = x.count() / layout.inner;
    for (int64_t i = 0; i < layout.scales; ++i) quantization_of(in, i);  // refuses
    if (rows == 1)
      return {
          quantize_tensor(context, x, {.quantization = quantization_of(in, 0), .dtype = dtype})};
    Tensor y = context.make(dtype, x.dims());
    for (int64_t i = 0; i < rows; ++i)
      context.kernels.quantize(x.as<float>() + i * layout.inner, y.as<uint8_t>() + i * layout.inner,
                               layout.inner, quantization_of(in, i % layout.scales),
                               dtype == DType::kInt8);
    return {y};
  }

 private:
  std::optional<DType> dtype_;  // that the file asks for; else that of the zero point
};

class DequantizeOp final : public ScaledOp {
 public:
  explicit DequantizeOp(const NodeView& node) : ScaledOp(node) {}

  std::vector<Tensor> run(const RunContext& context, const Inputs& in) override {
    const Tensor& x = in.at(0);
    const auto layout = layout_of(x, in);
    Tensor y = context.make(DType::kFloat, x.dims());
    if (in.has(2)) expect_dtype(in.at(2), x.dtype());
    if (x.count() == 0) return {y};
    const bool is_signed = x.dtype() == DType::kInt8 || x.dtype() == DType::kInt4;
    const bool bytes = x.dtype() == DType::kUint8 || is_signed;
    if (!bytes) expect_dtype(x, DType::kInt32);
    const int64_t rows = x.count() / layout.inner;
    for (int64_t i = 0; i < rows; ++i) {
      const auto q = quantization_of(in, i % layout.scales);
      float* to = y.as<float>() + i * layout.inner;
      if (bytes)
        context.threads.split(layout.inner, 16384, [&](int64_t begin, int64_t end, int) {
          context.kernels.dequantize(x.as<uint8_t>() + i * layout.inner + begin, to + begin,
                                     end - begin, q, is_signed);
        });
      else
        for (int64_t k = 0; k < layout.inner; ++k)
          to[k] = static_cast<float>(static_cast<int64_t>(x.as<int32_t>()[i * layout.inner + k]) -
                                     q.zero_point) *
                  q.scale;
    }
    return {y};
  }
};

}  // namespace

std::optional<FusedBytes> fused_bytes(const NodeView& node, const QuantizedNames& names) {
  if (!node.has(names.scale)) return std::nullopt;
  return FusedBytes{
      .quantization = {.scale = node.number(names.scale, 1),
                       .zero_point = static_cast<int32_t>(node.integer(names.zero_point, 0))},
      .dtype = static_cast<DType>(node.integer(names.dtype, 0))};
}

Tensor quantize_tensor(const RunContext& context, const Tensor& y, const FusedBytes& bytes) {
  Tensor out = context.make(bytes.dtype, y.dims());
  context.threads.split(y.count(), 16384, [&](int64_t begin, int64_t end, int) {
    context.kernels.quantize(y.as<float>() + begin, out.as<uint8_t>() + begin, end - begin,
                             bytes.quantization, bytes.is_signed());
  });
  return out;
}

void add_quantization_ops(OpTable& table) {
  table.insert(
      {{"QuantizeLinear", make_op<QuantizeOp>}, {"DequantizeLinear", make_op<DequantizeOp>}});
}

}  // namespace braid::runner
