// Tensors in safetensors files.
#pragma once
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "braid/runner/session.h"

namespace braid::runner {

// The session's inputs by name; where there is one input, the file's only tensor whatever its name.
// Throws IoError or DataError.
std::map<std::string, Tensor> read_inputs(const Session& session,
                                          const std::filesystem::path& file);
void write_outputs(const Session& session, const std::vector<Tensor>& outputs,
                   const std::filesystem::path& file);

}  // namespace braid::runner
