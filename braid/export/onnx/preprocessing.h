// An image's way to the model, as ONNX operators.
#pragma once
#include <string>

#include "braid/data/image/input_config.h"
#include "braid/export/onnx/emitter.h"

namespace braid::onnx {

// image: [N,H,W,C] uint8 of any size. Gives [N,C,height,width] float: resized as PIL does (a gray
// level off at most, where an engine computes in 8 bits as ONNX Runtime does), cropped, normalized.
std::string add_preprocessing(Emitter& emitter, const std::string& image,
                              const data::InputConfig& input);

}  // namespace braid::onnx
