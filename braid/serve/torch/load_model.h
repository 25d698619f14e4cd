// Checkpoints of LibTorch as models that are served.
#pragma once
#include <cstdint>
#include <memory>
#include <string>

#include "braid/core/progress.h"
#include "braid/serve/model.h"

namespace braid::serve {

struct TorchOptions {
  std::string device = "cpu", dtype = "float32";
  int64_t max_pixels = 50'000'000;  // of an image that is sent
};

// source: a folder of a run or a checkpoint, or hf-hub:OWNER/NAME; a classifier of images or of
// texts. It has seen one input when it is returned. Throws IoError or DataError.
std::unique_ptr<Model> load_torch_model(const std::string& source, const TorchOptions& options,
                                        Progress& progress);

// Behind it.
std::unique_ptr<Model> load_image_classifier(const std::string& folder,
                                             const TorchOptions& options);
std::unique_ptr<Model> load_text_classifier(const std::string& folder, const TorchOptions& options);

}  // namespace braid::serve
