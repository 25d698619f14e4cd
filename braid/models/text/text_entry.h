// Registry entries of networks of text.
#pragma once
#include <optional>
#include <string>
#include <utility>

#include "braid/models/registry.h"

namespace braid::models {

// transformers: how its config.json names such models; none where it has none.
template <class ModelImpl, class Config>
ModelEntry text_entry(const std::string& name, Family family, Fusion fusion, const Config& variant,
                      std::optional<TransformersNames> transformers = std::nullopt) {
  auto entry = make_entry<ModelImpl>(name, family, fusion, Json::object(), variant);
  entry.transformers = std::move(transformers);
  return entry;
}

}  // namespace braid::models
