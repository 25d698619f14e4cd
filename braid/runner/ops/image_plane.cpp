#include "braid/runner/ops/image_plane.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <type_traits>

namespace braid::runner {
int64_t Window::output(int axis, int64_t input) const {
  const int64_t covered = dilation[axis] * (kernel[axis] - 1) + 1;
  const int64_t spare = input + begin[axis] + end[axis] - covered;
  return spare < 0 ? 0 : spare / stride[axis] + 1;
}

Window read_window(const NodeView& node, const Dims& kernel) {
  constexpr int64_t kMost = 1 << 16;  // pixels, of any of these
  const auto how = node.text("auto_pad", "NOTSET");
  if (how != "NOTSET" && how != "VALID") node.refuse("explicit padding", "auto_pad " + how);
  const Dims size = node.integers("kernel_shape", kernel);
  if (size.empty() || size.size() > 2 || (!kernel.empty() && size != kernel))
    node.refuse("a window of one or two dimensions, the weight's", to_string(size));
  const size_t dims = size.size();
  const Dims stride = node.integers("strides", Dims(dims, 1));
  const Dims dilation = node.integers("dilations", Dims(dims, 1));
  const Dims pads = node.integers("pads", Dims(2 * dims, 0));
  if (stride.size() != dims || dilation.size() != dims || pads.size() != 2 * dims)
    node.refuse("strides, dilations and pads of each dimension", "others");
  Window w{};
  w.one_dimensional = dims == 1;
  for (size_t d = 0; d < 2; ++d) {
    const bool own = dims == 2 || d == 1;
    const size_t from = dims == 2 ? d : 0;
    w.kernel[d] = own ? size[from] : 1;
    w.stride[d] = own ? stride[from] : 1;
    w.dilation[d] = own ? dilation[from] : 1;
    w.begin[d] = own ? pads[from] : 0;
    w.end[d] = own ? pads[from + dims] : 0;
    for (const int64_t number : {w.kernel[d], w.stride[d], w.dilation[d]})
      if (number < 1 || number > kMost)
        node.refuse("windows, strides and dilations of 1 and more", std::to_string(number));
    for (const int64_t number : {w.begin[d], w.end[d]})
      if (number < 0 || number > kMost) node.refuse("padding from 0 on", std::to_string(number));
  }
  return w;
}

Plane plane_of(const Tensor& image, const Window& window) {
  return window.one_dimensional ? Plane{1, image.dim(2)} : Plane{image.dim(2), image.dim(3)};
}

Plane output_of(const Plane& input, const Window& window) {
  return {window.output(0, input.height), window.output(1, input.width)};
}

PhasedLayout::PhasedLayout(const Plane& input, const Window& window)
    : input_(input), window_(window) {
  // A step beyond the image's end is as good as one to it, and its phases are not laid out.
  const auto phases = [&](int axis, int64_t size) {
    const int64_t padded = size + window.begin[axis] + window.end[axis];
    int64_t& stride = window_.stride[axis];
    stride = std::clamp<int64_t>(padded, 1, stride);
    return (padded + stride - 1) / stride;
  };
  phase_ = {phases(0, input.height), phases(1, input.width)};
  row_is_read_.assign(static_cast<size_t>(window_.stride[0]), false);
  for (int64_t y = 0; y < window.kernel[0]; ++y)
    row_is_read_[static_cast<size_t>(y * window.dilation[0] % window_.stride[0])] = true;
}

std::vector<int64_t> PhasedLayout::window_offsets(int64_t channels) const {
  std::vector<int64_t> offsets;
  for (int64_t c = 0; c < channels; ++c)
    for (int64_t y = 0; y < window_.kernel[0]; ++y)
      for (int64_t x = 0; x < window_.kernel[1]; ++x) {
        const int64_t row = y * window_.dilation[0], column = x * window_.dilation[1];
        const int64_t phase =
            row % window_.stride[0] * window_.stride[1] + column % window_.stride[1];
        offsets.push_back(c * size() + phase * phase_.size() +
                          row / window_.stride[0] * phase_.width + column / window_.stride[1]);
      }
  return offsets;
}

std::vector<int64_t> PhasedLayout::output_offsets(const Plane& output) const {
  std::vector<int64_t> offsets;
  for (int64_t y = 0; y < output.height; ++y)
    for (int64_t x = 0; x < output.width; ++x) offsets.push_back(y * phase_.width + x);
  return offsets;
}

template <class T>
void PhasedLayout::place_rows(const Kernels& kernels, const T* from, T* to) const {
  const int64_t sy = window_.stride[0], sx = window_.stride[1], begin = window_.begin[1];
  // Where a column is, in numbers from the beginning of a line.
  const auto at = [&](int64_t column) { return column % sx * phase_.size() + column / sx; };
  const int64_t first = at(begin), second = at(begin + 1);
  // A row's place within the stride, and its line.
  int64_t place = window_.begin[0] % sy, line = window_.begin[0] / sy;
  for (int64_t y = 0; y < input_.height; ++y, from += input_.width) {
    T* row = to + place * sx * phase_.size() + line * phase_.width;
    const bool is_read = row_is_read_[static_cast<size_t>(place)];
    if (++place == sy) {
      place = 0;
      ++line;
    }
    if (!is_read) continue;
    if (sx == 1) {
      std::memcpy(row + begin, from, static_cast<size_t>(input_.width) * sizeof(T));
      continue;
    }
    if constexpr (std::is_same_v<T, float>)
      if (sx == 2) {
        kernels.split_pairs(from, row + first, row + second, input_.width);
        continue;
      }
    for (int64_t column = 0; column < std::min(sx, input_.width); ++column) {
      T* out = row + at(column + begin);
      for (int64_t x = column; x < input_.width; x += sx) *out++ = from[x];
    }
  }
}

void PhasedLayout::place(const Kernels& kernels, const float* from, float* to) const {
  place_rows(kernels, from, to);
}

// A channel's numbers beside the image's. Of phases they lie here and there: all are filled.
template <class T>
void PhasedLayout::pad(T padding, T* to) const {
  const int64_t sy = window_.stride[0], sx = window_.stride[1], width = phase_.width;
  if (phase_.height * sy == input_.height && width * sx == input_.width) return;
  if (sy != 1 || sx != 1 || input_.height == 0) {
    std::fill_n(to, size(), padding);
    return;
  }
  const int64_t left = window_.begin[1], right = width - left - input_.width;
  const int64_t above = window_.begin[0], below = phase_.height - above - input_.height;
  // The end of a line and the beginning of the next one lie side by side.
  std::fill_n(to, above * width + left, padding);
  T* end = to + above * width + left + input_.width;
  for (int64_t y = 1; y < input_.height; ++y, end += width) std::fill_n(end, left + right, padding);
  std::fill_n(end, right + below * width, padding);
}

template <class T>
void PhasedLayout::fill_with(const RunContext& context, const T* from, int64_t channels, T padding,
                             T* to) const {
  const int64_t grain = std::max<int64_t>(1, 32'768 / std::max<int64_t>(1, size()));
  context.threads.split(channels, grain, [&](int64_t begin, int64_t end, int) {
    for (int64_t c = begin; c < end; ++c) {
      pad(padding, to + c * size());
      place_rows(context.kernels, from + c * input_.size(), to + c * size());
    }
  });
}

void PhasedLayout::fill(const RunContext& context, const float* from, int64_t channels,
                        float* to) const {
  fill_with(context, from, channels, 0.0f, to);
}
void PhasedLayout::fill(const RunContext& context, const uint8_t* from, int64_t channels,
                        uint8_t padding, uint8_t* to) const {
  fill_with(context, from, channels, padding, to);
}

void WindowOffsets::set(const PhasedLayout& layout, const Plane& input, const Plane& output,
                        int64_t channels, bool by_channel) {
  if (input == input_ && output == output_) return;
  input_ = input;
  output_ = output;
  windows = layout.window_offsets(by_channel ? 1 : channels);
  if (!by_channel) outputs = layout.output_offsets(output);
}

Runs runs_of(const std::vector<int64_t>& offsets, int64_t first, int64_t used) {
  Runs runs;
  const int64_t* at = offsets.data() + first;
  if (used > 0 && at[used - 1] - at[0] == used - 1) {  // they only grow
    runs.list[runs.count++] = {.from = at[0], .to = 0, .length = used};
    return runs;
  }
  for (int64_t c = 0; c < used; ++c)
    if (c > 0 && at[c] == at[c - 1] + 1)
      ++runs.list[runs.count - 1].length;
    else
      runs.list[runs.count++] = {.from = at[c], .to = c, .length = 1};
  return runs;
}

}  // namespace braid::runner
