// Largest numbers and averages of windows.
#include <algorithm>
#include <limits>
#include <utility>

#include "braid/runner/op.h"
#include "braid/runner/ops/convolution.h"
#include "braid/runner/ops/image_plane.h"

namespace braid::runner {
namespace {

class PoolOp final : public Op {
 public:
  explicit PoolOp(const NodeView& node)
      : Op(node),
        largest_(node.node().op_type == "MaxPool"),
        counts_padding_(node.integer("count_include_pad", 0) != 0),
        window_(read_window(node, {})) {
    node.expect_counts(1, 1);
    if (node.integer("ceil_mode", 0) != 0) node.refuse("sizes that are rounded down", "ceil_mode");
    if (node.integer("storage_order", 0) != 0) node.refuse("row-major order", "storage_order");
    for (int d = 0; d < 2; ++d)
      if (window_.begin[d] >= window_.kernel[d] * window_.dilation[d] ||
          window_.end[d] >= window_.kernel[d] * window_.dilation[d] + window_.stride[d])
        node.refuse("padding smaller than the window", "more");
  }

  std::vector<Tensor> run(const RunContext& context, const Inputs& in) override {
    const Tensor& x = in.at(0);
    expect_dtype(x, DType::kFloat);
    expect(x.rank() == (window_.one_dimensional ? 3 : 4), "an image of the window's dimensions",
           to_string(x.dims()));
    const Plane input = plane_of(x, window_), output = output_of(input, window_);
    expect(output.height > 0 && output.width > 0, "an image as large as the window",
           to_string(x.dims()));
    Dims dims = {x.dim(0), x.dim(1)};
    if (!window_.one_dimensional) dims.push_back(output.height);
    dims.push_back(output.width);
    Tensor y = context.make(DType::kFloat, dims);
    const PhasedLayout row_layout({1, input.width}, row_window());
    const int64_t row_floats = input.width + row_layout.size() + output.width;
    const auto scratch = context.scratch(row_floats * 4);
    const auto taps = row_layout.window_offsets(1);
    const auto columns = columns_inside(input, output);
    context.threads.split(x.dim(0) * x.dim(1), 4, [&](int64_t begin, int64_t end, int thread) {
      auto* row = scratch.floats_of(thread);
      float *sorted = row + input.width, *counts = sorted + row_layout.size();
      std::fill_n(sorted, row_layout.size(), nothing());  // the padding stays
      int64_t rows_counted = -1;
      for (int64_t c = begin; c < end; ++c)
        for (int64_t h = 0; h < output.height; ++h) {
          const int64_t rows = gather_rows(context.kernels, x.as<float>() + c * input.size(), input,
                                           h * window_.stride[0] - window_.begin[0], row);
          row_layout.place(context.kernels, row, sorted);
          float* to = y.as<float>() + (c * output.height + h) * output.width;
          std::copy_n(sorted + taps[0], output.width, to);
          for (size_t k = 1; k < taps.size(); ++k)
            join(context.kernels, sorted + taps[k], to, output.width);
          if (largest_) continue;
          if (rows != rows_counted) count(rows_counted = rows, columns, counts);
          context.kernels.binary(Arithmetic::kDiv, to, 1, counts, 1, to, output.width);
        }
    });
    return {y};
  }

 private:
  float nothing() const { return largest_ ? -std::numeric_limits<float>::infinity() : 0; }

  // First along the columns, whole rows at a time, then along the row: its window.
  Window row_window() const {
    Window along = window_;
    along.kernel[0] = along.stride[0] = along.dilation[0] = 1;
    along.begin[0] = along.end[0] = 0;
    return along;
  }

  // How many columns of each window lie in the image.
  Dims columns_inside(const Plane& input, const Plane& output) const {
    Dims columns;
    for (int64_t w = 0; w < output.width; ++w) {
      const auto [first, last] = inside(1, w * window_.stride[1] - window_.begin[1], input.width);
      columns.push_back(std::max<int64_t>(0, last - first));
    }
    return columns;
  }

  void count(int64_t rows, const Dims& columns, float* counts) const {
    for (size_t w = 0; w < columns.size(); ++w)
      counts[w] = static_cast<float>(std::max<int64_t>(
          1, counts_padding_ ? window_.kernel[0] * window_.kernel[1] : rows * columns[w]));
  }

  void join(const Kernels& kernels, const float* from, float* to, int64_t n) const {
    kernels.binary(largest_ ? Arithmetic::kMax : Arithmetic::kAdd, to, 1, from, 1, to, n);
  }

  // The steps of a window that begins at `from` which lie in the image.
  std::pair<int64_t, int64_t> inside(int axis, int64_t from, int64_t size) const {
    const int64_t step = window_.dilation[axis];
    const int64_t first = from >= 0 ? 0 : (-from + step - 1) / step;
    const int64_t last = from >= size ? 0 : (size - 1 - from) / step + 1;
    return {first, std::min(last, window_.kernel[axis])};
  }

  // Returns how many rows of the window lie in the image.
  int64_t gather_rows(const Kernels& kernels, const float* x, const Plane& input, int64_t top,
                      float* row) const {
    const auto [first, last] = inside(0, top, input.height);
    if (first >= last) std::fill_n(row, input.width, nothing());
    for (int64_t k = first; k < last; ++k) {
      const float* from = x + (top + k * window_.dilation[0]) * input.width;
      if (k == first)
        std::copy_n(from, input.width, row);
      else
        join(kernels, from, row, input.width);
    }
    return std::max<int64_t>(0, last - first);
  }

  bool largest_, counts_padding_;
  Window window_;
};

class GlobalPoolOp final : public Op {
 public:
  explicit GlobalPoolOp(const NodeView& node)
      : Op(node), largest_(node.node().op_type == "GlobalMaxPool") {
    node.expect_counts(1, 1);
  }

  std::vector<Tensor> run(const RunContext& context, const Inputs& in) override {
    const Tensor& x = in.at(0);
    expect_dtype(x, DType::kFloat);
    expect(x.rank() >= 3, "an image", to_string(x.dims()));
    Dims dims = x.dims();
    std::fill(dims.begin() + 2, dims.end(), 1);
    const int64_t size = product(x.dims(), 2, x.dims().size());
    expect(size > 0, "an image that is not empty", to_string(x.dims()));
    Tensor y = context.make(DType::kFloat, dims);
    context.threads.split(y.count(), 64, [&](int64_t begin, int64_t end, int) {
      for (int64_t i = begin; i < end; ++i) {
        const float* from = x.as<float>() + i * size;
        y.as<float>()[i] = largest_ ? *std::max_element(from, from + size)
                                    : context.kernels.sum(from, size) / static_cast<float>(size);
      }
    });
    return {y};
  }

 private:
  bool largest_;
};

}  // namespace

void add_pooling_ops(OpTable& table) {
  table.insert({{"MaxPool", make_op<PoolOp>},
                {"AveragePool", make_op<PoolOp>},
                {"GlobalAveragePool", make_op<GlobalPoolOp>},
                {"GlobalMaxPool", make_op<GlobalPoolOp>}});
}

}  // namespace braid::runner
