// braid-run's interpreter behind the interface of all engines.
#pragma once
#include <cstdint>
#include <filesystem>
#include <memory>

#include "braid/serve/engine.h"

namespace braid::evaluate {

// file: as `braid export` and `braid quantize` write it. Throws IoError or DataError.
std::unique_ptr<serve::Engine> open_runner(const std::filesystem::path& file, int64_t threads);

}  // namespace braid::evaluate
