// Operators that bring elements into another order, leave some out, repeat them or add others.
#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <limits>

#include "braid/runner/op.h"
#include "braid/runner/strided.h"

namespace braid::runner {
namespace {

class TransposeOp final : public Op {
 public:
  explicit TransposeOp(const NodeView& node) : Op(node), order_(node.integers("perm", {})) {
    node.expect_counts(1, 1);
  }

  std::vector<Tensor> run(const RunContext& context, const Inputs& in) override {
    const Tensor& x = in.at(0);
    Dims order = order_;
    if (order.empty())
      for (int64_t d = x.rank(); d-- > 0;) order.push_back(d);
    Dims sorted = order;
    std::sort(sorted.begin(), sorted.end());
    bool permutes = static_cast<int64_t>(order.size()) == x.rank();
    for (size_t d = 0; permutes && d < sorted.size(); ++d)
      permutes = sorted[d] == static_cast<int64_t>(d);
    expect(permutes, "an order of all dimensions",
           to_string(order) + " for " + to_string(x.dims()));
    const auto own = contiguous_strides(x.dims());
    Dims dims, strides;
    for (const int64_t d : order) {
      dims.push_back(x.dim(d));
      strides.push_back(own[static_cast<size_t>(d)]);
    }
    // Where only dimensions of size 1 move, nothing does.
    if (is_same_order(dims, strides)) return {x.view(dims)};
    Tensor y = context.make(x.dtype(), dims);
    copy_strided(context, y.raw(), contiguous_strides(dims), x.raw(), strides, dims,
                 size_of(x.dtype()));
    return {y};
  }

 private:
  static bool is_same_order(const Dims& dims, const Dims& strides) {
    const auto own = contiguous_strides(dims);
    for (size_t d = 0; d < dims.size(); ++d)
      if (dims[d] != 1 && own[d] != strides[d]) return false;
    return true;
  }

  Dims order_;
};

class SliceOp final : public Op {
 public:
  explicit SliceOp(const NodeView& node) : Op(node) { node.expect_counts(3, 5); }

  std::vector<Tensor> run(const RunContext& context, const Inputs& in) override {
    const Tensor& x = in.at(0);
    const Dims starts = numbers_of(in.at(1)), ends = numbers_of(in.at(2));
    Dims axes, steps(starts.size(), 1);
    for (size_t i = 0; i < starts.size(); ++i) axes.push_back(static_cast<int64_t>(i));
    if (in.has(3)) axes = numbers_of(in.at(3));
    if (in.has(4)) steps = numbers_of(in.at(4));
    expect(starts.size() == ends.size() && axes.size() == starts.size() &&
               steps.size() == starts.size(),
           "starts, ends, axes and steps of one length", "others");
    Dims dims = x.dims(), strides = contiguous_strides(x.dims());
    int64_t first = 0;
    std::vector<bool> seen(dims.size(), false);
    for (size_t i = 0; i < starts.size(); ++i) {
      const auto d = static_cast<size_t>(axis_of(axes[i], x.rank()));
      expect(!seen[d], "each axis once", to_string(axes));
      seen[d] = true;
      const int64_t size = x.dims()[d], step = steps[i];
      expect(step != 0 && step > INT64_MIN, "a step", "none");
      if (size == 0) continue;
      const auto place = [&](int64_t at, int64_t low, int64_t high) {
        return std::clamp(at < 0 ? at + size : at, low, high);
      };
      const int64_t begin = step > 0 ? place(starts[i], 0, size) : place(starts[i], 0, size - 1);
      // Before the first element is where a step backwards may end.
      const int64_t end = step > 0 ? place(ends[i], 0, size)
                                   : (ends[i] < -size ? -1 : place(ends[i], -1, size - 1));
      const int64_t span = step > 0 ? end - begin : begin - end;
      const int64_t pace = step > 0 ? step : -step;
      dims[d] = span <= 0 ? 0 : (span - 1) / pace + 1;
      if (dims[d] > 0) first += begin * strides[d];
      strides[d] = dims[d] > 1 ? strides[d] * step : strides[d];
    }
    Tensor y = context.make(x.dtype(), dims);
    const auto bytes = static_cast<int64_t>(size_of(x.dtype()));
    if (y.count() > 0)
      copy_strided(context, y.raw(), contiguous_strides(dims), x.raw() + first * bytes, strides,
                   dims, size_of(x.dtype()));
    return {y};
  }
};

class ConcatOp final : public Op {
 public:
  explicit ConcatOp(const NodeView& node) : Op(node), axis_(node.integer("axis", 0)) {
    node.expect_counts(1, 4096);
  }

  std::vector<Tensor> run(const RunContext& context, const Inputs& in) override {
    Dims dims = in.at(0).dims();
    const auto axis = static_cast<size_t>(axis_of(axis_, in.at(0).rank()));
    dims[axis] = 0;
    for (size_t i = 0; i < in.size(); ++i) {
      expect(in.has(i), "an input", "none");
      const Tensor& x = in.at(i);
      expect_dtype(x, in.at(0).dtype());
      Dims other = x.dims();
      expect(other.size() == dims.size(), "tensors of one rank", to_string(other));
      dims[axis] += other[axis];
      other[axis] = dims[axis];
      expect(other == dims, "tensors that differ along one axis", to_string(x.dims()));
    }
    Tensor y = context.make(in.at(0).dtype(), dims);
    const size_t bytes = size_of(y.dtype());
    const int64_t outer = product(dims, 0, axis), inner = product(dims, axis + 1, dims.size());
    int64_t at = 0;
    for (size_t i = 0; i < in.size(); ++i) {
      const Tensor& x = in.at(i);
      const int64_t row = x.dims()[axis] * inner;
      for (int64_t k = 0; row > 0 && k < outer; ++k)
        std::memcpy(y.raw() + (k * dims[axis] * inner + at) * static_cast<int64_t>(bytes),
                    x.raw() + k * row * static_cast<int64_t>(bytes),
                    static_cast<size_t>(row) * bytes);
      at += row;
    }
    return {y};
  }

 private:
  int64_t axis_;
};

class SplitOp final : public Op {
 public:
  explicit SplitOp(const NodeView& node)
      : Op(node), axis_(node.integer("axis", 0)), outputs_(node.node().outputs.size()) {
    node.expect_counts(1, 2, outputs_);
    if (outputs_ == 0) node.refuse("outputs", "none");
  }

  std::vector<Tensor> run(const RunContext& context, const Inputs& in) override {
    const Tensor& x = in.at(0);
    const auto axis = static_cast<size_t>(axis_of(axis_, x.rank()));
    const int64_t size = x.dims()[axis];
    Dims sizes;
    if (in.has(1)) {
      sizes = numbers_of(in.at(1));
    } else {
      const auto parts = static_cast<int64_t>(outputs_);
      const int64_t part = (size + parts - 1) / parts;
      for (int64_t i = 0; i < parts; ++i)
        sizes.push_back(std::clamp<int64_t>(size - i * part, 0, part));
    }
    int64_t sum = 0;
    for (const int64_t part : sizes) {
      expect(part >= 0 && part <= size, "parts of the axis", to_string(sizes));
      sum += part;
    }
    expect(sizes.size() == outputs_ && sum == size, "a part of the axis for each output",
           to_string(sizes) + " of " + std::to_string(size));
    std::vector<Tensor> parts;
    const auto strides = contiguous_strides(x.dims());
    int64_t at = 0;
    for (const int64_t part : sizes) {
      Dims dims = x.dims();
      dims[axis] = part;
      Tensor y = context.make(x.dtype(), dims);
      copy_strided(context, y.raw(), contiguous_strides(dims),
                   x.raw() + at * strides[axis] * static_cast<int64_t>(size_of(x.dtype())), strides,
                   dims, size_of(x.dtype()));
      at += part;
      parts.push_back(std::move(y));
    }
    return parts;
  }

 private:
  int64_t axis_;
  size_t outputs_;
};

class ExpandOp final : public Op {
 public:
  explicit ExpandOp(const NodeView& node) : Op(node) { node.expect_counts(2, 2); }

  std::vector<Tensor> run(const RunContext& context, const Inputs& in) override {
    const Tensor& x = in.at(0);
    const Dims wanted = numbers_of(in.at(1));
    for (const int64_t size : wanted) expect(size >= 0, "sizes from 0 on", to_string(wanted));
    bool fits = true;
    const Dims dims = broadcast(x.dims(), wanted, fits);
    expect(fits, "sizes that the tensor broadcasts to",
           to_string(wanted) + " for " + to_string(x.dims()));
    if (dims == x.dims()) return {x};
    Tensor y = context.make(x.dtype(), dims);
    copy_strided(context, y.raw(), contiguous_strides(dims), x.raw(),
                 broadcast_strides(x.dims(), dims), dims, size_of(x.dtype()));
    return {y};
  }
};

class TileOp final : public Op {
 public:
  explicit TileOp(const NodeView& node) : Op(node) { node.expect_counts(2, 2); }

  // [r*d] is [r,d], r times the same.
  std::vector<Tensor> run(const RunContext& context, const Inputs& in) override {
    const Tensor& x = in.at(0);
    const Dims repeats = numbers_of(in.at(1));
    expect(static_cast<int64_t>(repeats.size()) == x.rank(), "a number for each dimension",
           to_string(repeats));
    const auto own = contiguous_strides(x.dims());
    Dims dims, sizes, strides;
    for (size_t d = 0; d < repeats.size(); ++d) {
      expect(repeats[d] >= 0, "repetitions from 0 on", to_string(repeats));
      count_of({repeats[d], x.dims()[d]}, DType::kDouble, where());
      dims.push_back(repeats[d] * x.dims()[d]);
      sizes.insert(sizes.end(), {repeats[d], x.dims()[d]});
      strides.insert(strides.end(), {0, own[d]});
    }
    Tensor y = context.make(x.dtype(), dims);
    copy_strided(context, y.raw(), contiguous_strides(sizes), x.raw(), strides, sizes,
                 size_of(x.dtype()));
    return {y};
  }
};

// Constants around, or what lies inside mirrored or repeated.
class PadOp final : public Op {
 public:
  explicit PadOp(const NodeView& node) : Op(node), mode_(node.text("mode", "constant")) {
    node.expect_counts(2, 4);
    if (mode_ != "constant" && mode_ != "reflect" && mode_ != "edge")
      node.refuse("padding by a constant, reflect or edge", mode_);
  }

  std::vector<Tensor> run(const RunContext& context, const Inputs& in) override {
    Tensor x = in.at(0);
    const Dims pads = numbers_of(in.at(1));
    Dims axes;
    for (int64_t d = 0; d < x.rank(); ++d) axes.push_back(d);
    if (in.has(3)) axes = numbers_of(in.at(3));
    expect(pads.size() == 2 * axes.size(), "a begin and an end for each axis", to_string(pads));
    Dims begin(x.dims().size(), 0), end(x.dims().size(), 0);
    for (size_t i = 0; i < axes.size(); ++i) {
      const auto d = static_cast<size_t>(axis_of(axes[i], x.rank()));
      begin[d] = pads[i];
      end[d] = pads[i + axes.size()];
      constexpr int64_t kMost = int64_t{1} << 40;
      expect(std::abs(begin[d]) < kMost && std::abs(end[d]) < kMost, "padding", to_string(pads));
      expect(x.dims()[d] + std::min<int64_t>(begin[d], 0) + std::min<int64_t>(end[d], 0) >= 0,
             "padding that takes less than there is", to_string(pads));
    }
    if (mode_ == "constant") return {constant(context, x, begin, end, in)};
    for (size_t d = 0; d < begin.size(); ++d)
      if (begin[d] != 0 || end[d] != 0) x = along(context, x, d, begin[d], end[d]);
    return {x};
  }

 private:
  Tensor constant(const RunContext& context, const Tensor& x, const Dims& begin, const Dims& end,
                  const Inputs& in) const {
    Dims dims = x.dims(), inside = x.dims();
    const auto from = contiguous_strides(x.dims());
    int64_t first = 0, source = 0;
    for (size_t d = 0; d < dims.size(); ++d) {
      dims[d] += begin[d] + end[d];
      inside[d] += std::min<int64_t>(begin[d], 0) + std::min<int64_t>(end[d], 0);
    }
    Tensor y = context.make(x.dtype(), dims);
    const auto to = contiguous_strides(dims);
    for (size_t d = 0; d < dims.size(); ++d) {
      first += std::max<int64_t>(begin[d], 0) * to[d];
      source += std::max<int64_t>(-begin[d], 0) * from[d];
    }
    const auto bytes = static_cast<int64_t>(size_of(x.dtype()));
    const uint64_t zero = 0;
    const std::byte* fill = reinterpret_cast<const std::byte*>(&zero);
    if (in.has(2)) {
      expect_dtype(in.at(2), x.dtype());
      expect(in.at(2).count() == 1, "one number to pad with", to_string(in.at(2).dims()));
      fill = in.at(2).raw();
    }
    copy_strided(context, y.raw(), to, fill, Dims(dims.size(), 0), dims, size_of(x.dtype()));
    if (product(inside) > 0)
      copy_strided(context, y.raw() + first * bytes, to, x.raw() + source * bytes, from, inside,
                   size_of(x.dtype()));
    return y;
  }

  Tensor along(const RunContext& context, const Tensor& x, size_t axis, int64_t begin,
               int64_t end) const {
    const int64_t size = x.dims()[axis];
    expect(size > 0 && (mode_ == "edge" || (begin < size && end < size)),
           "padding smaller than what is mirrored", std::to_string(std::max(begin, end)));
    Dims dims = x.dims();
    dims[axis] += begin + end;
    Tensor y = context.make(x.dtype(), dims);
    const int64_t outer = product(dims, 0, axis);
    const auto inner =
        product(dims, axis + 1, dims.size()) * static_cast<int64_t>(size_of(x.dtype()));
    for (int64_t o = 0; o < outer; ++o)
      for (int64_t i = 0; i < dims[axis]; ++i) {
        int64_t at = i - begin;
        if (mode_ == "reflect") {
          if (at < 0) at = -at;
          if (at >= size) at = 2 * (size - 1) - at;
        }
        at = std::clamp<int64_t>(at, 0, size - 1);
        std::memcpy(y.raw() + (o * dims[axis] + i) * inner, x.raw() + (o * size + at) * inner,
                    static_cast<size_t>(inner));
      }
    return y;
  }

  std::string mode_;
};

class DepthToSpaceOp final : public Op {
 public:
  explicit DepthToSpaceOp(const NodeView& node)
      : Op(node),
        block_(node.integer("blocksize", 0)),
        columns_first_(node.text("mode", "DCR") == "CRD") {
    node.expect_counts(1, 1);
    if (block_ < 1 || block_ > 1024) node.refuse("a block size from 1 on", std::to_string(block_));
  }

  std::vector<Tensor> run(const RunContext& context, const Inputs& in) override {
    const Tensor& x = in.at(0);
    const int64_t b = block_;
    expect(x.rank() == 4 && x.dim(1) % (b * b) == 0, "channels that the block divides",
           to_string(x.dims()));
    const int64_t N = x.dim(0), C = x.dim(1) / (b * b), H = x.dim(2), W = x.dim(3), plane = H * W;
    Tensor y = context.make(x.dtype(), {N, C, H * b, W * b});
    const Dims dims = {N, C, H, b, W, b};
    const Dims from = columns_first_
                          ? Dims{C * b * b * plane, b * b * plane, W, b * plane, 1, plane}
                          : Dims{C * b * b * plane, plane, W, b * C * plane, 1, C * plane};
    copy_strided(context, y.raw(), contiguous_strides(dims), x.raw(), from, dims,
                 size_of(x.dtype()));
    return {y};
  }

 private:
  int64_t block_;
  bool columns_first_;
};

}  // namespace

void add_movement_ops(OpTable& table) {
  table.insert({{"Transpose", make_op<TransposeOp>},
                {"Slice", make_op<SliceOp>},
                {"Concat", make_op<ConcatOp>},
                {"Split", make_op<SplitOp>},
                {"Expand", make_op<ExpandOp>},
                {"Tile", make_op<TileOp>},
                {"Pad", make_op<PadOp>},
                {"DepthToSpace", make_op<DepthToSpaceOp>}});
}

}  // namespace braid::runner
