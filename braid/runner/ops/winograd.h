// Convolutions of 3x3 windows by Winograd's minimal filtering F(4x4, 3x3): "Fast Algorithms for
// Convolutional Neural Networks", Lavin and Gray, 2016, https://arxiv.org/abs/1509.09308.
//
// A tile of 4x4 outputs Y of 6x6 pixels d and a filter g is a product of polynomials, known by its
// values at six points in each direction: Y = A^T [ sum over channels of (G g G^T) * (B^T d B) ] A.
// That takes 36 multiplications, where the windows take 144, and of each point the sums over the
// channels are a matrix product [M, C] x [C, tiles]. The points are 0, +-sqrt(1/2), +-sqrt(2) and
// infinity: with them float32 loses less than with the paper's 0, +-1, +-2.
#pragma once
#include <memory>

#include "braid/runner/op.h"
#include "braid/runner/ops/image_plane.h"

namespace braid::runner {

// What is convolved, and what follows: of a group, all of its channels.
struct WinogradCall {
  const float* x = nullptr;  // [images, x_channels, input.height, input.width]
  int64_t images = 0;
  int64_t x_channels = 0, y_channels = 0;  // from image to image, those of other groups too
  Plane input, output;
  int64_t begin[2] = {0, 0};        // padding above and on the left
  const float* bias = nullptr;      // [M], or none
  const float* residual = nullptr;  // laid out as y, or none
  Activation activation = {};
  float* y = nullptr;  // [images, y_channels, output.height, output.width]
};

class WinogradWeights {
 public:
  // Whether windows are 3x3, without strides and dilations.
  static bool fits(const Window& window);
  // Whether outputs of such planes are computed faster so than as products of windows: not where
  // there are few channels, or too few tiles for the vectors. The size of the batch does not
  // matter.
  static bool pays(const Kernels& kernels, const Plane& output, int64_t M, int64_t C);
  // weights: [M, C, 3, 3]. None where a number at a point is not finite. Throws DataError where
  // there is no memory for four times as many numbers.
  static std::unique_ptr<WinogradWeights> make(const RunContext& context, const float* weights,
                                               int64_t M, int64_t C);

  // Whether all sums are finite. Where one is not, y is not what it should be: a tile has no
  // numbers where one of its 36 pixels is none, or where a sum of pixels is beyond float32.
  bool convolve(const RunContext& context, const WinogradCall& call) const;

 private:
  WinogradWeights(int64_t M, int64_t C) : M_(M), C_(C) {}

  int64_t M_, C_;
  std::shared_ptr<std::byte> packed_;  // [panels of rows, 36, C, rows]
};

}  // namespace braid::runner
