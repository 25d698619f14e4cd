// A trained classifier of images as its users see it: images in, probabilities out.
#pragma once
#include <string>
#include <vector>

#include "braid/data/batch.h"
#include "braid/io/image.h"
#include "braid/models/vision/image_checkpoint.h"
#include "braid/tasks/teacher.h"
#include "braid/torch.h"

namespace braid::tasks {

// Throws DataError for a model without classes, or of images that are neither gray nor in colour.
void expect_classifier_of_images(const models::LoadedModel& loaded);
// Throws NonFiniteOutputError where outputs hold NaN or infinity.
void expect_finite(const torch::Tensor& outputs);

class Predictor final : public Teacher {
 public:
  // loaded: in eval mode, as models::load_for_inference gives it; moved to the device. dtype:
  // float32, bfloat16, auto. Throws ConfigError, or DataError where it is no classifier of images.
  explicit Predictor(models::LoadedModel loaded,
                     const torch::Device& device = torch::Device(torch::kCPU),
                     const std::string& dtype = "float32");
  void to(const torch::Device& device) override { loaded_.model->to(device); }

  // [B,K] float32 on the model's device, without gradients.
  torch::Tensor logits(const data::Batch& batch) const override;
  // [N,K] float32 on the CPU, rows sum to 1; the images as they were read. Throws DataError where
  // they are not finite.
  torch::Tensor probabilities(const std::vector<io::Image>& images) const;

  // Gives the classes in this order from now on: they are the checkpoint's, by name.
  void reorder(const std::vector<std::string>& classes, const torch::Tensor& order);

  models::ImageModel& model() { return *loaded_.model; }
  const models::ImageHubConfig& card() const { return loaded_.hub; }
  // The class's name; its number where the checkpoint has no names.
  std::string class_name(int64_t index) const;

 private:
  models::LoadedModel loaded_;
  std::string dtype_;
  torch::Tensor order_;  // of the model's outputs; undefined: its own
};

}  // namespace braid::tasks
