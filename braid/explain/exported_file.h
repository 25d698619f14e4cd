// A file of `braid export` or `braid quantize` that is to be explained: by occlusion, run by
// braid-run's interpreter, since a file has no gradients.
#pragma once
#include <filesystem>
#include <memory>
#include <string>

#include "braid/explain/explanation.h"
#include "braid/runner/session.h"

namespace braid::explain {

// threads: that compute. Throws UsageError for another method or a layer; IoError; DataError for a
// file that the interpreter cannot run.
std::unique_ptr<runner::Session> open_exported(const std::filesystem::path& file,
                                               const ExplainConfig& config, int threads);
bool reads_texts(const runner::Session& session);             // else images
std::string architecture_of(const runner::Session& session);  // empty: the file does not say

}  // namespace braid::explain
