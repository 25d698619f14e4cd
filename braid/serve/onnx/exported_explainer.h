// Explanations of what an exported classifier of texts decides, whatever engine computes it.
#pragma once
#include <memory>
#include <string>

#include "braid/serve/explainer.h"
#include "braid/serve/model.h"

namespace braid::serve {

// By occlusion of one token after the other, with braid-run's interpreter and the threads of the
// options: no gradients are needed. To be made before the file is loaded: it is read again for the
// first explanation, which throws DataError where it was exchanged since, as all that follow do
// then; so do texts of more than 1,024 tokens, each of which is a pass of the model.
std::unique_ptr<Explainer> explain_exported_texts(const std::string& file,
                                                  const ModelOptions& options);

}  // namespace braid::serve
