// Builds a model from the registry and classifies one random image.
#include <torch/torch.h>

#include <iostream>

#include "braid/models/registry.h"
#include "braid/models/vision/image_model.h"

int main() {
  torch::NoGradGuard no_grad;
  const auto model = braid::models::create_model<braid::models::ImageModel>(
      "cct_2_3x2_32", {{"num_classes", 10}}, /*seed=*/0);
  model->eval();
  const auto logits = model->forward(torch::randn({1, 3, 32, 32}));  // [1,10]
  std::cout << "logits " << logits.sizes() << ", class " << logits.argmax(1).item<int64_t>()
            << "\n";
  return logits.isfinite().all().item<bool>() ? 0 : 1;
}
