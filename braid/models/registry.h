// The table of named architectures.
//
// A variant is one entry of a few lines in its model's file, listed by one explicit function;
// nothing registers itself.
#pragma once
#include <functional>
#include <string>
#include <vector>

#include "braid/core/error.h"
#include "braid/data/image/input_config.h"
#include "braid/models/model.h"

namespace braid::models {

enum class Family { kCnn, kTransformer, kHybrid };
enum class Fusion { kNone, kSerial, kInterleaved, kEmbedded, kParallel };
const char* to_string(Family family);  // "cnn", "transformer", "hybrid"
const char* to_string(Fusion fusion);  // "none", "serial", ...

struct ModelEntry {
  std::string name;
  Family family;
  Fusion fusion;
  data::InputConfig input;  // size, mean and std the variant was designed for
  Json config;              // every field of the variant's config struct
  // Whether the reference's constructor takes img_size (timm's fixed_input_size).
  bool fixed_input_size;
  // overrides: fields of the model's config struct, such as {"num_classes": 10, "in_chans": 1,
  // "img_size": 28}. Throws ConfigError for a field the model does not have.
  std::function<ModelPtr(const Json& overrides)> make;
};
using Registry = std::vector<ModelEntry>;

// Builds an entry from a model class and its config. Config: `struct C { ...; void
// visit(FieldVisitor&); }` with the fields num_classes, in_chans and img_size; ModelImpl:
// constructible from it. The image size of all but CNNs is fixed, unless the config struct says
// otherwise in a `static constexpr bool kFixedInputSize`.
template <class ModelImpl, class Config>
ModelEntry make_entry(const std::string& name, Family family, Fusion fusion,
                      const data::InputConfig& input, const Config& variant) {
  bool fixed_input_size = family != Family::kCnn;
  if constexpr (requires { Config::kFixedInputSize; }) fixed_input_size = Config::kFixedInputSize;
  return {name,
          family,
          fusion,
          input,
          to_json(variant),
          fixed_input_size,
          [name, variant](const Json& overrides) -> ModelPtr {
            Config config = variant;
            update_from_json(config, overrides, "model " + name);
            try {
              return std::make_shared<ModelImpl>(config);
            } catch (const c10::Error& e) {  // fields that are fine by themselves, not together
              if (std::string(e.what()).find("allocate memory") != std::string::npos) throw;
              throw ConfigError("models", e.what_without_backtrace(), "model " + name);
            }
          }};
}

// Every architecture, sorted by name. Filled once by register_all() in registry.cpp.
const Registry& registry();
// name: of the table, with the tag of weights as in timm ("resnet18.a1_in1k") or without, or a
// composed one: `braidnet:LINE` or a TOML file (composer/design.h). Throws UsageError with near
// matches when the name is unknown, ConfigError for a wrong design.
const ModelEntry& find_model(const std::string& name);
// Names from a list that was split at commas, each as find_model() knows it: the pieces of a
// braidnet line are put together again, a TOML file becomes its line.
std::vector<std::string> resolve_names(const std::vector<std::string>& pieces);
// The name itself, or a short one where it is a composed model's line.
std::string folder_name(const std::string& model);
// What follows the architecture's name after a dot, such as "a1_in1k"; may be empty.
std::string tag_of(const std::string& name);
// seed: of the weight initialization; the same seed gives the same weights. The global generator is
// left as it was, so that a model made in between disturbs no run.
ModelPtr create_model(const std::string& name, const Json& overrides = Json::object(),
                      uint64_t seed = 0);

}  // namespace braid::models
