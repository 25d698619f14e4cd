#include "braid/models/published_weights.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <iterator>
#include <string_view>
#include <vector>

#include "braid/core/error.h"
#include "braid/models/registry.h"

namespace braid::models {
namespace {

struct Published {
  std::string_view name;  // of an architecture
  std::string_view tag;   // timm's default, of its repository timm/NAME.TAG
};
// A test holds them against what timm's registry says.
constexpr Published kTimmTags[] = {
    {"caformer_s18", "sail_in1k"},
    {"coatnet_0_rw_224", "sw_in1k"},
    {"coatnet_nano_rw_224", "sw_in1k"},
    {"coatnet_rmlp_1_rw2_224", "sw_in12k_ft_in1k"},
    {"convnext_atto", "d2_in1k"},
    {"convnext_tiny", "in12k_ft_in1k"},
    {"deit3_small_patch16_224", "fb_in1k"},
    {"deit_small_distilled_patch16_224", "fb_in1k"},
    {"deit_small_patch16_224", "fb_in1k"},
    {"deit_tiny_distilled_patch16_224", "fb_in1k"},
    {"deit_tiny_patch16_224", "fb_in1k"},
    {"densenet121", "ra_in1k"},
    {"edgenext_small", "usi_in1k"},
    {"efficientformer_l1", "snap_dist_in1k"},
    {"efficientformerv2_s0", "snap_dist_in1k"},
    {"efficientnet_b0", "ra_in1k"},
    {"ese_vovnet19b_dw", "ra_in1k"},
    {"ese_vovnet39b", "ra_in1k"},
    {"fastvit_sa12", "apple_in1k"},
    {"fastvit_t8", "apple_in1k"},
    {"levit_128s", "fb_dist_in1k"},
    {"levit_256", "fb_dist_in1k"},
    {"maxvit_rmlp_pico_rw_256", "sw_in1k"},
    {"maxvit_tiny_tf_224", "in1k"},
    {"mobilenetv3_large_100", "ra_in1k"},
    {"mobilenetv3_small_100", "lamb_in1k"},
    {"mobilenetv4_hybrid_medium", "e200_r256_in12k_ft_in1k"},
    {"mobilevit_s", "cvnets_in1k"},
    {"mobilevit_xs", "cvnets_in1k"},
    {"mobilevit_xxs", "cvnets_in1k"},
    {"mobilevitv2_100", "cvnets_in1k"},
    {"nextvit_small", "bd_in1k"},
    {"pvt_v2_b0", "in1k"},
    {"regnety_008", "pycls_in1k"},
    {"repvit_m1", "dist_in1k"},
    {"resnet101", "a1h_in1k"},
    {"resnet18", "a1_in1k"},
    {"resnet34", "a1_in1k"},
    {"resnet50", "a1_in1k"},
    {"swin_tiny_patch4_window7_224", "ms_in1k"},
    {"tf_efficientnet_lite0", "in1k"},
    {"vgg16_bn", "tv_in1k"},
    {"vit_base_patch16_224", "augreg2_in21k_ft_in1k"},
    {"vit_base_r50_s16_224", "orig_in21k"},
    {"vit_small_patch16_224", "augreg_in21k_ft_in1k"},
    {"vit_small_r26_s32_224", "augreg_in21k_ft_in1k"},
    {"vit_tiny_patch16_224", "augreg_in21k_ft_in1k"},
};

struct Repository {
  std::string_view name;        // of an architecture
  std::string_view repository;  // OWNER/NAME, of transformers
};
constexpr Repository kRepositories[] = {
    {"bert_base", "google-bert/bert-base-uncased"},
    {"bert_medium", "google/bert_uncased_L-8_H-512_A-8"},
    {"bert_mini", "google/bert_uncased_L-4_H-256_A-4"},
    {"bert_small", "google/bert_uncased_L-4_H-512_A-8"},
    {"bert_tiny", "google/bert_uncased_L-2_H-128_A-2"},
    {"convbert_base", "YituTech/conv-bert-base"},
    {"convbert_medium_small", "YituTech/conv-bert-medium-small"},
    {"convbert_small", "YituTech/conv-bert-small"},
    {"distilbert_base", "distilbert/distilbert-base-uncased"},
    {"electra_base", "google/electra-base-discriminator"},
    {"electra_small", "google/electra-small-discriminator"},
};

template <class Row, size_t N>
const Row* find_row(const Row (&rows)[N], const std::string& name) {
  const auto* it =
      std::find_if(std::begin(rows), std::end(rows), [&](const Row& r) { return r.name == name; });
  return it == std::end(rows) ? nullptr : it;
}

std::optional<std::string> repository_of(const std::string& architecture, const std::string& tag) {
  if (const auto* row = find_row(kTimmTags, architecture))
    return fmt::format("hf-hub:timm/{}.{}", row->name, tag.empty() ? row->tag : tag);
  const auto* row = find_row(kRepositories, architecture);
  if (row == nullptr || !tag.empty()) return std::nullopt;
  return fmt::format("hf-hub:{}", row->repository);
}

}  // namespace

std::optional<std::string> find_published_weights(const std::string& name) {
  return repository_of(find_model(name).name, tag_of(name));
}

std::string published_weights(const std::string& name) {
  if (const auto found = find_published_weights(name)) return *found;
  const auto kind = find_model(name).kind;
  std::vector<std::string> known;
  for (const auto& entry : registry().entries())
    if (entry.kind == kind && repository_of(entry.name, "")) known.push_back(entry.name);
  throw UsageError("models", fmt::format("expected a model with published weights, got '{}'", name),
                   "--pretrained",
                   known.empty() ? fmt::format("no {} has any", kind)
                                 : fmt::format("these have: {}", fmt::join(known, ", ")));
}

}  // namespace braid::models
