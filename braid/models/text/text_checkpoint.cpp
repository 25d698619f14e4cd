#include "braid/models/text/text_checkpoint.h"

#include "braid/core/error.h"
#include "braid/models/checkpoint.h"
#include "braid/models/registry.h"
#include "braid/models/weights.h"

namespace braid::models {

namespace fs = std::filesystem;

namespace {

template <class T>
LoadedText<T> load_text(const fs::path& folder, const char* wanted) {
  const fs::path file = find_config(folder);
  LoadedText<T> loaded;
  loaded.hub = read_hub_config(file);
  loaded.model = std::dynamic_pointer_cast<T>(build_model(loaded.hub, file));
  if (!loaded.model)
    throw DataError("checkpoint",
                    std::string("expected ") + wanted + ", got " + loaded.hub.architecture +
                        ", which is " + with_article(find_model(loaded.hub.architecture).kind),
                    file.string());
  load_weights(*loaded.model, folder);
  loaded.model->eval();
  return loaded;
}

}  // namespace

void save_text_model(const TextModel& model, const HubConfig& hub, const fs::path& folder,
                     uint64_t max_shard_size) {
  save_checkpoint(model, hub_config_to_json(hub, model), folder, max_shard_size);
}

LoadedTextModel load_text_model(const fs::path& folder) {
  return load_text<TextModel>(folder, "a model of text");
}

LoadedTextEncoder load_text_encoder(const fs::path& folder) {
  return load_text<TextEncoder>(folder, "a text encoder");
}

LoadedEncoderDecoder load_encoder_decoder(const fs::path& folder) {
  return load_text<EncoderDecoder>(folder, "a model that writes texts");
}

}  // namespace braid::models
