// Explanations of what a checkpoint decides, whatever engine computes it.
#pragma once
#include <cstdint>
#include <memory>
#include <string>

#include "braid/serve/explainer.h"

namespace braid::serve {

// Of images by Grad-CAM, of texts by integrated gradients. The model is read again from the folder
// for the first explanation, which throws DataError where its weights were exchanged since.
std::unique_ptr<Explainer> explain_images_of(const std::string& folder, int64_t max_pixels);
std::unique_ptr<Explainer> explain_texts_of(const std::string& folder);

}  // namespace braid::serve
