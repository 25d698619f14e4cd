// Norms and softmax.
#include <algorithm>
#include <cmath>

#include "braid/runner/op.h"
#include "braid/runner/ops/fused.h"

namespace braid::runner {
namespace {

constexpr int64_t kNormElementsAtOnce = 8192;

// Rows for a thread, of so many elements each.
int64_t rows_at_once(int64_t size) {
  return std::max<int64_t>(1, kNormElementsAtOnce / std::max<int64_t>(1, size));
}

class SoftmaxOp final : public Op {
 public:
  explicit SoftmaxOp(const NodeView& node)
      : Op(node), log_(node.node().op_type == "LogSoftmax"), axis_(node.integer("axis", -1)) {
    node.expect_counts(1, 1);
  }

  std::vector<Tensor> run(const RunContext& context, const Inputs& in) override {
    const Tensor& x = in.at(0);
    expect_dtype(x, DType::kFloat);
    const auto axis = static_cast<size_t>(axis_of(axis_, x.rank()));
    const int64_t size = x.dims()[axis], inner = product(x.dims(), axis + 1, x.dims().size());
    Tensor y = in.is_free(0) ? x : context.make(DType::kFloat, x.dims());
    if (x.count() == 0) return {y};
    const float* from = x.as<float>();
    float* to = y.as<float>();
    if (inner == 1 && !log_) {
      context.threads.split(x.count() / size, rows_at_once(size),
                            [&](int64_t begin, int64_t end, int) {
                              for (int64_t i = begin; i < end; ++i)
                                context.kernels.softmax(from + i * size, to + i * size, size);
                            });
      return {y};
    }
    const int64_t outer = x.count() / size / inner;
    context.threads.split(outer, 1, [&](int64_t begin, int64_t end, int) {
      for (int64_t i = begin; i < end; ++i)
        for (int64_t k = 0; k < inner; ++k)
          column(from + i * size * inner + k, to + i * size * inner + k, size, inner);
    });
    return {y};
  }

 private:
  void column(const float* x, float* y, int64_t size, int64_t stride) const {
    float top = x[0];
    for (int64_t i = 1; i < size; ++i) top = std::max(top, x[i * stride]);
    if (std::isinf(top) && top < 0) top = 0;
    double sum = 0;
    for (int64_t i = 0; i < size; ++i) sum += std::exp(x[i * stride] - top);
    const auto log_sum = static_cast<float>(std::log(sum));
    for (int64_t i = 0; i < size; ++i) {
      const float value = x[i * stride] - top - log_sum;
      y[i * stride] = log_ ? value : std::exp(value);
    }
  }

  bool log_;
  int64_t axis_;
};

class LayerNormOp final : public Op {
 public:
  explicit LayerNormOp(const NodeView& node)
      : Op(node), axis_(node.integer("axis", -1)), epsilon_(node.number("epsilon", 1e-5f)) {
    node.expect_counts(2, 3);
  }

  std::vector<Tensor> run(const RunContext& context, const Inputs& in) override {
    const Tensor &x = in.at(0), &gain = in.at(1);
    expect_dtype(x, DType::kFloat);
    expect_dtype(gain, DType::kFloat);
    const auto axis = static_cast<size_t>(axis_of(axis_, x.rank()));
    const int64_t size = product(x.dims(), axis, x.dims().size());
    expect(gain.count() == size, "a gain of the normalized sizes", to_string(gain.dims()));
    const float* bias = nullptr;
    if (in.has(2)) {
      expect_dtype(in.at(2), DType::kFloat);
      expect(in.at(2).count() == size, "a bias of the normalized sizes",
             to_string(in.at(2).dims()));
      bias = in.at(2).as<float>();
    }
    Tensor y = in.is_free(0) ? x : context.make(DType::kFloat, x.dims());
    if (x.count() == 0) return {y};
    const float* from = x.as<float>();
    float* to = y.as<float>();
    context.threads.split(x.count() / size, rows_at_once(size),
                          [&](int64_t begin, int64_t end, int) {
                            for (int64_t i = begin; i < end; ++i)
                              context.kernels.normalize(from + i * size, to + i * size, size,
                                                        gain.as<float>(), bias, epsilon_);
                          });
    return {y};
  }

 private:
  int64_t axis_;
  float epsilon_;
};

// x [N,C,..], one scale and one shift for each channel, then an activation that was fused.
class BatchNormOp final : public Op {
 public:
  explicit BatchNormOp(const NodeView& node)
      : Op(node), epsilon_(node.number("epsilon", 1e-5f)), activation_(fused_activation(node)) {
    node.expect_counts(5, 5);
    if (node.integer("training_mode", 0) != 0) node.refuse("running statistics", "training_mode");
  }

  std::vector<Tensor> run(const RunContext& context, const Inputs& in) override {
    const Tensor& x = in.at(0);
    expect_dtype(x, DType::kFloat);
    expect(x.rank() >= 2, "an image", to_string(x.dims()));
    const int64_t C = x.dim(1), size = product(x.dims(), 2, x.dims().size());
    for (size_t i = 1; i < 5; ++i) {
      expect_dtype(in.at(i), DType::kFloat);
      expect(in.at(i).count() == C, "a number of each channel", to_string(in.at(i).dims()));
    }
    const float *gain = in.at(1).as<float>(), *bias = in.at(2).as<float>(),
                *mean = in.at(3).as<float>(), *variance = in.at(4).as<float>();
    Tensor y = in.is_free(0) ? x : context.make(DType::kFloat, x.dims());
    context.threads.split(x.dim(0) * C, rows_at_once(size), [&](int64_t begin, int64_t end, int) {
      for (int64_t i = begin; i < end; ++i) {
        const int64_t c = i % C;
        const float scale = gain[c] / std::sqrt(variance[c] + epsilon_);
        const float shift = bias[c] - mean[c] * scale;
        context.kernels.finish(x.as<float>() + i * size, size, y.as<float>() + i * size, size, 1,
                               size, {.scale = scale, .bias = shift, .activation = activation_});
      }
    });
    return {y};
  }

 private:
  float epsilon_;
  Activation activation_;
};

class InstanceNormOp final : public Op {
 public:
  explicit InstanceNormOp(const NodeView& node)
      : Op(node), epsilon_(node.number("epsilon", 1e-5f)) {
    node.expect_counts(3, 3);
  }

  std::vector<Tensor> run(const RunContext& context, const Inputs& in) override {
    const Tensor& x = in.at(0);
    expect_dtype(x, DType::kFloat);
    expect(x.rank() >= 3, "an image", to_string(x.dims()));
    const int64_t C = x.dim(1), size = product(x.dims(), 2, x.dims().size());
    for (size_t i = 1; i < 3; ++i) {
      expect_dtype(in.at(i), DType::kFloat);
      expect(in.at(i).count() == C, "a number of each channel", to_string(in.at(i).dims()));
    }
    Tensor y = context.make(DType::kFloat, x.dims());
    if (x.count() == 0) return {y};
    context.threads.split(x.dim(0) * C, rows_at_once(size), [&](int64_t begin, int64_t end, int) {
      for (int64_t i = begin; i < end; ++i) {
        float* to = y.as<float>() + i * size;
        context.kernels.normalize(x.as<float>() + i * size, to, size, nullptr, nullptr, epsilon_);
        const float gain = in.at(1).as<float>()[i % C], bias = in.at(2).as<float>()[i % C];
        if (gain == 1 && bias == 0) continue;
        for (int64_t k = 0; k < size; ++k) to[k] = to[k] * gain + bias;
      }
    });
    return {y};
  }

 private:
  float epsilon_;
};

}  // namespace

void add_norm_ops(OpTable& table) {
  table.insert({{"Softmax", make_op<SoftmaxOp>},
                {"LogSoftmax", make_op<SoftmaxOp>},
                {"LayerNormalization", make_op<LayerNormOp>},
                {"BatchNormalization", make_op<BatchNormOp>},
                {"InstanceNormalization", make_op<InstanceNormOp>}});
}

}  // namespace braid::runner
