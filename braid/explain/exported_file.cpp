#include "braid/explain/exported_file.h"

#include <algorithm>

#include "braid/core/error.h"
#include "braid/explain/text_occlusion.h"

namespace braid::explain {

std::unique_ptr<runner::Session> open_exported(const std::filesystem::path& file,
                                               const ExplainConfig& config, int threads) {
  if (config.method != "auto" && config.method != kOcclusion)
    throw UsageError("explain",
                     "expected occlusion of an exported file, got '" + config.method + "'",
                     "--method", "leave it out: only a checkpoint has gradients");
  if (config.layer)
    throw UsageError("explain",
                     "expected no --layer with an exported file, got '" + *config.layer + "'");
  return runner::Session::open(file, {.threads = threads});
}

bool reads_texts(const runner::Session& session) {
  return std::any_of(session.inputs().begin(), session.inputs().end(),
                     [](const auto& input) { return input.name == "input_ids"; });
}

std::string architecture_of(const runner::Session& session) {
  const auto name = session.metadata().find("architecture");
  return name == session.metadata().end() ? std::string() : name->second;
}

}  // namespace braid::explain
