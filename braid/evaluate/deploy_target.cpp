#include "braid/evaluate/deploy_target.h"

#include <span>
#include <system_error>

#include "braid/core/error.h"
#include "braid/io/atomic_file.h"
#include "braid/serve/openvino/openvino_engine.h"

namespace braid::evaluate {

namespace fs = std::filesystem;

namespace {

const std::vector<DeployTarget>& deploy_targets() {
  static const std::vector<DeployTarget> targets = {{"braid-run", false, false},
                                                    {"braid-run-int8", false, true},
                                                    {"openvino", true, false},
                                                    {"openvino-int8", true, true}};
  return targets;
}

}  // namespace

std::vector<std::string> deploy_names() {
  std::vector<std::string> names = {kNotDeployed};
  for (const auto& target : deploy_targets()) names.push_back(target.name);
  return names;
}

DeployTarget deploy_target(const std::string& name) {
  for (const auto& target : deploy_targets())
    if (name == target.name) return target;
  throw InternalError("compare", "expected an engine of --deploy, got '" + name + "'");
}

void check_engine(const DeployTarget& target) {
  if (!target.openvino) return;
  if (const auto why = serve::openvino_missing(); !why.empty())
    throw ConfigError("compare", "expected OpenVINO for --deploy " + target.name + ": " + why,
                      "--deploy",
                      "`make openvino` sets it up; braid-run and braid-run-int8 are always there");
}

int64_t shipped_bytes(const fs::path& shipped) {
  std::error_code none;
  if (!fs::is_directory(shipped, none)) {
    const auto size = fs::file_size(shipped, none);
    return none ? 0 : static_cast<int64_t>(size);
  }
  int64_t bytes = 0;
  for (const auto& entry : fs::directory_iterator(shipped, none))
    bytes += shipped_bytes(entry.path());
  return bytes;
}

void copy_shipped(const fs::path& shipped, const fs::path& folder) {
  if (!fs::is_directory(shipped)) {
    const auto bytes = io::read_file(shipped);
    io::write_file_atomic(folder / shipped.filename(),
                          {std::as_bytes(std::span<const uint8_t>(bytes))});
    return;
  }
  const auto copy = folder / shipped.filename();
  fs::create_directories(copy);
  for (const auto& entry : fs::directory_iterator(shipped)) copy_shipped(entry.path(), copy);
}

}  // namespace braid::evaluate
