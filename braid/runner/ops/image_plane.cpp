#include "braid/runner/ops/image_plane.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

namespace braid::runner {
namespace {

template <class T>
void pad_numbers(const RunContext& context, const T* from, int64_t channels, const Plane& input,
                 const Window& window, T fill, T* to) {
  const Plane padded = padded_plane(input, window);
  const int64_t grain = std::max<int64_t>(1, 32'768 / std::max<int64_t>(1, padded.size()));
  context.threads.split(channels, grain, [&](int64_t begin, int64_t end, int) {
    for (int64_t c = begin; c < end; ++c) {
      T* plane = to + c * padded.size();
      std::fill_n(plane, window.begin[0] * padded.width, fill);
      for (int64_t y = 0; y < input.height; ++y) {
        T* row = plane + (window.begin[0] + y) * padded.width;
        std::fill_n(row, window.begin[1], fill);
        std::copy_n(from + (c * input.height + y) * input.width, input.width,
                    row + window.begin[1]);
        std::fill_n(row + window.begin[1] + input.width, window.end[1], fill);
      }
      std::fill_n(plane + (window.begin[0] + input.height) * padded.width,
                  window.end[0] * padded.width, fill);
    }
  });
}

}  // namespace

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

Plane padded_plane(const Plane& input, const Window& w) {
  return {input.height + w.begin[0] + w.end[0], input.width + w.begin[1] + w.end[1]};
}

void pad_planes(const RunContext& context, const float* from, int64_t channels, const Plane& input,
                const Window& window, float* to) {
  pad_numbers(context, from, channels, input, window, 0.0f, to);
}
void pad_bytes(const RunContext& context, const uint8_t* from, int64_t channels, const Plane& input,
               const Window& window, uint8_t fill, uint8_t* to) {
  pad_numbers(context, from, channels, input, window, fill, to);
}

std::vector<int64_t> window_offsets(const Window& w, const Plane& padded, int64_t channels) {
  std::vector<int64_t> offsets;
  for (int64_t c = 0; c < channels; ++c)
    for (int64_t y = 0; y < w.kernel[0]; ++y)
      for (int64_t x = 0; x < w.kernel[1]; ++x)
        offsets.push_back((c * padded.height + y * w.dilation[0]) * padded.width +
                          x * w.dilation[1]);
  return offsets;
}

std::vector<int64_t> output_offsets(const Window& w, const Plane& padded, const Plane& output) {
  std::vector<int64_t> offsets;
  for (int64_t y = 0; y < output.height; ++y)
    for (int64_t x = 0; x < output.width; ++x)
      offsets.push_back(y * w.stride[0] * padded.width + x * w.stride[1]);
  return offsets;
}

PhasedPlane::PhasedPlane(const Plane& input, const Plane& output, const Window& window)
    : input_(input), output_(output), window_(window) {
  const Plane padded = padded_plane(input, window);
  phase_ = {(padded.height + window.stride[0] - 1) / window.stride[0],
            (padded.width + window.stride[1] - 1) / window.stride[1]};
  for (int64_t y = 0; y < window.kernel[0]; ++y)
    for (int64_t x = 0; x < window.kernel[1]; ++x) {
      const int64_t row = y * window.dilation[0], column = x * window.dilation[1];
      const int64_t phase = row % window.stride[0] * window.stride[1] + column % window.stride[1];
      offsets_.push_back(phase * phase_.size() + row / window.stride[0] * phase_.width +
                         column / window.stride[1]);
    }
}

int64_t PhasedPlane::phases_floats() const {
  return window_.stride[0] * window_.stride[1] * phase_.size() + kSlack;
}
int64_t PhasedPlane::row_floats() const { return output_.height * phase_.width + kSlack; }

void PhasedPlane::clear(float* scratch) const { std::fill_n(scratch, phases_floats(), 0.0f); }

void PhasedPlane::convolve(const Kernels& kernels, const float* image, const float* weights,
                           float* scratch, float* out) const {
  const int64_t sx = window_.stride[1];
  for (int64_t y = 0; y < input_.height; ++y) {
    const int64_t row = y + window_.begin[0];
    float* line = scratch + row % window_.stride[0] * sx * phase_.size() +
                  row / window_.stride[0] * phase_.width;
    const float* from = image + y * input_.width;
    if (sx == 1) {
      std::memcpy(line + window_.begin[1], from, static_cast<size_t>(input_.width) * sizeof(float));
      continue;
    }
    for (int64_t x = 0; x < input_.width; ++x) {
      const int64_t column = x + window_.begin[1];
      line[column % sx * phase_.size() + column / sx] = from[x];
    }
  }
  float* sums = scratch + phases_floats();
  const int64_t count = (output_.height - 1) * phase_.width + output_.width;
  kernels.taps(scratch, offsets_.data(), weights, static_cast<int64_t>(offsets_.size()), sums,
               count);
  for (int64_t y = 0; y < output_.height; ++y)
    std::memcpy(out + y * output_.width, sums + y * phase_.width,
                static_cast<size_t>(output_.width) * sizeof(float));
}

}  // namespace braid::runner
