// Explanations of what an exported classifier of images decides, whatever engine computes it.
#pragma once
#include <memory>
#include <string>

#include "braid/serve/explainer.h"
#include "braid/serve/model.h"

namespace braid::serve {

// By occlusion of one square after the other; the rest is as of serve/onnx/exported_explainer.h.
std::unique_ptr<Explainer> explain_exported_images(const std::string& file,
                                                   const ModelOptions& options);

}  // namespace braid::serve
