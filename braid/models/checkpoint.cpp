#include "braid/models/checkpoint.h"

#include "braid/core/error.h"
#include "braid/io/atomic_file.h"
#include "braid/io/hub.h"
#include "braid/io/posix_file.h"
#include "braid/io/safetensors.h"
#include "braid/models/registry.h"
#include "braid/models/weights.h"
#include "braid/runtime/skip_random_init.h"

namespace braid::models {

namespace fs = std::filesystem;

void save_checkpoint(const Model& model, const Json& config, const fs::path& folder,
                     uint64_t max_shard_size) {
  save_weights(model, folder, max_shard_size);
  io::write_file_atomic(folder / "config.json", config.dump(2) + "\n");
}

fs::path find_config(const fs::path& folder) {
  const fs::path file = folder / "config.json";
  if (!io::file_exists(file))
    throw IoError("checkpoint", "expected a folder with config.json and model.safetensors",
                  folder.string(), "give the folder that `braid train --output` wrote");
  return file;
}

ModelPtr build_model(const HubConfig& hub, const fs::path& file) {
  const runtime::SkipRandomInit skip;
  try {
    return create_model(hub.architecture, hub.model_args);
  } catch (const ConfigError& e) {
    throw DataError("checkpoint", e.what(), file.string());
  }
}

std::string kind_of_checkpoint(const std::filesystem::path& folder) {
  return find_model(read_hub_config(find_config(folder)).architecture).kind;
}

fs::path find_checkpoint(const std::string& path, Progress& progress) {
  const fs::path folder = io::resolve_weights(path, progress);
  if (!io::is_folder(folder)) io::find_weight_files(folder);  // refuses pickles
  for (const char* inner : {"", "model_best", "last", "winner"})
    if (io::file_exists(folder / inner / "config.json")) return folder / inner;
  throw IoError("checkpoint", "expected a checkpoint or a run's folder", path,
                "give the folder that `braid train --output` wrote, or hf-hub:OWNER/NAME");
}

}  // namespace braid::models
