// Checkpoints and exported files as models that are served.
#pragma once
#include <memory>
#include <string>

#include "braid/core/progress.h"
#include "braid/serve/model.h"

namespace braid::serve {

// source: a folder of a run or a checkpoint, hf-hub:OWNER/NAME, or an exported .onnx file; a
// classifier of images or of texts. OpenVINO computes what is exported here, in memory; where
// options.engine is auto, the faster engine is found (onnx/any_engine.h).
// It has seen one input when it is returned. Throws IoError, ConfigError for an engine that is not
// there, or DataError.
std::unique_ptr<Model> load_model(const std::string& source, const ModelOptions& options,
                                  Progress& progress);

// Behind it. options.engine: libtorch or openvino.
std::unique_ptr<Model> load_image_classifier(const std::string& folder,
                                             const ModelOptions& options);
std::unique_ptr<Model> load_text_classifier(const std::string& folder, const ModelOptions& options);

}  // namespace braid::serve
