// Matrix products: of a constant weight, of two tensors, with what follows them.
#include <fmt/format.h>

#include <algorithm>

#include "braid/runner/op.h"
#include "braid/runner/ops/fused.h"
#include "braid/runner/product.h"
#include "braid/runner/strided.h"

namespace braid::runner {
namespace {

// x [..,K] w [K,N] + bias [N] + residual [..,N], then an activation: MatMul and Gemm with constant
// weights, and what a fusion gave them. Inputs: x, w, bias, residual.
class LinearOp final : public Op {
 public:
  explicit LinearOp(const NodeView& node) : Op(node), activation_(fused_activation(node)) {
    node.expect_counts(2, 4);
    const bool transposed = node.integer("transB", 0) != 0;
    const Tensor* weight = node.constant(1);
    if (weight == nullptr || weight->rank() != 2 || weight->dtype() != DType::kFloat)
      node.refuse("a constant matrix of float32", "another");
    weight_ = *weight;
    K_ = weight_.dim(transposed ? 1 : 0);
    N_ = weight_.dim(transposed ? 0 : 1);
    matrix_ = {.data = weight_.as<float>(),
               .row_stride = transposed ? 1 : N_,
               .column_stride = transposed ? K_ : 1};
  }

  std::vector<Tensor> run(const RunContext& context, const Inputs& in) override {
    const Tensor& x = in.at(0);
    expect_dtype(x, DType::kFloat);
    expect(x.rank() >= 1 && x.dims().back() == K_, "rows of the weight's size",
           to_string(x.dims()) + " for " + std::to_string(K_));
    Dims dims = x.dims();
    dims.back() = N_;
    Tensor y = context.make(DType::kFloat, dims);
    const int64_t M = product(x.dims(), 0, x.dims().size() - 1);
    if (packed_ == nullptr) packed_ = pack_right(context, MatrixSource(matrix_), K_, N_);
    Product p{.M = M, .N = N_, .K = K_};
    p.left = {.data = x.as<float>(), .row_stride = K_};
    p.right_packed = reinterpret_cast<const float*>(packed_.get());
    p.out = y.as<float>();
    p.out_stride = N_;
    p.activation = activation_;
    if (in.has(2)) {
      expect_dtype(in.at(2), DType::kFloat);
      expect(in.at(2).count() == N_, "a bias of each column", to_string(in.at(2).dims()));
      p.column_bias = in.at(2).as<float>();
    }
    const bool apart = in.has(3) && (in.at(3).dims() != dims || in.at(3).dtype() != DType::kFloat);
    if (in.has(3) && !apart) p.residual = in.at(3).as<float>();
    if (apart) p.activation = {};
    multiply(context, p);
    if (!apart) return {y};
    Tensor sum = add_tensors(context, y, in.at(3), where());
    activate(context, activation_, sum);
    return {sum};
  }

 private:
  Activation activation_;
  Tensor weight_;
  int64_t K_ = 0, N_ = 0;
  Matrix matrix_;
  std::shared_ptr<std::byte> packed_;
};

// a [..,M,K] b [..,K,N]; the leading sizes broadcast.
class MatMulOp final : public Op {
 public:
  explicit MatMulOp(const NodeView& node) : Op(node) { node.expect_counts(2, 2); }

  std::vector<Tensor> run(const RunContext& context, const Inputs& in) override {
    Tensor a = in.at(0), b = in.at(1);
    expect_dtype(a, DType::kFloat);
    expect_dtype(b, DType::kFloat);
    expect(a.rank() >= 1 && b.rank() >= 1, "matrices", "a single number");
    const bool a_row = a.rank() == 1, b_column = b.rank() == 1;
    if (a_row) a = a.view({1, a.dim(0)});
    if (b_column) b = b.view({b.dim(0), 1});
    const int64_t M = a.dim(a.rank() - 2), K = a.dim(a.rank() - 1), N = b.dim(b.rank() - 1);
    bool fits = true;
    const Dims batch = broadcast({a.dims().begin(), a.dims().end() - 2},
                                 {b.dims().begin(), b.dims().end() - 2}, fits);
    expect(fits && b.dim(b.rank() - 2) == K, "matrices that can be multiplied",
           to_string(in.at(0).dims()) + " and " + to_string(in.at(1).dims()));
    Dims dims = batch;
    if (!a_row) dims.push_back(M);
    if (!b_column) dims.push_back(N);
    Tensor y = context.make(DType::kFloat, dims);
    if (y.count() > 0) compute(context, a, b, batch, M, N, K, y);
    return {y};
  }

 private:
  static void compute(const RunContext& context, const Tensor& a, const Tensor& b,
                      const Dims& batch, int64_t M, int64_t N, int64_t K, Tensor& y) {
    const auto a_at = broadcast_strides({a.dims().begin(), a.dims().end() - 2}, batch);
    const auto b_at = broadcast_strides({b.dims().begin(), b.dims().end() - 2}, batch);
    const int64_t count = product(batch);
    const auto run_one = [&](int64_t i, const auto& multiply_it) {
      int64_t left = 0, right = 0, rest = i;
      for (size_t d = batch.size(); d-- > 0; rest /= batch[d]) {
        left += rest % batch[d] * a_at[d];
        right += rest % batch[d] * b_at[d];
      }
      const MatrixSource source({.data = b.as<float>() + right * K * N, .row_stride = N});
      Product p{.M = M, .N = N, .K = K};
      p.left = {.data = a.as<float>() + left * M * K, .row_stride = K};
      p.right = &source;
      p.out = y.as<float>() + i * M * N;
      p.out_stride = N;
      multiply_it(p);
    };
    const MatrixSource any({});
    Product shape{.M = M, .N = N, .K = K};
    shape.right = &any;
    if (count < context.threads.size()) {
      for (int64_t i = 0; i < count; ++i)
        run_one(i, [&](const Product& p) { multiply(context, p); });
      return;
    }
    const auto scratch = context.scratch(product_scratch(context.kernels, shape));
    const int64_t grain =
        std::max<int64_t>(1, 100'000 / std::max<int64_t>(1, std::min<int64_t>(M, 1 << 20) *
                                                                std::min<int64_t>(N, 1 << 20) *
                                                                std::min<int64_t>(K, 1 << 20)));
    context.threads.split(count, grain, [&](int64_t begin, int64_t end, int thread) {
      auto* mine = scratch.floats_of(thread);
      for (int64_t i = begin; i < end; ++i)
        run_one(i, [&](const Product& p) { multiply_here(context.kernels, p, mine); });
    });
  }
};

// alpha A B + beta C with transpositions, where the weight is not constant or there are factors.
class GemmOp final : public Op {
 public:
  explicit GemmOp(const NodeView& node)
      : Op(node),
        alpha_(node.number("alpha", 1)),
        beta_(node.number("beta", 1)),
        a_turned_(node.integer("transA", 0) != 0),
        b_turned_(node.integer("transB", 0) != 0) {
    node.expect_counts(2, 3);
  }

  std::vector<Tensor> run(const RunContext& context, const Inputs& in) override {
    const Tensor &a = in.at(0), &b = in.at(1);
    for (const auto* factor : {&a, &b}) {
      expect_dtype(*factor, DType::kFloat);
      expect(factor->rank() == 2, "a matrix", to_string(factor->dims()));
    }
    const int64_t M = a.dim(a_turned_ ? 1 : 0), K = a.dim(a_turned_ ? 0 : 1),
                  N = b.dim(b_turned_ ? 0 : 1);
    expect(b.dim(b_turned_ ? 1 : 0) == K, "matrices that can be multiplied",
           to_string(a.dims()) + " and " + to_string(b.dims()));
    Tensor y = context.make(DType::kFloat, {M, N});
    const MatrixSource source({.data = b.as<float>(),
                               .row_stride = b_turned_ ? 1 : N,
                               .column_stride = b_turned_ ? K : 1});
    Product p{.M = M, .N = N, .K = K};
    p.left = {
        .data = a.as<float>(), .row_stride = a_turned_ ? 1 : K, .column_stride = a_turned_ ? M : 1};
    p.right = &source;
    p.out = y.as<float>();
    p.out_stride = N;
    multiply(context, p);
    float* out = y.as<float>();
    if (alpha_ != 1)
      for (int64_t i = 0; i < y.count(); ++i) out[i] *= alpha_;
    if (!in.has(2)) return {y};
    const Tensor& c = in.at(2);
    expect_dtype(c, DType::kFloat);
    bool fits = true;
    expect(broadcast(c.dims(), y.dims(), fits) == y.dims() && fits,
           "a summand that broadcasts to the product", to_string(c.dims()));
    const auto at = broadcast_strides(c.dims(), y.dims());
    for (int64_t i = 0; i < M; ++i)
      for (int64_t j = 0; j < N; ++j)
        out[i * N + j] += beta_ * c.as<float>()[i * at[0] + j * at[1]];
    return {y};
  }

 private:
  float alpha_, beta_;
  bool a_turned_, b_turned_;
};

OpPtr make_product(const NodeView& node) {
  if (is_linear(node)) return std::make_unique<LinearOp>(node);
  if (node.node().op_type == "Gemm") return std::make_unique<GemmOp>(node);
  return std::make_unique<MatMulOp>(node);
}

}  // namespace

Activation fused_activation(const NodeView& node) {
  return {static_cast<Function>(node.integer(kFusedFunction, 0)), node.number(kFusedAlpha, 0),
          node.number(kFusedBeta, 0)};
}

bool is_linear(const NodeView& node) {
  const bool gemm = node.node().op_type == "Gemm";
  node.expect_counts(2, gemm ? 3 : 2);
  const Tensor* weight = node.constant(1);
  if (weight == nullptr || weight->rank() != 2 || weight->dtype() != DType::kFloat) return false;
  if (!gemm) return true;
  if (node.number("alpha", 1) != 1 || node.number("beta", 1) != 1 || node.integer("transA", 0) != 0)
    return false;
  if (!node.has_input(2)) return true;
  const Tensor* bias = node.constant(2);
  return bias != nullptr && bias->rank() == 1 && bias->dtype() == DType::kFloat &&
         bias->count() == weight->dim(node.integer("transB", 0) != 0 ? 0 : 1);
}

void add_product_ops(OpTable& table) {
  table.insert(
      {{"MatMul", make_product}, {"Gemm", make_product}, {"braid.Linear", make_op<LinearOp>}});
}

}  // namespace braid::runner
