#include "braid/models/registry.h"

#include <algorithm>

#include "braid/core/error.h"
#include "braid/core/near_match.h"
#include "braid/models/cnn/resnet.h"
#include "braid/models/hybrid/cct.h"
#include "braid/models/hybrid/coatnet.h"
#include "braid/models/transformer/vit.h"
#include "braid/models/transformer/vit_lite.h"

namespace braid::models {
namespace {

// One line per file of models.
void register_all(Registry& table) {
  add_resnet(table);
  add_vit(table);
  add_vit_lite(table);
  add_cct(table);
  add_coatnet(table);
}

}  // namespace

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

const Registry& registry() {
  static const Registry table = [] {
    Registry entries;
    register_all(entries);
    std::sort(entries.begin(), entries.end(),
              [](const ModelEntry& a, const ModelEntry& b) { return a.name < b.name; });
    return entries;
  }();
  return table;
}

std::string tag_of(const std::string& name) {
  const auto dot = name.find('.');
  return dot == std::string::npos ? "" : name.substr(dot + 1);
}

const ModelEntry& find_model(const std::string& name) {
  const std::string architecture = name.substr(0, name.find('.'));
  std::vector<std::string> names;
  for (const auto& entry : registry()) {
    if (entry.name == architecture) return entry;
    names.push_back(entry.name);
  }
  throw UsageError("models", "unknown model '" + name + "'", "",
                   did_you_mean(architecture, names, "`braid models` lists them"));
}

ModelPtr create_model(const std::string& name, const Json& overrides, uint64_t seed) {
  const auto& entry = find_model(name);
  auto generator = at::globalContext().defaultGenerator(torch::kCPU);
  const auto state = generator.get_state();
  generator.set_current_seed(seed);
  try {
    auto model = entry.make(overrides);
    generator.set_state(state);
    return model;
  } catch (...) {
    generator.set_state(state);
    throw;
  }
}

}  // namespace braid::models
