// Exported files as models that are served: of float32 or in 8 bits. They say themselves how
// images and texts are prepared for them.
#pragma once
#include <memory>
#include <string>

#include "braid/serve/model.h"

namespace braid::serve {

// Whether a source is such a file rather than a checkpoint.
bool is_onnx_file(const std::string& source);

// A classifier of images or of texts that `braid export` or `braid quantize` wrote; computed by
// OpenVINO or braid-run, by the faster one where options.engine is auto. It has seen one input when
// it is returned. Throws IoError, ConfigError for an engine that is not there or takes no files,
// DataError.
std::unique_ptr<Model> load_onnx_model(const std::string& file, const ModelOptions& options);

}  // namespace braid::serve
