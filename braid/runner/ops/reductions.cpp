// Sums, means, extremes and norms along axes; running sums; where the largest number is.
#include <algorithm>
#include <cmath>
#include <limits>

#include "braid/runner/op.h"
#include "braid/runner/ops/dtypes.h"
#include "braid/runner/strided.h"

namespace braid::runner {
namespace {

enum class Reduction { kSum, kMean, kMax, kMin, kL1, kL2 };

template <Reduction kHow>
class ReduceOp final : public Op {
 public:
  explicit ReduceOp(const NodeView& node)
      : Op(node),
        keeps_(node.integer("keepdims", 1) != 0),
        nothing_for_none_(node.integer("noop_with_empty_axes", 0) != 0),
        axes_(node.integers("axes", {})) {
    node.expect_counts(1, 2);
  }

  std::vector<Tensor> run(const RunContext& context, const Inputs& in) override {
    Dims axes = in.has(1) ? numbers_of(in.at(1)) : axes_;
    Tensor x = in.at(0);
    if (axes.empty() && nothing_for_none_) return {x};
    std::vector<bool> reduced(x.dims().size(), axes.empty());
    for (const int64_t axis : axes) reduced[static_cast<size_t>(axis_of(axis, x.rank()))] = true;
    // Reduced axes go to the end, so that each output is of one row.
    Dims order, result;
    for (size_t d = 0; d < reduced.size(); ++d) {
      if (!reduced[d]) {
        order.push_back(static_cast<int64_t>(d));
        result.push_back(x.dims()[d]);
      } else if (keeps_) {
        result.push_back(1);
      }
    }
    for (size_t d = 0; d < reduced.size(); ++d)
      if (reduced[d]) order.push_back(static_cast<int64_t>(d));
    int64_t size = 1;
    for (size_t d = 0; d < reduced.size(); ++d)
      if (reduced[d]) size *= x.dims()[d];
    Tensor y = context.make(x.dtype(), result);
    if (kHow != Reduction::kSum && kHow != Reduction::kL1 && kHow != Reduction::kL2)
      expect(size > 0, "numbers to reduce", "none");
    if (x.dtype() == DType::kFloat && is_middle(x, reduced)) {
      reduce_middle(context, x, reduced, size, y);
      return {y};
    }
    if (!std::is_sorted(order.begin(), order.end())) x = turned(context, x, order);
    const bool known = for_number_type(x.dtype(), [&]<class T>(T) {
      context.threads.split(y.count(), std::max<int64_t>(1, 16384 / std::max<int64_t>(1, size)),
                            [&](int64_t begin, int64_t end, int) {
                              for (int64_t i = begin; i < end; ++i)
                                y.as<T>()[i] = row(context, x.as<T>() + i * size, size);
                            });
    });
    expect(known, "numbers", to_string(x.dtype()));
    return {y};
  }

 private:
  static Tensor turned(const RunContext& context, const Tensor& x, const Dims& order) {
    const auto own = contiguous_strides(x.dims());
    Dims dims, strides;
    for (const int64_t d : order) {
      dims.push_back(x.dim(d));
      strides.push_back(own[static_cast<size_t>(d)]);
    }
    Tensor y = context.make(x.dtype(), dims);
    copy_strided(context, y.raw(), contiguous_strides(dims), x.raw(), strides, dims,
                 size_of(x.dtype()));
    return y;
  }

  // Sums along one axis with others behind it, whole rows at a time.
  static bool is_middle(const Tensor& x, const std::vector<bool>& reduced) {
    if (kHow != Reduction::kSum && kHow != Reduction::kMean) return false;
    if (x.count() == 0 || reduced.empty() || reduced.back()) return false;
    return std::count(reduced.begin(), reduced.end(), true) == 1;
  }
  static void reduce_middle(const RunContext& context, const Tensor& x,
                            const std::vector<bool>& reduced, int64_t size, Tensor& y) {
    const auto axis =
        static_cast<size_t>(std::find(reduced.begin(), reduced.end(), true) - reduced.begin());
    const int64_t inner = product(x.dims(), axis + 1, x.dims().size());
    const float scale = kHow == Reduction::kMean ? 1 / static_cast<float>(size) : 1;
    context.threads.split(product(x.dims(), 0, axis), 1, [&](int64_t begin, int64_t end, int) {
      for (int64_t i = begin; i < end; ++i) {
        float* to = y.as<float>() + i * inner;
        const float* from = x.as<float>() + i * size * inner;
        std::copy_n(from, inner, to);
        for (int64_t k = 1; k < size; ++k)
          context.kernels.binary(Arithmetic::kAdd, to, 1, from + k * inner, 1, to, inner);
        if (scale != 1) context.kernels.binary(Arithmetic::kMul, to, 1, &scale, 0, to, inner);
      }
    });
  }

  template <class T>
  static T row(const RunContext& context, const T* x, int64_t n) {
    if constexpr (std::is_same_v<T, float> &&
                  (kHow == Reduction::kSum || kHow == Reduction::kMean)) {
      const float sum = context.kernels.sum(x, n);
      return kHow == Reduction::kMean ? sum / static_cast<float>(n) : sum;
    }
    using Sum = std::conditional_t<std::is_integral_v<T>, uint64_t, double>;
    switch (kHow) {
      case Reduction::kMax:
        return *std::max_element(x, x + n);
      case Reduction::kMin:
        return *std::min_element(x, x + n);
      default:
        break;
    }
    Sum sum = 0;
    for (int64_t i = 0; i < n; ++i) {
      const auto value = static_cast<Sum>(x[i]);
      if (kHow == Reduction::kL1)
        sum += x[i] < T(0) ? Sum(0) - value : value;
      else
        sum += kHow == Reduction::kL2 ? value * value : value;
    }
    if constexpr (std::is_integral_v<T>) {
      const auto whole = static_cast<int64_t>(sum);
      if (kHow == Reduction::kMean) return static_cast<T>(whole / n);
      if (kHow == Reduction::kL2) return static_cast<T>(std::sqrt(static_cast<double>(sum)));
      return static_cast<T>(whole);
    } else {
      if (kHow == Reduction::kL2) return static_cast<T>(std::sqrt(sum));
      return static_cast<T>(kHow == Reduction::kMean ? sum / static_cast<Sum>(n) : sum);
    }
  }

  bool keeps_, nothing_for_none_;
  Dims axes_;
};

class ArgMaxOp final : public Op {
 public:
  explicit ArgMaxOp(const NodeView& node)
      : Op(node),
        axis_(node.integer("axis", 0)),
        keeps_(node.integer("keepdims", 1) != 0),
        last_(node.integer("select_last_index", 0) != 0) {
    node.expect_counts(1, 1);
  }

  std::vector<Tensor> run(const RunContext& context, const Inputs& in) override {
    const Tensor& x = in.at(0);
    const auto axis = static_cast<size_t>(axis_of(axis_, x.rank()));
    const int64_t size = x.dims()[axis], inner = product(x.dims(), axis + 1, x.dims().size());
    expect(size > 0, "numbers to choose from", "none");
    Dims dims = x.dims();
    if (keeps_)
      dims[axis] = 1;
    else
      dims.erase(dims.begin() + static_cast<int64_t>(axis));
    Tensor y = context.make(DType::kInt64, dims);
    const bool known = for_number_type(x.dtype(), [&]<class T>(T) {
      for (int64_t i = 0; i < y.count(); ++i) {
        const T* from = x.as<T>() + i / inner * size * inner + i % inner;
        int64_t best = 0;
        for (int64_t k = 1; k < size; ++k)
          if (from[k * inner] > from[best * inner] ||
              (last_ && from[k * inner] == from[best * inner]))
            best = k;
        y.as<int64_t>()[i] = best;
      }
    });
    expect(known, "numbers", to_string(x.dtype()));
    return {y};
  }

 private:
  int64_t axis_;
  bool keeps_, last_;
};

class CumSumOp final : public Op {
 public:
  explicit CumSumOp(const NodeView& node)
      : Op(node),
        exclusive_(node.integer("exclusive", 0) != 0),
        reverse_(node.integer("reverse", 0) != 0) {
    node.expect_counts(2, 2);
  }

  std::vector<Tensor> run(const RunContext& context, const Inputs& in) override {
    const Tensor& x = in.at(0);
    const Dims chosen = numbers_of(in.at(1));
    expect(chosen.size() == 1, "one axis", to_string(chosen));
    const auto axis = static_cast<size_t>(axis_of(chosen[0], x.rank()));
    const int64_t size = x.dims()[axis], inner = product(x.dims(), axis + 1, x.dims().size());
    Tensor y = context.make(x.dtype(), x.dims());
    const int64_t rows = size == 0 ? 0 : x.count() / size;
    const bool known = for_number_type(x.dtype(), [&]<class T>(T) {
      for (int64_t i = 0; i < rows; ++i) {
        const int64_t at = i / inner * size * inner + i % inner;
        T sum = 0;
        for (int64_t k = 0; k < size; ++k) {
          const int64_t place = at + (reverse_ ? size - 1 - k : k) * inner;
          const T value = x.as<T>()[place], before = sum;
          if constexpr (std::is_integral_v<T>)
            sum = static_cast<T>(static_cast<uint64_t>(sum) + static_cast<uint64_t>(value));
          else
            sum += value;
          y.as<T>()[place] = exclusive_ ? before : sum;
        }
      }
    });
    expect(known, "numbers", to_string(x.dtype()));
    return {y};
  }

 private:
  bool exclusive_, reverse_;
};

}  // namespace

void add_reduction_ops(OpTable& table) {
  table.insert({{"ReduceSum", make_op<ReduceOp<Reduction::kSum>>},
                {"ReduceMean", make_op<ReduceOp<Reduction::kMean>>},
                {"ReduceMax", make_op<ReduceOp<Reduction::kMax>>},
                {"ReduceMin", make_op<ReduceOp<Reduction::kMin>>},
                {"ReduceL1", make_op<ReduceOp<Reduction::kL1>>},
                {"ReduceL2", make_op<ReduceOp<Reduction::kL2>>},
                {"ArgMax", make_op<ArgMaxOp>},
                {"CumSum", make_op<CumSumOp>}});
}

}  // namespace braid::runner
