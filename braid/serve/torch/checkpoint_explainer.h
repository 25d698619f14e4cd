// Explanations of what a checkpoint decides, whatever engine computes it.
#pragma once
#include <memory>
#include <string>

#include "braid/serve/explainer.h"
#include "braid/serve/model.h"

namespace braid::serve {

// Of images by Grad-CAM or, where the model's last layer is too coarse, occlusion; of texts by
// integrated gradients, with the threads of the options. To be made before the model is loaded: it
// is read again from the folder for the first explanation, which throws DataError where its files
// were exchanged since, as all that follow do then.
std::unique_ptr<Explainer> explain_images_of(const std::string& folder,
                                             const ModelOptions& options);
std::unique_ptr<Explainer> explain_texts_of(const std::string& folder, const ModelOptions& options);

}  // namespace braid::serve
