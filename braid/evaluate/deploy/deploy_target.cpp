#include "braid/evaluate/deploy/deploy_target.h"

#include "braid/core/error.h"
#include "braid/evaluate/deploy/runner_engine.h"
#include "braid/io/atomic_file.h"
#include "braid/serve/openvino/openvino_engine.h"

namespace braid::evaluate {
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

std::unique_ptr<serve::Engine> open_engine(const DeployTarget& target,
                                           const std::filesystem::path& file, int64_t threads) {
  if (!target.openvino) return open_runner(file, threads);
  const auto bytes = io::read_file(file);
  return serve::open_openvino({reinterpret_cast<const char*>(bytes.data()), bytes.size()},
                              {.threads = threads, .where = file.string()});
}

}  // namespace braid::evaluate
