// Convolutions where each channel has a filter of its own: no sums over channels, so no products of
// matrices.
//
// As many channels at a time as a vector has numbers; or, on wide maps, a plane at a time, padded,
// with what is loaded multiplied for all lines of outputs that it is in the windows of; or, where
// neither fits, as a sum of shifted planes.
#pragma once
#include <memory>
#include <optional>
#include <vector>

#include "braid/runner/op.h"
#include "braid/runner/ops/convolution.h"
#include "braid/runner/ops/fused.h"
#include "braid/runner/ops/image_plane.h"

namespace braid::runner {

struct DepthwiseCall {
  const Tensor& x;  // [N, C, input.height, input.width], of bytes where those were fused
  Plane input, output;
  ConvolutionEnding ending;
};

class DepthwiseConvolution {
 public:
  enum class Way { kAny, kPlanes, kChannels, kTaps };  // kAny: the fastest

  // weight: [C * multiplier, 1, kh, kw] or [C * multiplier, 1, kw]. bytes_in: how pixels are to be
  // dequantized; bytes_out: how the outputs are rounded. way: of those that fit, for tests.
  DepthwiseConvolution(const Window& window, const Tensor& weight, int64_t multiplier,
                       const std::optional<FusedBytes>& bytes_in,
                       const std::optional<FusedBytes>& bytes_out, Way way = Way::kAny);

  // y: [N, C * multiplier, output.height, output.width], of bytes_out's type or float32.
  void convolve(const RunContext& context, const DepthwiseCall& call, Tensor& y);

 private:
  Way way_of(const Kernels& kernels, const DepthwiseCall& call) const;
  void by_planes(const RunContext& context, const DepthwiseCall& call, Way way, Tensor& y);
  void by_channels(const RunContext& context, const DepthwiseCall& call, Tensor& y);
  void pack(const RunContext& context);
  int64_t taps() const { return window_.kernel[0] * window_.kernel[1]; }

  Window window_;
  Tensor weight_;
  int64_t multiplier_, channels_;  // of the outputs
  std::optional<FusedBytes> bytes_in_, bytes_out_;
  Way way_;
  WindowOffsets offsets_;
  std::shared_ptr<std::byte> packed_;  // [blocks of channels, taps, lanes]
};

}  // namespace braid::runner
