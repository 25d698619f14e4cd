// Attributions as pictures.
#pragma once
#include "braid/io/image.h"
#include "braid/torch.h"

namespace braid::explain {

// To [0,1]: the least number becomes 0, the largest 1 (as good as, where all are equal).
torch::Tensor min_max(const torch::Tensor& map);
// [h,w] of a grid to [height,width] in [0,1]: scaled, resized bilinearly, scaled again, as the
// Python package grad-cam does it.
torch::Tensor to_pixels(const torch::Tensor& values, int64_t height, int64_t width);
// [H,W] with signs to [0,1]: magnitudes, the largest percent of them cut.
torch::Tensor magnitudes(const torch::Tensor& values);

// The image with the map's colours over it, [H,W] in [0,1] and of the image's size: dark where it
// is 0, yellow where it is 1. Small images are enlarged.
io::Image overlay(const io::Image& image, const torch::Tensor& map);
// The image at the overlay's size.
io::Image enlarged(const io::Image& image);

}  // namespace braid::explain
