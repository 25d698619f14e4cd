// Elements that other tensors choose.
#include <fmt/format.h>

#include <cstring>

#include "braid/runner/op.h"

namespace braid::runner {
namespace {

// Whole places along an axis: x [A,size,B], indices [I] -> [A,I,B].
class GatherOp final : public Op {
 public:
  explicit GatherOp(const NodeView& node) : Op(node), axis_(node.integer("axis", 0)) {
    node.expect_counts(2, 2);
  }

  std::vector<Tensor> run(const RunContext& context, const Inputs& in) override {
    const Tensor &x = in.at(0), &indices = in.at(1);
    const auto axis = static_cast<size_t>(axis_of(axis_, x.rank()));
    const int64_t size = x.dims()[axis];
    Dims dims(x.dims().begin(), x.dims().begin() + static_cast<int64_t>(axis));
    dims.insert(dims.end(), indices.dims().begin(), indices.dims().end());
    dims.insert(dims.end(), x.dims().begin() + static_cast<int64_t>(axis) + 1, x.dims().end());
    Tensor y = context.make(x.dtype(), dims);
    const int64_t outer = product(x.dims(), 0, axis);
    const auto inner =
        product(x.dims(), axis + 1, x.dims().size()) * static_cast<int64_t>(size_of(x.dtype()));
    const int64_t count = indices.count();
    for (int64_t i = 0; i < count; ++i) {
      const int64_t at = index(indices, i, size);
      for (int64_t o = 0; inner > 0 && o < outer; ++o)
        std::memcpy(y.raw() + (o * count + i) * inner, x.raw() + (o * size + at) * inner,
                    static_cast<size_t>(inner));
    }
    return {y};
  }

 private:
  int64_t index(const Tensor& indices, int64_t i, int64_t size) const {
    if (indices.dtype() != DType::kInt64) expect_dtype(indices, DType::kInt32);
    const int64_t at =
        indices.dtype() == DType::kInt64 ? indices.as<int64_t>()[i] : indices.as<int32_t>()[i];
    if (at < -size || at >= size) refuse(fmt::format("indices below {}", size), std::to_string(at));
    return at < 0 ? at + size : at;
  }

  int64_t axis_;
};

// y[i][j] = x[indices[i][j]][j] along the axis, indices of y's size.
class GatherElementsOp final : public Op {
 public:
  explicit GatherElementsOp(const NodeView& node) : Op(node), axis_(node.integer("axis", 0)) {
    node.expect_counts(2, 2);
  }

  std::vector<Tensor> run(const RunContext& context, const Inputs& in) override {
    const Tensor &x = in.at(0), &indices = in.at(1);
    expect_dtype(indices, DType::kInt64);
    const auto axis = static_cast<size_t>(axis_of(axis_, x.rank()));
    bool fits = indices.rank() == x.rank();
    for (size_t d = 0; fits && d < x.dims().size(); ++d)
      fits = d == axis || indices.dims()[d] <= x.dims()[d];
    expect(fits, "indices within the tensor",
           to_string(indices.dims()) + " for " + to_string(x.dims()));
    Tensor y = context.make(x.dtype(), indices.dims());
    const auto bytes = static_cast<int64_t>(size_of(x.dtype()));
    const int64_t size = x.dims()[axis];
    for (int64_t i = 0; i < y.count(); ++i) {
      int64_t rest = i, step = 1, from = 0;
      for (size_t d = x.dims().size(); d-- > 0;) {
        int64_t at = rest % y.dims()[d];
        rest /= y.dims()[d];
        if (d == axis) {
          at = indices.as<int64_t>()[i];
          if (at < -size || at >= size)
            refuse(fmt::format("indices below {}", size), std::to_string(at));
          if (at < 0) at += size;
        }
        from += at * step;
        step *= x.dims()[d];
      }
      std::memcpy(y.raw() + i * bytes, x.raw() + from * bytes, static_cast<size_t>(bytes));
    }
    return {y};
  }

 private:
  int64_t axis_;
};

}  // namespace

void add_gather_ops(OpTable& table) {
  table.insert({{"Gather", make_op<GatherOp>}, {"GatherElements", make_op<GatherElementsOp>}});
}

}  // namespace braid::runner
