// Weights from the Hugging Face hub.
#pragma once
#include <filesystem>
#include <string>

#include "braid/core/progress.h"
#include "braid/io/hub_format.h"
#include "braid/io/hub_settings.h"

namespace braid::io {

// Where the weights that a user names lie: a file or a folder is returned as it is, and
// hf-hub:OWNER/NAME[@REVISION] becomes the folder of its snapshot in the cache, after what is
// missing there has been downloaded. Every --weights and --checkpoint goes through here.
std::filesystem::path resolve_weights(const std::string& spec, Progress& progress);

// The snapshot's folder: config.json (if the repository has one) and model.safetensors, or its
// shards with model.safetensors.index.json; of transformers' models also the tokenizer's files, and
// generation_config.json of those that write texts. A branch costs one request where all is cached,
// a commit none. Where the hub does not answer, what the cache remembers of the revision is taken.
//
// Throws UsageError (a name), ConfigError (a variable), IoError (no such file, no access, offline),
// TryAgainError (network, 429, 5xx), DataError (wrong size or SHA-256, a hostile answer, a
// repository that has only pickles).
std::filesystem::path resolve_hub(const HubSpec& spec, const HubSettings& settings,
                                  Progress& progress);

}  // namespace braid::io
