#include "braid/models/checkpoint.h"

#include <fmt/format.h>

#include "braid/core/error.h"
#include "braid/io/atomic_file.h"
#include "braid/io/hub.h"
#include "braid/io/posix_file.h"
#include "braid/io/safetensors.h"
#include "braid/models/registry.h"

namespace braid::models {

namespace fs = std::filesystem;

void save_model(const Model& model, const HubConfig& card, const fs::path& folder,
                uint64_t max_shard_size) {
  save_weights(model, folder, max_shard_size);
  io::write_file_atomic(folder / "config.json", hub_config_to_json(card, model).dump(2) + "\n");
}

LoadedModel load_model(const fs::path& folder) {
  const fs::path file = folder / "config.json";
  if (!io::file_exists(file))
    throw IoError("checkpoint", "expected a folder with config.json and model.safetensors",
                  folder.string(), "give the folder that `braid train --output` wrote");
  LoadedModel loaded;
  loaded.card = read_hub_config(file);
  try {
    loaded.model = create_model(loaded.card.architecture, loaded.card.model_args);
  } catch (const ConfigError& e) {
    throw DataError("checkpoint", e.what(), file.string());
  }
  const auto pool = loaded.model->global_pool();
  if (!loaded.card.global_pool.empty() && !pool.empty() && loaded.card.global_pool != pool)
    throw DataError("checkpoint",
                    fmt::format("expected the global_pool '{}' of {}, got '{}'", pool,
                                loaded.card.architecture, loaded.card.global_pool),
                    file.string(), "braid's model pools in no other way");
  load_weights(*loaded.model, folder);
  loaded.model->eval();
  return loaded;
}

LoadedModel load_for_inference(const fs::path& folder) {
  auto loaded = load_model(folder);
  loaded.model->reparameterize();
  return loaded;
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
