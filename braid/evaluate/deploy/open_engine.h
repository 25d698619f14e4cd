// The engine of a name that --deploy may have, with an exported file.
#pragma once
#include <cstdint>
#include <filesystem>
#include <memory>

#include "braid/evaluate/deploy_target.h"
#include "braid/serve/engine.h"

namespace braid::evaluate {

// Throws what check_engine() throws, IoError, and DataError for a file that the engine cannot run.
std::unique_ptr<serve::Engine> open_engine(const DeployTarget& target,
                                           const std::filesystem::path& file, int64_t threads);

}  // namespace braid::evaluate
