// What computes a file that `braid export` wrote, or a checkpoint that is exported in memory.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "braid/serve/model.h"

namespace braid::serve {

// Whether such an engine is asked for by name.
bool is_engine_of_files(const std::string& engine);

// Gives `model` its engine and its platform. onnx, pad_token_id, where: as open_openvino() takes
// them. options.engine: openvino or braid-run. Throws ConfigError for another engine or device, or
// for a precision that the engine does not have, and DataError.
void open_exported(std::string_view onnx, const ModelOptions& options, int64_t pad_token_id,
                   const std::string& where, Model& model);

}  // namespace braid::serve
