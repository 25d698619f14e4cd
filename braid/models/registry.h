// The table of named architectures, of every kind of model.
//
// A variant is one entry of a few lines in its model's file, listed by one explicit function;
// nothing registers itself. Users of the library add their own at run time: registry().add(...).
#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "braid/core/error.h"
#include "braid/models/model.h"

namespace braid::models {

enum class Family { kCnn, kTransformer, kHybrid };
enum class Fusion { kNone, kSerial, kInterleaved, kEmbedded, kParallel };
const char* to_string(Family family);  // "cnn", "transformer", "hybrid"
const char* to_string(Fusion fusion);  // "none", "serial", ...

// How config.json of Hugging Face transformers speaks of a family of models. The config struct has
// its fields, under its names.
struct TransformersNames {
  std::string model_type;  // "bert"
  Json defaults;           // every field of the config struct, as transformers fills them in
  Json fixed =
      Json::object();  // what a field must be, if the file has it, such as is_decoder false
  // Field `head` of the config struct to the class in `architectures`; one with "" where the struct
  // has no such field.
  std::vector<std::pair<std::string, std::string>> classes = {};
};

struct ModelEntry {
  std::string name;
  std::string kind;  // kKind of the contract that its model fulfils, such as "image model"
  Family family = Family::kCnn;
  Fusion fusion = Fusion::kNone;
  Json preprocessing;  // of the input that the variant was designed for, as the kind's files say it
  Json config;         // every field of the variant's config struct
  bool whitening_stem = false;  // its first convolution is made to whiten, ImageModel::whiten_stem
  // overrides: fields of the model's config struct, such as {"num_classes": 10, "in_chans": 1,
  // "img_size": 28}. Throws ConfigError for a field the model does not have.
  std::function<ModelPtr(const Json& overrides)> make;
  std::optional<TransformersNames> transformers = {};  // of a family that transformers knows too
};

// Builds an entry from a model class and its config. Config: `struct C { ...; void
// visit(FieldVisitor&); }`; ModelImpl: constructible from it, with the kKind of its contract.
template <class ModelImpl, class Config>
ModelEntry make_entry(const std::string& name, Family family, Fusion fusion,
                      const Json& preprocessing, const Config& variant) {
  return {.name = name,
          .kind = std::string(ModelImpl::kKind),
          .family = family,
          .fusion = fusion,
          .preprocessing = preprocessing,
          .config = to_json(variant),
          .whitening_stem = requires {ModelImpl::kWhiteningStem;
}
, .make = [name, variant](const Json& overrides) -> ModelPtr {
  Config config = variant;
  update_from_json(config, overrides, "model " + name);
  try {
    return std::make_shared<ModelImpl>(config);
  } catch (const c10::Error& e) {  // fields that are fine by themselves, not together
    if (std::string(e.what()).find("allocate memory") != std::string::npos)
      throw TryAgainError("models", "out of memory: the config asks for larger weights",
                          "model " + name, "check its numbers of channels and of words");
    throw ConfigError("models", e.what_without_backtrace(), "model " + name);
  }
}
};  // namespace braid::models
}

// Names that are no entries of the table but say themselves what the model is, such as
// `braidnet:LINE`.
struct NameResolver {
  std::function<bool(const std::string& name)> matches;
  // The entry of a name that matches; its name may be another spelling of the same. Throws
  // ConfigError where the name describes no model.
  std::function<ModelEntry(const std::string& name)> resolve;
  // Whether a piece that followed a comma still belongs to the matching name before it.
  std::function<bool(const std::string& name, const std::string& piece)> continues;
};

// Safe to use from several threads.
class Registry {
 public:
  // Throws UsageError where the name is taken.
  void add(ModelEntry entry);
  void add_resolver(NameResolver resolver);
  std::vector<ModelEntry> entries() const;  // sorted by name
  // name: of an entry, with the tag of weights as in timm ("resnet18.a1_in1k") or without, or one
  // that a resolver knows. Throws UsageError with near matches when the name is unknown, or what
  // the resolver throws.
  ModelEntry find(const std::string& name) const;
  // The resolver that a name is for; none for the table's.
  std::shared_ptr<const NameResolver> resolver_of(const std::string& name) const;

 private:
  mutable std::shared_mutex mutex_;
  std::map<std::string, ModelEntry> entries_;
  std::vector<std::shared_ptr<const NameResolver>> resolvers_;
};

// Adds every architecture of the library, in register_all.cpp.
void register_all(Registry& table);
// The process's table, filled by register_all().
Registry& registry();
ModelEntry find_model(const std::string& name);  // registry().find(name)

// Names from a list that was split at commas, each as find_model() knows it: the pieces of one name
// are put together again, and a TOML file becomes its line.
std::vector<std::string> resolve_names(const std::vector<std::string>& pieces);
// The name itself, or a short one where it is a composed model's line or names weights after a "=".
std::string folder_name(const std::string& model);
// What follows the architecture's name after a dot, such as "a1_in1k"; may be empty.
std::string tag_of(const std::string& name);

// "an image model", "a text encoder".
std::string with_article(std::string_view kind);
// kind: what is wanted; empty: any. Throws UsageError for a model of another kind.
ModelPtr create_model_of_kind(const std::string& name, std::string_view kind, const Json& overrides,
                              uint64_t seed);
// seed: of the weight initialization; the same seed gives the same weights, also where several
// threads make models. The global generator is left as it was, so that a model made in between
// disturbs no run.
inline ModelPtr create_model(const std::string& name, const Json& overrides = Json::object(),
                             uint64_t seed = 0) {
  return create_model_of_kind(name, "", overrides, seed);
}
// As the contract T, such as ImageModel. Throws UsageError for a model of another kind.
template <class T>
std::shared_ptr<T> create_model(const std::string& name, const Json& overrides = Json::object(),
                                uint64_t seed = 0) {
  auto model = std::dynamic_pointer_cast<T>(create_model_of_kind(name, T::kKind, overrides, seed));
  if (!model) throw InternalError("models", "'" + name + "' makes no " + std::string(T::kKind));
  return model;
}

}  // namespace braid::models
