#include "braid/tasks/predictor.h"

#include "braid/runtime/autocast.h"
#include "braid/runtime/device.h"

namespace braid::tasks {

Predictor::Predictor(models::LoadedModel loaded, std::string dtype)
    : loaded_(std::move(loaded)), dtype_(std::move(dtype)) {}

torch::Tensor Predictor::logits(const data::Batch& batch) {
  const torch::NoGradGuard no_grad;
  const runtime::Autocast autocast(runtime::device_of(*loaded_.model).type(), dtype_);
  return loaded_.model->forward(batch.at(data::kPixelValues)).to(torch::kFloat);
}

}  // namespace braid::tasks
