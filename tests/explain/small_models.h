// Small models, and those of committed references.
#pragma once
#include <string>

#include "braid/io/safetensors.h"
#include "braid/models/registry.h"
#include "braid/models/vision/image_model.h"
#include "braid/runtime/tensor_file.h"
#include "braid/torch.h"

namespace braid::explain {

inline models::ImageModelPtr make_model(const std::string& name, const Json& fields,
                                        uint64_t seed = 1) {
  auto model = models::create_model<models::ImageModel>(name, fields, seed);
  model->eval();
  return model;
}

// Two blocks, 4 x 4 patches of 8 pixels, a class token.
inline models::ImageModelPtr small_vit() {
  return make_model("vit_tiny_patch16_224", {{"img_size", 32},
                                             {"patch_size", 8},
                                             {"embed_dim", 16},
                                             {"depth", 2},
                                             {"num_heads", 2},
                                             {"num_classes", 4}});
}

// Two blocks, 8 x 8 patches of 4 pixels, windows of 4 x 4 patches, the second one shifted.
inline models::ImageModelPtr small_swin() {
  return make_model("swin_tiny_patch4_window7_224", {{"img_size", 32},
                                                     {"embed_dim", 8},
                                                     {"depths", {2}},
                                                     {"num_heads", {2}},
                                                     {"window_size", 4},
                                                     {"num_classes", 4}});
}

inline void zero(models::ImageModel& model, const std::string& part) {
  const torch::NoGradGuard no_grad;
  for (auto& item : model.named_parameters())
    if (item.key().find(part) != std::string::npos) item.value().zero_();
}

struct Reference {
  models::ImageModelPtr model;
  runtime::TensorMap tensors;
  int64_t target = 0;
};

// Of tests/explain/fixtures, see generate_explanations.py.
inline Reference load_reference(const std::string& name) {
  const std::string file =
      std::string(BRAID_TEST_SOURCE_DIR) + "/explain/fixtures/" + name + ".safetensors";
  const auto metadata = io::SafetensorsFile::read(file).metadata();
  Reference reference{make_model(name, Json::parse(metadata.at("kwargs"))),
                      runtime::load_tensors(file), std::stoll(metadata.at("target"))};
  const torch::NoGradGuard no_grad;
  for (auto& [key, tensor] : runtime::named_state(*reference.model)) {
    const auto it = reference.tensors.find("weights/" + key);
    if (it != reference.tensors.end()) tensor.copy_(it->second);
  }
  return reference;
}

}  // namespace braid::explain
