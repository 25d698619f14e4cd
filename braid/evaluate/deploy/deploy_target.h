// What a comparison's models are shipped as: an exported file, and the engine that runs it.
#pragma once
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "braid/serve/engine.h"

namespace braid::evaluate {

inline constexpr const char* kNotDeployed = "none";

struct DeployTarget {
  std::string name;       // as --deploy names it
  bool openvino = false;  // else braid-run's interpreter
  bool int8 = false;
};

// What --deploy may name, kNotDeployed first.
std::vector<std::string> deploy_names();
// name: one of those but kNotDeployed.
DeployTarget deploy_target(const std::string& name);
// Throws ConfigError where its engine is not there, and says what brings it.
void check_engine(const DeployTarget& target);
// Of a file, or of all files of a folder; 0 where there is none.
int64_t shipped_bytes(const std::filesystem::path& shipped);
// Copies a file, or a folder's files, into an existing folder. Throws IoError.
void copy_shipped(const std::filesystem::path& shipped, const std::filesystem::path& folder);
// Throws that too, IoError, and DataError for a file that the engine cannot run.
std::unique_ptr<serve::Engine> open_engine(const DeployTarget& target,
                                           const std::filesystem::path& file, int64_t threads);

}  // namespace braid::evaluate
