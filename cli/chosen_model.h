// The model that a user names: of a checkpoint, or an architecture with random weights.
#pragma once
#include <CLI/CLI.hpp>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <variant>

#include "braid/models/text/text_checkpoint.h"
#include "braid/models/vision/image_checkpoint.h"

namespace braid::cli {

// What an architecture without weights is built for.
struct ModelShape {
  std::optional<int64_t> img_size, in_chans, num_classes;
};
void add_model_shape(CLI::App& verb, ModelShape& shape);

// Whether it means a checkpoint: a folder, or hf-hub:OWNER/NAME.
bool names_checkpoint(const std::string& model);

// What a name means, before weights are read.
struct NamedModel {
  std::string name;
  std::string kind;              // that of a class of models, such as ImageModel::kKind
  std::filesystem::path folder;  // of a checkpoint, which is downloaded if need be; else empty
};
// Throws UsageError for an unknown name.
NamedModel find_any_model(const std::string& model);

struct ChosenModel {
  std::variant<models::LoadedModel, models::LoadedTextEncoder, models::LoadedEncoderDecoder> model;
  std::filesystem::path folder;  // of a checkpoint, else empty
};
// An image model, ready for inference, a text encoder or an encoder-decoder. Throws UsageError for
// an unknown name, a model of another kind, or a shape with a checkpoint, which has its own;
// DataError for a checkpoint of another kind.
ChosenModel choose_any_model(const NamedModel& named, const ModelShape& shape, uint64_t seed);
ChosenModel choose_any_model(const std::string& model, const ModelShape& shape, uint64_t seed);

}  // namespace braid::cli
