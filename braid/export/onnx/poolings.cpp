#include <algorithm>

#include "braid/export/onnx/emitter.h"

namespace braid::onnx {
namespace {

using Sizes = std::vector<int64_t>;

struct Window {
  Sizes kernel, stride, padding, dilation;
  Sizes end;  // beyond the padding, what rounding up asks for
};

Sizes sizes_or(const Node& node, const char* argument, const Sizes& otherwise) {
  auto sizes = node.integers(argument);
  if (sizes.empty()) return otherwise;
  if (sizes.size() == 1) sizes.resize(otherwise.size(), sizes[0]);
  return sizes;
}

Window window_of(Emitter& e, const Node& node, size_t dims) {
  Window w;
  w.kernel = sizes_or(node, "kernel_size", Sizes(dims, 1));
  w.stride = sizes_or(node, "stride", w.kernel);
  w.padding = sizes_or(node, "padding", Sizes(dims, 0));
  w.dilation = node.has("dilation") ? sizes_or(node, "dilation", Sizes(dims, 1)) : Sizes(dims, 1);
  for (size_t i = 0; i < dims; ++i) {
    const auto dim = static_cast<int64_t>(i) - static_cast<int64_t>(dims);
    const int64_t in = e.size_of(node.value("self"), dim), out = e.size_of(node.outputs[0], dim);
    const int64_t covered = (out - 1) * w.stride[i] + w.dilation[i] * (w.kernel[i] - 1) + 1;
    w.end.push_back(std::max<int64_t>(covered - in - 2 * w.padding[i], 0));
  }
  return w;
}

// [begin.., end..]
Sizes pads(const Sizes& begin, const Sizes& more_at_end) {
  Sizes all = begin;
  for (size_t i = 0; i < begin.size(); ++i) all.push_back(begin[i] + more_at_end[i]);
  return all;
}

void max_pool(Emitter& e, const Node& node, size_t dims) {
  const auto w = window_of(e, node, dims);
  e.emit(node, "MaxPool", {e.name(node.value("self"))},
         {{"kernel_shape", w.kernel},
          {"strides", w.stride},
          {"pads", pads(w.padding, w.end)},
          {"dilations", w.dilation}});
}

// Padding counts where LibTorch counts it; what rounding up adds never does.
void average_pool(Emitter& e, const Node& node, size_t dims) {
  if (node.has("divisor_override") && !node.is_none("divisor_override"))
    e.refuse("an average over the window", "another divisor");
  auto w = window_of(e, node, dims);
  auto x = e.name(node.value("self"));
  const bool pads_anything =
      std::any_of(w.padding.begin(), w.padding.end(), [](int64_t p) { return p > 0; });
  if (pads_anything && node.flag("count_include_pad")) {
    Sizes all(static_cast<size_t>(e.rank_of(node.value("self"))) - dims, 0);
    all.insert(all.end(), w.padding.begin(), w.padding.end());
    const auto begin = all;
    all.insert(all.end(), begin.begin(), begin.end());
    x = e.add("Pad", {x, e.integers(all)});
    w.padding.assign(dims, 0);
  }
  e.emit(node, "AveragePool", {x},
         {{"kernel_shape", w.kernel}, {"strides", w.stride}, {"pads", pads(w.padding, w.end)}});
}

void average_pool1d(Emitter& e, const Node& node) { average_pool(e, node, 1); }
void average_pool2d(Emitter& e, const Node& node) { average_pool(e, node, 2); }
void max_pool1d(Emitter& e, const Node& node) { max_pool(e, node, 1); }
void max_pool2d(Emitter& e, const Node& node) { max_pool(e, node, 2); }

// [out,in]: row i is the mean over window i of LibTorch's adaptive pooling.
torch::Tensor windows(int64_t in, int64_t out) {
  auto means = torch::zeros({out, in});
  for (int64_t i = 0; i < out; ++i) {
    const int64_t begin = i * in / out, end = ((i + 1) * in + out - 1) / out;
    means[i].slice(0, begin, end).fill_(1.0 / static_cast<double>(end - begin));
  }
  return means;
}

// Windows of several sizes, as two products: over the rows, then over the columns.
void average_uneven_windows(Emitter& e, const Node& node) {
  const ValueId input = node.value("self"), output = node.outputs.at(0);
  const auto rows = windows(e.size_of(input, -2), e.size_of(output, -2));
  const auto columns = windows(e.size_of(input, -1), e.size_of(output, -1));
  const auto over_rows = e.add("MatMul", {e.constant(rows), e.name(input)});
  e.emit(node, "MatMul", {over_rows, e.constant(columns.t())});
}

void adaptive_pool2d(Emitter& e, const Node& node, bool average) {
  const ValueId input = node.value("self");
  Sizes kernel;
  for (const int64_t dim : {-2, -1}) {
    const int64_t in = e.size_of(input, dim), out = e.size_of(node.outputs.at(0), dim);
    if (in % out != 0 && average) return average_uneven_windows(e, node);
    if (in % out != 0)
      e.refuse("windows of one size", std::to_string(in) + " pixels for " + std::to_string(out));
    kernel.push_back(in / out);
  }
  // No GlobalMaxPool: see extremum() in reductions.cpp.
  if (average && e.size_of(node.outputs[0], -1) == 1 && e.size_of(node.outputs[0], -2) == 1)
    e.emit(node, "GlobalAveragePool", {e.name(input)});
  else
    e.emit(node, average ? "AveragePool" : "MaxPool", {e.name(input)},
           {{"kernel_shape", kernel}, {"strides", kernel}});
}
void adaptive_average_pool2d(Emitter& e, const Node& node) { adaptive_pool2d(e, node, true); }
void adaptive_max_pool2d(Emitter& e, const Node& node) { adaptive_pool2d(e, node, false); }

}  // namespace

void add_poolings(EmitTable& table) {
  table.insert({{"aten::adaptive_avg_pool2d", adaptive_average_pool2d},
                {"aten::adaptive_max_pool2d", adaptive_max_pool2d},
                {"aten::avg_pool1d", average_pool1d},
                {"aten::avg_pool2d", average_pool2d},
                {"aten::max_pool1d", max_pool1d},
                {"aten::max_pool2d", max_pool2d}});
}

}  // namespace braid::onnx
