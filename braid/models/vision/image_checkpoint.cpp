#include "braid/models/vision/image_checkpoint.h"

#include <fmt/format.h>

#include "braid/core/error.h"
#include "braid/models/checkpoint.h"
#include "braid/models/weights.h"

namespace braid::models {

namespace fs = std::filesystem;

void save_model(const ImageModel& model, const ImageHubConfig& hub, const fs::path& folder,
                uint64_t max_shard_size) {
  save_checkpoint(model, image_hub_config_to_json(hub, model), folder, max_shard_size);
}

LoadedModel load_model(const fs::path& folder) {
  const fs::path file = find_config(folder);
  LoadedModel loaded;
  loaded.hub = read_image_hub_config(file);
  loaded.model = std::dynamic_pointer_cast<ImageModel>(build_model(loaded.hub, file));
  const auto wanted = loaded.hub.global_pool, pool = loaded.model->global_pool();
  if (!wanted.empty() && !pool.empty() && wanted != pool)
    throw DataError("checkpoint",
                    fmt::format("expected the global_pool '{}' of {}, got '{}'", pool,
                                loaded.hub.architecture, wanted),
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

}  // namespace braid::models
