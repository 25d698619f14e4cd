// The longest text of a checkpoint: model_max_length of tokenizer_config.json, where Hugging Face
// transformers keeps it too.
#pragma once
#include <cstdint>
#include <filesystem>

namespace braid::tasks {

// In tokens; 0: the folder does not say.
int64_t read_max_length(const std::filesystem::path& folder);
// Beside what the file has already. Throws IoError.
void write_max_length(const std::filesystem::path& folder, int64_t max_length);

}  // namespace braid::tasks
