#include "braid/models/registry.h"

#include <fmt/format.h>

#include <algorithm>
#include <mutex>

#include "braid/core/near_match.h"
#include "braid/io/digest.h"
#include "braid/runtime/generator_guard.h"

namespace braid::models {

const char* to_string(Family family) {
  switch (family) {
    case Family::kCnn:
      return "cnn";
    case Family::kTransformer:
      return "transformer";
    case Family::kHybrid:
      return "hybrid";
  }
  return "";
}

const char* to_string(Fusion fusion) {
  switch (fusion) {
    case Fusion::kNone:
      return "none";
    case Fusion::kSerial:
      return "serial";
    case Fusion::kInterleaved:
      return "interleaved";
    case Fusion::kEmbedded:
      return "embedded";
    case Fusion::kParallel:
      return "parallel";
  }
  return "";
}

void Registry::add(ModelEntry entry) {
  const std::lock_guard lock(mutex_);
  const std::string name = entry.name;
  if (!entries_.emplace(name, std::move(entry)).second)
    throw UsageError("models", "there is a model '" + name + "' already");
}

void Registry::add_resolver(NameResolver resolver) {
  const std::lock_guard lock(mutex_);
  resolvers_.push_back(std::make_shared<const NameResolver>(std::move(resolver)));
}

std::vector<ModelEntry> Registry::entries() const {
  const std::shared_lock lock(mutex_);
  std::vector<ModelEntry> list;
  for (const auto& [name, entry] : entries_) list.push_back(entry);
  return list;
}

std::shared_ptr<const NameResolver> Registry::resolver_of(const std::string& name) const {
  std::vector<std::shared_ptr<const NameResolver>> resolvers;
  {
    const std::shared_lock lock(mutex_);
    resolvers = resolvers_;
  }
  for (const auto& resolver : resolvers)
    if (resolver->matches(name)) return resolver;
  return nullptr;
}

ModelEntry Registry::find(const std::string& name) const {
  if (const auto resolver = resolver_of(name)) return resolver->resolve(name);
  const std::string architecture = name.substr(0, name.find('.'));
  const std::shared_lock lock(mutex_);
  const auto it = entries_.find(architecture);
  if (it != entries_.end()) return it->second;
  std::vector<std::string> names;
  for (const auto& known : entries_) names.push_back(known.first);
  throw UsageError("models", "unknown model '" + name + "'", "",
                   did_you_mean(architecture, names, "`braid models` lists them"));
}

Registry& registry() {
  static Registry table;
  static const bool filled = (register_all(table), true);
  (void)filled;
  return table;
}

ModelEntry find_model(const std::string& name) { return registry().find(name); }

std::string tag_of(const std::string& name) {
  if (registry().resolver_of(name)) return "";
  const auto dot = name.find('.');
  return dot == std::string::npos ? "" : name.substr(dot + 1);
}

std::vector<std::string> resolve_names(const std::vector<std::string>& pieces) {
  std::vector<std::string> names;
  for (const auto& piece : pieces) {
    const auto resolver = names.empty() ? nullptr : registry().resolver_of(names.back());
    if (resolver && resolver->continues(names.back(), piece))
      names.back() += "," + piece;
    else
      names.push_back(piece);
  }
  for (auto& name : names) name = find_model(name).name;
  return names;
}

std::string folder_name(const std::string& model) {
  const auto end = model.find_first_of(":=");
  if (end == std::string::npos) return model;
  constexpr size_t kDigits = 8;
  return model.substr(0, end) + "-" + io::sha256({model.begin(), model.end()}).substr(0, kDigits);
}

std::string with_article(std::string_view kind) {
  const bool vowel = std::string_view("aeiou").find(kind.substr(0, 1)) != std::string_view::npos;
  return fmt::format("{} {}", vowel ? "an" : "a", kind);
}

ModelPtr create_model_of_kind(const std::string& name, std::string_view kind, const Json& overrides,
                              uint64_t seed) {
  const auto entry = find_model(name);
  if (!kind.empty() && entry.kind != kind)
    throw UsageError("models", fmt::format("expected {}, got '{}', which is {}", with_article(kind),
                                           name, with_article(entry.kind)));
  const runtime::SeededGenerator seeded(torch::kCPU, seed);
  return entry.make(overrides);
}

}  // namespace braid::models
