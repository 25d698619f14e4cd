#include "braid/tasks/predictor.h"

#include <fmt/format.h>

#include "braid/core/error.h"
#include "braid/core/name_at.h"
#include "braid/data/image/image_collate.h"
#include "braid/runtime/autocast.h"
#include "braid/runtime/device.h"
#include "braid/runtime/tensor_file.h"

namespace braid::tasks {

Predictor::Predictor(models::LoadedModel loaded, const torch::Device& device,
                     const std::string& dtype)
    : loaded_(std::move(loaded)), dtype_(runtime::resolve_dtype(dtype, device.type())) {
  expect_classifier_of_images(loaded_);
  to(device);
}

void expect_classifier_of_images(const models::LoadedModel& loaded) {
  if (loaded.model->num_classes() == 0)
    throw DataError(
        "checkpoint",
        "expected a classifier, got " + loaded.hub.architecture + " without one (num_classes 0)",
        "", "train one on your data: `braid train --weights` takes this checkpoint");
  const auto channels = loaded.model->in_chans();
  if (channels != 1 && channels != 3)
    throw DataError(
        "checkpoint",
        fmt::format("expected a model of gray or colour images, got one of {} channels", channels),
        "", "`braid forward` runs it on tensors");
}

torch::Tensor Predictor::logits(const data::Batch& batch) const {
  const auto device = runtime::device_of(*loaded_.model);
  const torch::NoGradGuard no_grad;
  const runtime::Autocast autocast(device.type(), dtype_);
  auto outputs = loaded_.model->forward(batch.at(data::kPixelValues).to(device)).to(torch::kFloat);
  return order_.defined() ? outputs.index_select(1, order_.to(device)) : outputs;
}

void Predictor::reorder(const std::vector<std::string>& classes, const torch::Tensor& order) {
  loaded_.hub.classes = classes;
  order_ = order;
}

torch::Tensor Predictor::probabilities(const std::vector<io::Image>& images) const {
  const data::Batch batch{{{data::kPixelValues, data::stack_images(images, loaded_.hub.input)}},
                          std::vector<int64_t>(images.size())};
  auto rows = logits(batch).softmax(1).cpu();
  expect_finite(rows);
  return rows;
}

void expect_finite(const torch::Tensor& outputs) {
  if (!runtime::is_finite(outputs))
    throw NonFiniteOutputError(
        "checkpoint", "the model's output is not finite", "",
        "its training diverged, or --dtype is too coarse for it; take an earlier one of "
        "its checkpoints");
}

std::string Predictor::class_name(int64_t index) const {
  return name_at(loaded_.hub.classes, index);
}

}  // namespace braid::tasks
