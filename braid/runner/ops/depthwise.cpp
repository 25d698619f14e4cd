#include "braid/runner/ops/depthwise.h"

#include <algorithm>

#include "braid/runner/ops/activation.h"

namespace braid::runner {
namespace {

// A thread has some work, or waking it costs more than it does.
constexpr int64_t kLeastMultiplications = 30'000;

int64_t grain_of(int64_t multiplications) {
  return std::max<int64_t>(1, kLeastMultiplications / std::max<int64_t>(1, multiplications));
}

// What kernels do while the sums are at hand, and what is left to be done.
struct SplitEnding {
  explicit SplitEnding(const ConvolutionEnding& ending) : residual(ending.residual) {
    const auto at_once = residual == nullptr ? bounds_of(ending.activation) : std::nullopt;
    if (at_once)
      bounds = *at_once;
    else
      rest = ending.activation;
  }

  // y: numbers of some planes, which begin at `at` in the output.
  void finish(const Kernels& kernels, int64_t at, int64_t n, float* y) const {
    if (residual != nullptr || rest.function != Function::kIdentity)
      kernels.finish(
          y, n, y, n, 1, n,
          {.residual = residual == nullptr ? nullptr : residual + at, .activation = rest});
  }

  Bounds bounds = *bounds_of({});
  const float* residual;
  Activation rest;
};

// A thread's scratch, in parts.
class Scratch {
 public:
  explicit Scratch(std::byte* bytes) : next_(reinterpret_cast<float*>(bytes)) {}
  float* take(int64_t numbers) {
    float* taken = next_;
    next_ += numbers;
    return taken;
  }

 private:
  float* next_;
};

}  // namespace

DepthwiseConvolution::DepthwiseConvolution(const Window& window, const Tensor& weight,
                                           int64_t multiplier,
                                           const std::optional<FusedBytes>& bytes_in,
                                           const std::optional<FusedBytes>& bytes_out, Way way)
    : window_(window),
      weight_(weight),
      multiplier_(multiplier),
      channels_(weight.dim(0)),
      bytes_in_(bytes_in),
      bytes_out_(bytes_out),
      way_(way) {}

// Measured with each set of kernels (an AMD EPYC), maps of 4x4 to 56x56 outputs: a vector of
// channels is faster but for 3x3 and 5x5 windows on wide maps, and where its pixels leave the
// second cache. Without enough registers larger windows of planes are slower than all else.
DepthwiseConvolution::Way DepthwiseConvolution::way_of(const Kernels& kernels,
                                                       const DepthwiseCall& call) const {
  const int64_t size = window_.kernel[0], stride = window_.stride[0];
  const bool by_planes = size == window_.kernel[1] && stride == window_.stride[1] &&
                         window_.dilation[0] == 1 && window_.dilation[1] == 1 &&
                         (size == 3 || size == 5 || size == 7) && (stride == 1 || stride == 2);
  const bool by_channels = multiplier_ == 1;
  if (way_ == Way::kPlanes && by_planes) return Way::kPlanes;
  if (way_ == Way::kChannels && by_channels) return Way::kChannels;
  if (way_ == Way::kTaps) return Way::kTaps;
  constexpr int64_t kMostBytes = 1 << 20;
  const int64_t padded_width = call.input.width + window_.begin[1] + window_.end[1];
  const int64_t bytes = (call.input.height * padded_width + call.output.size()) * kernels.lanes * 4;
  const bool planes_are_fast = by_planes && (size == 3 || kernels.lanes > 4);
  const bool is_wide = size < 7 && call.output.width > (stride == 1 ? 24 : 40);
  if (by_channels && bytes <= kMostBytes && !(planes_are_fast && is_wide)) return Way::kChannels;
  return planes_are_fast ? Way::kPlanes : Way::kTaps;
}

void DepthwiseConvolution::convolve(const RunContext& context, const DepthwiseCall& call,
                                    Tensor& y) {
  const Way way = way_of(context.kernels, call);
  if (way == Way::kChannels)
    by_channels(context, call, y);
  else
    by_planes(context, call, way, y);
}

void DepthwiseConvolution::by_planes(const RunContext& context, const DepthwiseCall& call, Way way,
                                     Tensor& y) {
  const Kernels& kernels = context.kernels;
  const Plane& input = call.input;
  const int64_t outputs = call.output.size();
  const PhasedLayout layout(input, window_);
  offsets_.set(layout, input, call.output, 1, true);
  const SplitEnding ending(call.ending);
  const int64_t wide = layout.phase().width;
  // Sums of shifted planes: all outputs are one row, with some between the lines that are dropped.
  // They stay in the first cache, a strip at a time.
  constexpr int64_t kStripFloats = 2048;
  const int64_t strip = std::min(call.output.height, std::max<int64_t>(1, kStripFloats / wide));
  const bool as_bytes = y.dtype() != DType::kFloat;
  const int64_t plane_floats = layout.size() + kSlack;
  const int64_t sum_floats = way == Way::kTaps ? strip * wide + kSlack : 0;
  const int64_t pixel_floats = bytes_in_ ? input.size() : 0;
  const int64_t bytes = (plane_floats + sum_floats + pixel_floats + (as_bytes ? outputs : 0)) * 4;
  const auto scratch = context.scratch(bytes);
  const int64_t in_channels = channels_ / multiplier_;
  const auto body = [&](int64_t begin, int64_t end, int thread) {
    Scratch mine(scratch.of(thread));
    float *plane = mine.take(plane_floats), *sums = mine.take(sum_floats),
          *pixels = mine.take(pixel_floats), *numbers = mine.take(0);
    std::fill_n(plane, plane_floats, 0.0f);  // the padding stays
    for (int64_t i = begin; i < end; ++i) {
      const int64_t image = i / channels_, channel = i % channels_;
      const int64_t from = (image * in_channels + channel / multiplier_) * input.size();
      if (bytes_in_)
        kernels.dequantize(call.x.as<uint8_t>() + from, pixels, input.size(),
                           bytes_in_->quantization, bytes_in_->is_signed());
      layout.place(kernels, bytes_in_ ? pixels : call.x.as<float>() + from, plane);
      const float* weights = weight_.as<float>() + channel * taps();
      const float bias = call.ending.bias == nullptr ? 0 : call.ending.bias[channel];
      const int64_t at = i * outputs;
      float* to = as_bytes ? numbers : y.as<float>() + at;
      if (way == Way::kPlanes) {
        kernels.filter_plane({.size = window_.kernel[0],
                              .stride = window_.stride[0],
                              .weights = weights,
                              .bias = bias,
                              .low = ending.bounds.low,
                              .high = ending.bounds.high,
                              .line = wide,
                              .phase = layout.phase().size(),
                              .height = call.output.height,
                              .width = call.output.width},
                             plane, to);
        ending.finish(kernels, at, outputs, to);
      } else {
        for (int64_t row = 0; row < call.output.height; row += strip) {
          const int64_t height = std::min(strip, call.output.height - row);
          const int64_t skipped = row * call.output.width;
          kernels.taps(plane + row * wide, offsets_.windows.data(), weights, taps(), sums,
                       (height - 1) * wide + call.output.width);
          const float* residual = call.ending.residual;
          kernels.finish(sums, wide, to + skipped, call.output.width, height, call.output.width,
                         {.bias = bias,
                          .residual = residual == nullptr ? nullptr : residual + at + skipped,
                          .activation = call.ending.activation});
        }
      }
      if (as_bytes)
        kernels.quantize(to, y.as<uint8_t>() + at, outputs, bytes_out_->quantization,
                         bytes_out_->is_signed());
    }
  };
  context.threads.split(call.x.dim(0) * channels_, grain_of(outputs * taps()), body);
}

void DepthwiseConvolution::pack(const RunContext& context) {
  const int64_t lanes = context.kernels.lanes, blocks = (channels_ + lanes - 1) / lanes;
  const int64_t count = blocks * taps() * lanes;
  packed_ = context.pool.allocate(static_cast<uint64_t>(count) * sizeof(float));
  auto* to = reinterpret_cast<float*>(packed_.get());
  std::fill_n(to, count, 0.0f);
  for (int64_t first = 0; first < channels_; first += lanes, to += taps() * lanes)
    context.kernels.transpose(weight_.as<float>() + first * taps(), taps(),
                              std::min(lanes, channels_ - first), taps(), to, lanes);
}

void DepthwiseConvolution::by_channels(const RunContext& context, const DepthwiseCall& call,
                                       Tensor& y) {
  if (packed_ == nullptr) pack(context);
  const Kernels& kernels = context.kernels;
  const Plane &input = call.input, &output = call.output;
  const int64_t lanes = kernels.lanes, blocks = (channels_ + lanes - 1) / lanes;
  const int64_t padded_width = input.width + window_.begin[1] + window_.end[1];
  const SplitEnding ending(call.ending);
  const bool as_bytes = y.dtype() != DType::kFloat;
  const int64_t padded_floats = input.height * padded_width * lanes;
  const int64_t sum_floats = output.size() * lanes;
  const int64_t pixel_floats = bytes_in_ ? input.size() * lanes : 0;
  const int64_t number_floats = as_bytes ? output.size() * lanes : 0;
  const int64_t bytes =
      (padded_floats + sum_floats + lanes + pixel_floats + number_floats + kSlack) * 4;
  const auto scratch = context.scratch(bytes);
  const auto* weights = reinterpret_cast<const float*>(packed_.get());
  const auto body = [&](int64_t begin, int64_t end, int thread) {
    Scratch mine(scratch.of(thread));
    float *padded = mine.take(padded_floats), *sums = mine.take(sum_floats),
          *bias = mine.take(lanes), *numbers = mine.take(number_floats),
          *pixels = mine.take(pixel_floats);
    std::fill_n(padded, padded_floats, 0.0f);
    std::fill_n(bias, lanes, 0.0f);
    for (int64_t i = begin; i < end; ++i) {
      const int64_t first = i % blocks * lanes, used = std::min(lanes, channels_ - first);
      const int64_t from = (i / blocks * channels_ + first) * input.size();
      const int64_t at = (i / blocks * channels_ + first) * output.size();
      if (bytes_in_)
        kernels.dequantize(call.x.as<uint8_t>() + from, pixels, used * input.size(),
                           bytes_in_->quantization, bytes_in_->is_signed());
      if (call.ending.bias != nullptr) std::copy_n(call.ending.bias + first, used, bias);
      float* to = as_bytes ? numbers : y.as<float>() + at;
      kernels.filter_channels({.channels = used,
                               .weights = weights + first * taps(),
                               .bias = bias,
                               .low = ending.bounds.low,
                               .high = ending.bounds.high,
                               .kernel = {window_.kernel[0], window_.kernel[1]},
                               .stride = {window_.stride[0], window_.stride[1]},
                               .dilation = {window_.dilation[0], window_.dilation[1]},
                               .begin_row = window_.begin[0],
                               .begin_column = window_.begin[1],
                               .height = input.height,
                               .width = input.width,
                               .padded_width = padded_width,
                               .out_height = output.height,
                               .out_width = output.width},
                              bytes_in_ ? pixels : call.x.as<float>() + from, padded, sums, to);
      ending.finish(kernels, at, used * output.size(), to);
      if (as_bytes)
        kernels.quantize(to, y.as<uint8_t>() + at, used * output.size(), bytes_out_->quantization,
                         bytes_out_->is_signed());
    }
  };
  context.threads.split(call.x.dim(0) * blocks, grain_of(output.size() * taps() * lanes), body);
}

}  // namespace braid::runner
