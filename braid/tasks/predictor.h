// A trained model as its users see it: batches in, logits out.
#pragma once
#include <string>

#include "braid/data/batch.h"
#include "braid/models/checkpoint.h"
#include "braid/torch.h"

namespace braid::tasks {

class Predictor {
 public:
  // loaded: in eval mode, on the device where it is to run. dtype: float32, bfloat16, auto.
  explicit Predictor(models::LoadedModel loaded, std::string dtype = "float32");
  void to(const torch::Device& device) { loaded_.model->to(device); }
  // [B,K] float32 on the model's device, without gradients. batch: on that device too.
  torch::Tensor logits(const data::Batch& batch);
  const models::HubConfig& card() const { return loaded_.card; }

 private:
  models::LoadedModel loaded_;
  std::string dtype_;
};

}  // namespace braid::tasks
