// What evaluation shows of an image: its centre, or torchvision's crops. And its mirror image.
#pragma once
#include "braid/data/image/input_config.h"
#include "braid/io/image.h"

namespace braid::io {
struct EvaluationView;
}

namespace braid::data {

// Left becomes right.
io::Image mirror_image(io::Image image);

io::EvaluationView view_of(const InputConfig& input);

// The corners (top left, top right, bottom left, bottom right) and the centre of what
// prepare_for_evaluation takes the centre of, and with mirrored the same of its mirror image:
// torchvision's FiveCrop and TenCrop. One below the other, [V*H,W,C]. Throws ConfigError where
// less is left than the input's size.
io::Image prepare_crops(const io::Image& image, const InputConfig& input, bool mirrored);

}  // namespace braid::data
