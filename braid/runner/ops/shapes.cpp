// Operators that only look at a tensor another way, and those that make shapes.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "braid/runner/op.h"
#include "braid/runner/ops/dtypes.h"

namespace braid::runner {
namespace {

class ReshapeOp final : public Op {
 public:
  explicit ReshapeOp(const NodeView& node)
      : Op(node), zero_is_zero_(node.integer("allowzero", 0) != 0) {
    node.expect_counts(2, 2);
  }

  std::vector<Tensor> run(const RunContext&, const Inputs& in) override {
    const Tensor& x = in.at(0);
    Dims dims = numbers_of(in.at(1));
    int64_t open = -1, known = 1;
    for (size_t d = 0; d < dims.size(); ++d) {
      if (dims[d] == 0 && !zero_is_zero_) {
        expect(d < x.dims().size(), "a dimension to take over", to_string(dims));
        dims[d] = x.dims()[d];
      }
      expect(dims[d] >= -1, "sizes of -1 and more", to_string(dims));
      if (dims[d] == -1) {
        expect(open < 0, "one size that is open", to_string(dims));
        open = static_cast<int64_t>(d);
      } else {
        expect(!__builtin_mul_overflow(known, dims[d], &known),
               "sizes of the same number of elements",
               to_string(dims) + " for " + to_string(x.dims()));
      }
    }
    if (open >= 0) {
      expect(known > 0 && x.count() % known == 0, "sizes of the same number of elements",
             to_string(dims) + " for " + to_string(x.dims()));
      dims[static_cast<size_t>(open)] = x.count() / known;
      known = x.count();
    }
    expect(known == x.count(), "sizes of the same number of elements",
           to_string(dims) + " for " + to_string(x.dims()));
    count_of(dims, x.dtype(), where());  // sizes beside one of 0 are bounded too
    return {x.view(dims)};
  }

 private:
  bool zero_is_zero_;
};

class FlattenOp final : public Op {
 public:
  explicit FlattenOp(const NodeView& node) : Op(node), axis_(node.integer("axis", 1)) {
    node.expect_counts(1, 1);
  }

  std::vector<Tensor> run(const RunContext&, const Inputs& in) override {
    const Tensor& x = in.at(0);
    const int64_t axis = axis_ == x.rank() ? axis_ : axis_of(axis_, x.rank());
    const auto cut = static_cast<size_t>(axis);
    return {x.view({product(x.dims(), 0, cut), product(x.dims(), cut, x.dims().size())})};
  }

 private:
  int64_t axis_;
};

class SqueezeOp final : public Op {
 public:
  explicit SqueezeOp(const NodeView& node) : Op(node) { node.expect_counts(1, 2); }

  std::vector<Tensor> run(const RunContext&, const Inputs& in) override {
    const Tensor& x = in.at(0);
    std::vector<bool> gone(x.dims().size(), false);
    if (in.has(1))
      for (const int64_t axis : numbers_of(in.at(1))) {
        const auto d = static_cast<size_t>(axis_of(axis, x.rank()));
        expect(x.dims()[d] == 1, "dimensions of size 1", to_string(x.dims()));
        gone[d] = true;
      }
    else
      for (size_t d = 0; d < gone.size(); ++d) gone[d] = x.dims()[d] == 1;
    Dims dims;
    for (size_t d = 0; d < gone.size(); ++d)
      if (!gone[d]) dims.push_back(x.dims()[d]);
    return {x.view(dims)};
  }
};

class UnsqueezeOp final : public Op {
 public:
  explicit UnsqueezeOp(const NodeView& node) : Op(node) { node.expect_counts(2, 2); }

  std::vector<Tensor> run(const RunContext&, const Inputs& in) override {
    const Tensor& x = in.at(0);
    const Dims axes = numbers_of(in.at(1));
    const int64_t rank = x.rank() + static_cast<int64_t>(axes.size());
    std::vector<bool> added(static_cast<size_t>(rank), false);
    for (const int64_t axis : axes) {
      const auto d = static_cast<size_t>(axis_of(axis, rank));
      expect(!added[d], "each axis once", to_string(axes));
      added[d] = true;
    }
    Dims dims;
    size_t from = 0;
    for (const bool is_new : added) dims.push_back(is_new ? 1 : x.dims()[from++]);
    return {x.view(dims)};
  }
};

class ShapeOp final : public Op {
 public:
  explicit ShapeOp(const NodeView& node)
      : Op(node), start_(node.integer("start", 0)), end_(node.integer("end", INT64_MAX)) {
    node.expect_counts(1, 1);
  }

  std::vector<Tensor> run(const RunContext& context, const Inputs& in) override {
    const Dims& dims = in.at(0).dims();
    const auto rank = static_cast<int64_t>(dims.size());
    const auto place = [&](int64_t at) {
      return std::clamp<int64_t>(at < 0 ? at + rank : at, 0, rank);
    };
    const int64_t begin = place(start_), end = std::max(begin, place(end_));
    Tensor y = context.make(DType::kInt64, {end - begin});
    std::copy(dims.begin() + begin, dims.begin() + end, y.as<int64_t>());
    return {y};
  }

 private:
  int64_t start_, end_;
};

class RangeOp final : public Op {
 public:
  explicit RangeOp(const NodeView& node) : Op(node) { node.expect_counts(3, 3); }

  std::vector<Tensor> run(const RunContext& context, const Inputs& in) override {
    for (size_t i = 0; i < 3; ++i) {
      expect(in.at(i).count() == 1, "single numbers", to_string(in.at(i).dims()));
      expect(in.at(i).dtype() == in.at(0).dtype(), "numbers of one type",
             to_string(in.at(i).dtype()));
    }
    Tensor y;
    const bool known = for_number_type(in.at(0).dtype(), [&]<class T>(T) {
      const T start = *in.at(0).as<T>(), limit = *in.at(1).as<T>(), delta = *in.at(2).as<T>();
      const double count =
          delta == T(0) ? 0
                        : std::ceil((static_cast<double>(limit) - static_cast<double>(start)) /
                                    static_cast<double>(delta));
      expect(delta != T(0) && count < 1e9, "a range of less than 1e9 numbers", "more");
      y = context.make(in.at(0).dtype(), {count > 0 ? static_cast<int64_t>(count) : 0});
      for (int64_t i = 0; i < y.count(); ++i)
        y.as<T>()[i] = static_cast<T>(start + static_cast<T>(i) * delta);
    });
    expect(known, "numbers", to_string(in.at(0).dtype()));
    return {y};
  }
};

class ConstantOp final : public Op {
 public:
  explicit ConstantOp(const NodeView& node) : Op(node) {
    node.expect_counts(0, 0);
    if (const auto* tensor = node.tensor("value"); tensor != nullptr) {
      dtype_ = tensor->dtype;
      dims_ = tensor->dims;
      bytes_.assign(tensor->bytes.begin(), tensor->bytes.end());
    } else if (node.has("value_int")) {
      set(DType::kInt64, {}, std::vector<int64_t>{node.integer("value_int", 0)});
    } else if (node.has("value_ints")) {
      const auto numbers = node.integers("value_ints", {});
      set(DType::kInt64, {static_cast<int64_t>(numbers.size())}, numbers);
    } else if (node.has("value_float")) {
      set(DType::kFloat, {}, std::vector<float>{node.number("value_float", 0)});
    } else {
      node.refuse("a constant's value", "none that is known");
    }
  }

  std::vector<Tensor> run(const RunContext& context, const Inputs&) override {
    Tensor y = context.make(dtype_, dims_);
    if (!bytes_.empty()) std::memcpy(y.raw(), bytes_.data(), bytes_.size());
    return {y};
  }

 private:
  template <class T>
  void set(DType dtype, const Dims& dims, const std::vector<T>& numbers) {
    dtype_ = dtype;
    dims_ = dims;
    bytes_.resize(numbers.size() * sizeof(T));
    if (!numbers.empty()) std::memcpy(bytes_.data(), numbers.data(), bytes_.size());
  }

  DType dtype_ = DType::kFloat;
  Dims dims_;
  std::vector<uint8_t> bytes_;
};

}  // namespace

void add_shape_ops(OpTable& table) {
  table.insert({{"Reshape", make_op<ReshapeOp>},
                {"Flatten", make_op<FlattenOp>},
                {"Squeeze", make_op<SqueezeOp>},
                {"Unsqueeze", make_op<UnsqueezeOp>},
                {"Shape", make_op<ShapeOp>},
                {"Range", make_op<RangeOp>},
                {"Constant", make_op<ConstantOp>}});
}

}  // namespace braid::runner
