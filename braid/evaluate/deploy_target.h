// What a comparison's models are shipped as: an exported file, for an engine that has a name. What
// runs and measures it is in deploy/, which knows this, and not the other way round.
#pragma once
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

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

}  // namespace braid::evaluate
