#include "braid/models/registry.h"

#include <algorithm>

#include "braid/core/error.h"
#include "braid/core/near_match.h"
#include "braid/io/digest.h"
#include "braid/models/vision/cnn/convnext.h"
#include "braid/models/vision/cnn/densenet.h"
#include "braid/models/vision/cnn/efficientnet.h"
#include "braid/models/vision/cnn/mobilenetv3.h"
#include "braid/models/vision/cnn/regnet.h"
#include "braid/models/vision/cnn/resnet.h"
#include "braid/models/vision/cnn/vgg.h"
#include "braid/models/vision/cnn/vovnet.h"
#include "braid/models/vision/composer/braidnet.h"
#include "braid/models/vision/hybrid/cct.h"
#include "braid/models/vision/hybrid/coatnet.h"
#include "braid/models/vision/hybrid/conformer.h"
#include "braid/models/vision/hybrid/cvt.h"
#include "braid/models/vision/hybrid/edgenext.h"
#include "braid/models/vision/hybrid/efficientformer.h"
#include "braid/models/vision/hybrid/efficientformer_v2.h"
#include "braid/models/vision/hybrid/fastvit.h"
#include "braid/models/vision/hybrid/levit.h"
#include "braid/models/vision/hybrid/maxvit.h"
#include "braid/models/vision/hybrid/metaformer.h"
#include "braid/models/vision/hybrid/mobile_former.h"
#include "braid/models/vision/hybrid/mobilenetv4.h"
#include "braid/models/vision/hybrid/mobilevit.h"
#include "braid/models/vision/hybrid/nextvit.h"
#include "braid/models/vision/hybrid/repvit.h"
#include "braid/models/vision/hybrid/vit_hybrid.h"
#include "braid/models/vision/transformer/pvt_v2.h"
#include "braid/models/vision/transformer/swin.h"
#include "braid/models/vision/transformer/vit.h"
#include "braid/models/vision/transformer/vit_lite.h"
#include "braid/runtime/generator_guard.h"

namespace braid::models {
namespace {

// One line per file of models.
void register_all(Registry& table) {
  add_resnet(table);
  add_convnext(table);
  add_efficientnet(table);
  add_mobilenetv3(table);
  add_regnet(table);
  add_densenet(table);
  add_vgg(table);
  add_vovnet(table);
  add_vit(table);
  add_vit_lite(table);
  add_cct(table);
  add_coatnet(table);
  add_braidnet(table);
  add_vit_hybrid(table);
  add_pvt_v2(table);
  add_cvt(table);
  add_levit(table);
  add_edgenext(table);
  add_fastvit(table);
  add_nextvit(table);
  add_maxvit(table);
  add_swin(table);
  add_metaformer(table);
  add_mobilenetv4(table);
  add_mobilevit(table);
  add_efficientformer(table);
  add_efficientformer_v2(table);
  add_repvit(table);
  add_conformer(table);
  add_mobile_former(table);
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
  if (find_design(name) != nullptr) return "";
  const auto dot = name.find('.');
  return dot == std::string::npos ? "" : name.substr(dot + 1);
}

const ModelEntry& find_model(const std::string& name) {
  if (const auto* design = find_design(name)) return *design;
  const std::string architecture = name.substr(0, name.find('.'));
  std::vector<std::string> names;
  for (const auto& entry : registry()) {
    if (entry.name == architecture) return entry;
    names.push_back(entry.name);
  }
  throw UsageError("models", "unknown model '" + name + "'", "",
                   did_you_mean(architecture, names, "`braid models` lists them"));
}

std::vector<std::string> resolve_names(const std::vector<std::string>& pieces) {
  std::vector<std::string> names;
  for (const auto& piece : pieces) {
    // In a line a comma stands before a number of channels or a further option.
    const bool goes_on =
        !names.empty() && names.back().starts_with("braidnet:") && !piece.empty() &&
        ((piece[0] >= '0' && piece[0] <= '9') || piece.find('=') < piece.find(':'));
    if (goes_on)
      names.back() += "," + piece;
    else
      names.push_back(piece);
  }
  for (auto& name : names) name = find_model(name).name;
  return names;
}

std::string folder_name(const std::string& model) {
  const auto colon = model.find(':');
  if (colon == std::string::npos) return model;
  constexpr size_t kDigits = 8;
  return model.substr(0, colon) + "-" + io::sha256({model.begin(), model.end()}).substr(0, kDigits);
}

ModelPtr create_model(const std::string& name, const Json& overrides, uint64_t seed) {
  const auto& entry = find_model(name);
  runtime::GeneratorGuard guard(torch::kCPU);
  guard.generator().set_current_seed(seed);
  return entry.make(overrides);
}

}  // namespace braid::models
