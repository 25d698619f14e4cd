// Convolutions, pooling and resizing: a matrix per axis says which rows a result is made of.
#include <algorithm>
#include <cmath>
#include <string>

#include "braid/explain/origin_rules.h"

namespace braid::explain {
namespace {

using graph::ValueId;
using torch::Tensor;
using Sizes = std::vector<int64_t>;

// Windows along one axis: the k-th begins at row start[k] and takes `taps` rows, `dilation` apart.
struct Windows {
  std::vector<double> middle;
  std::vector<std::vector<int64_t>> rows;  // inside the input
};

Windows strided_windows(int64_t size, int64_t out, int64_t kernel, int64_t stride, int64_t pad,
                        int64_t dilation) {
  Windows windows;
  for (int64_t k = 0; k < out; ++k) {
    const int64_t start = k * stride - pad;
    windows.middle.push_back(static_cast<double>(start) +
                             static_cast<double>(dilation * (kernel - 1)) / 2);
    auto& rows = windows.rows.emplace_back();
    for (int64_t t = 0; t < kernel; ++t)
      if (const int64_t row = start + t * dilation; row >= 0 && row < size) rows.push_back(row);
  }
  return windows;
}

Windows adaptive_windows(int64_t size, int64_t out) {
  Windows windows;
  for (int64_t k = 0; k < out; ++k) {
    const int64_t begin = k * size / out, end = ((k + 1) * size + out - 1) / out;
    windows.middle.push_back(static_cast<double>(begin + end - 1) / 2);
    auto& rows = windows.rows.emplace_back();
    for (int64_t row = begin; row < end; ++row) rows.push_back(row);
  }
  return windows;
}

Windows resized_windows(int64_t size, int64_t out) {
  Windows windows;
  for (int64_t k = 0; k < out; ++k) {
    const double middle =
        (static_cast<double>(k) + 0.5) * static_cast<double>(size) / static_cast<double>(out) - 0.5;
    windows.middle.push_back(middle);
    const auto low = static_cast<int64_t>(std::floor(middle));
    windows.rows.push_back(
        {std::clamp<int64_t>(low, 0, size - 1),
         std::clamp<int64_t>(low + (middle > static_cast<double>(low)), 0, size - 1)});
  }
  return windows;
}

// [out,size]: the place of the middle, on the line through the two rows around it.
Tensor middle_matrix(const Windows& windows, int64_t size) {
  const auto out = static_cast<int64_t>(windows.middle.size());
  auto matrix = torch::zeros({out, size});
  auto a = matrix.accessor<float, 2>();
  for (int64_t k = 0; k < out; ++k) {
    const double middle = windows.middle[static_cast<size_t>(k)];
    if (size == 1) {
      a[k][0] = 1;
      continue;
    }
    const auto low = std::clamp<int64_t>(static_cast<int64_t>(std::floor(middle)), 0, size - 2);
    const auto part = static_cast<float>(middle - static_cast<double>(low));
    a[k][low] = 1 - part;
    a[k][low + 1] = part;
  }
  return matrix;
}

// [out,size]: the mean of the window.
Tensor mean_matrix(const Windows& windows, int64_t size) {
  const auto out = static_cast<int64_t>(windows.rows.size());
  auto matrix = torch::zeros({out, size});
  auto a = matrix.accessor<float, 2>();
  for (int64_t k = 0; k < out; ++k) {
    const auto& rows = windows.rows[static_cast<size_t>(k)];
    for (const int64_t row : rows) a[k][row] += 1.0f / static_cast<float>(rows.size());
  }
  return matrix;
}

// axes: for the last dimensions of the value, in order.
Origin apply(const OriginStep& step, Origin origin, const Sizes& shape,
             const std::vector<Windows>& axes) {
  for (size_t i = 0; i < axes.size(); ++i) {
    const auto dim = static_cast<int64_t>(shape.size() - axes.size() + i);
    if (!varies(origin, shape, dim)) continue;
    const int64_t size = shape[static_cast<size_t>(dim)];
    const auto matrix =
        (step.is_place() ? middle_matrix(axes[i], size) : mean_matrix(axes[i], size))
            .to(origin.device());
    origin = origin.transpose(dim + 1, -1).matmul(matrix.t()).transpose(dim + 1, -1);
  }
  return origin;
}

int64_t at_or_last(const Sizes& numbers, size_t i, int64_t otherwise) {
  if (numbers.empty()) return otherwise;
  return i < numbers.size() ? numbers[i] : numbers.back();
}

struct WindowArguments {
  Sizes kernel, stride, padding, dilation;
  bool same = false;  // padding so that a stride of 1 keeps the size
};

std::vector<Windows> windows_of(const WindowArguments& w, const Sizes& from, const Sizes& to,
                                size_t axes) {
  std::vector<Windows> windows;
  for (size_t i = 0; i < axes; ++i) {
    const int64_t kernel = at_or_last(w.kernel, i, 1), dilation = at_or_last(w.dilation, i, 1);
    const int64_t pad = w.same ? dilation * (kernel - 1) / 2 : at_or_last(w.padding, i, 0);
    windows.push_back(strided_windows(from[from.size() - axes + i], to[to.size() - axes + i],
                                      kernel, at_or_last(w.stride, i, kernel), pad, dilation));
  }
  return windows;
}

// conv1d, conv2d, convolution. Channels are mixed, but for depthwise convolutions.
void convolution_rule(const OriginStep& step) {
  auto origin = step.of("input");
  const auto shape = step.shape("input"), weight = step.shape("weight"), to = step.output_shape();
  if (!origin.defined() || shape.size() < 3 || shape.size() != to.size() ||
      (step.node.has("transposed") && step.node.flag("transposed")))
    return;
  const bool depthwise = weight[1] == 1 && weight[0] == shape[1];
  if (!depthwise) origin = mean_along(origin, 1);
  const bool words = step.node.argument("padding").kind == graph::Argument::Kind::kOther;
  const WindowArguments w{.kernel = Sizes(weight.begin() + 2, weight.end()),
                          .stride = step.integers("stride"),
                          .padding = words ? Sizes{} : step.integers("padding"),
                          .dilation = step.integers("dilation"),
                          .same = words && to.back() >= shape.back()};
  step.give(apply(step, origin, shape, windows_of(w, shape, to, weight.size() - 2)));
}

void pooling_rule(const OriginStep& step) {
  const auto& origin = step.of("self");
  const auto shape = step.shape("self"), to = step.output_shape();
  if (!origin.defined() || shape.size() != to.size()) return;
  const WindowArguments w{
      .kernel = step.integers("kernel_size"),
      .stride = step.integers("stride"),
      .padding = step.integers("padding"),
      .dilation = step.node.has("dilation") ? step.integers("dilation") : Sizes{}};
  const size_t axes = step.node.name().ends_with("1d") ? 1 : 2;
  step.give(apply(step, origin, shape, windows_of(w, shape, to, axes)));
}

template <Windows (*windows)(int64_t size, int64_t out)>
void resizing_rule(const OriginStep& step) {
  const auto& origin = step.of("self");
  const auto shape = step.shape("self"), to = step.output_shape();
  if (!origin.defined() || shape.size() != to.size()) return;
  const size_t count = step.node.name().find("1d") != std::string::npos ? 1 : 2;
  std::vector<Windows> axes;
  for (size_t i = shape.size() - count; i < shape.size(); ++i)
    axes.push_back(windows(shape[i], to[i]));
  step.give(apply(step, origin, shape, axes));
}

}  // namespace

const OriginRules& window_rules() {
  static const OriginRules rules = {
      {"aten::conv1d", convolution_rule},
      {"aten::conv2d", convolution_rule},
      {"aten::convolution", convolution_rule},
      {"aten::max_pool1d", pooling_rule},
      {"aten::max_pool2d", pooling_rule},
      {"aten::avg_pool1d", pooling_rule},
      {"aten::avg_pool2d", pooling_rule},
      {"aten::adaptive_avg_pool1d", resizing_rule<adaptive_windows>},
      {"aten::adaptive_avg_pool2d", resizing_rule<adaptive_windows>},
      {"aten::adaptive_max_pool2d", resizing_rule<adaptive_windows>},
      {"aten::upsample_nearest1d", resizing_rule<resized_windows>},
      {"aten::upsample_nearest2d", resizing_rule<resized_windows>},
      {"aten::upsample_bilinear2d", resizing_rule<resized_windows>},
      {"aten::upsample_bicubic2d", resizing_rule<resized_windows>},
      {"aten::_upsample_bilinear2d_aa", resizing_rule<resized_windows>},
      {"aten::_upsample_bicubic2d_aa", resizing_rule<resized_windows>}};
  return rules;
}

}  // namespace braid::explain
