// What the files of all models of texts say of them.
#pragma once
#include <filesystem>
#include <map>
#include <string>

#include "braid/models/text/text_model.h"

namespace braid::onnx {

using Metadata = std::map<std::string, std::string>;

// braid_version, architecture, pad_token_id, max_length, and the tokenizer's files by their names.
// checkpoint: the folder that has them; may be empty.
Metadata text_metadata(const models::TextModel& model, const std::string& architecture,
                       const std::filesystem::path& checkpoint);

}  // namespace braid::onnx
