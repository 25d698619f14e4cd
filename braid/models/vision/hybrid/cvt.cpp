#include "braid/models/vision/hybrid/cvt.h"

#include <fmt/format.h>

#include <cmath>

#include "braid/models/layer_ids.h"
#include "braid/models/validate.h"
#include "braid/models/vision/inputs.h"
#include "braid/nn/basic/activation.h"
#include "braid/nn/basic/drop_path.h"
#include "braid/nn/basic/dropout.h"
#include "braid/nn/basic/init.h"
#include "braid/nn/basic/norm.h"
#include "braid/nn/basic/norm_for_product.h"
#include "braid/nn/conv/conv.h"
#include "braid/nn/head/replace_head.h"
#include "braid/runtime/grad_checkpoint.h"

namespace braid::models {
namespace {

constexpr const char* kStagePrefix = "cvt.encoder.stages.";

void validate(const CvtConfig& config) {
  const Validator check("cvt");
  check.input(config.num_classes, config.in_chans, config.img_size)
      .positive("stride_kv", config.stride_kv)
      .rate("drop_rate", config.drop_rate)
      .rate("attn_drop_rate", config.attn_drop_rate)
      .rate("drop_path_rate", config.drop_path_rate);
  const size_t stages = config.depths.size();
  check
      .same_length("depths", stages,
                   {{"patch_sizes", config.patch_sizes.size()},
                    {"patch_stride", config.patch_stride.size()},
                    {"patch_padding", config.patch_padding.size()},
                    {"embed_dim", config.embed_dim.size()},
                    {"num_heads", config.num_heads.size()}})
      .odd("kernel_qkv", config.kernel_qkv)
      .between("mlp_ratio", config.mlp_ratio, 1.0, 64.0)
      .stages("depths", stages)
      .depth("depths", config.depths)
      .positive("patch_sizes", config.patch_sizes);
  int64_t side = config.img_size;
  for (size_t i = 0; i < stages; ++i) {
    check.between("patch_stride", config.patch_stride[i], 1, 64)
        .between("patch_padding", config.patch_padding[i], 0, config.patch_sizes[i] - 1)
        .divides("num_heads", config.num_heads[i], "embed_dim", config.embed_dim[i]);
    side += 2 * config.patch_padding[i] - config.patch_sizes[i];
    if (side < 0)
      check.fail(fmt::format("expected patch_sizes of at most {} in stage {}, got {}",
                             side + config.patch_sizes[i], i, config.patch_sizes[i]));
    side = side / config.patch_stride[i] + 1;
  }
}

// The reference wraps each linear layer in a module of its own. Keys: NAME.dense.
torch::nn::Linear add_dense(torch::nn::Module& parent, const char* name, int64_t in, int64_t out) {
  torch::nn::Linear dense(in, out);
  nn::init_linear_(dense);
  parent.register_module(name, std::make_shared<torch::nn::Module>())
      ->register_module("dense", dense);
  return dense;
}

}  // namespace

void CvtConfig::visit(FieldVisitor& v) {
  v.field("num_classes", num_classes, "classes, 0: no classifier");
  v.field("in_chans", in_chans, "input channels");
  v.field("img_size", img_size, "pixels along one side");
  v.field("patch_sizes", patch_sizes, "per stage: kernel of the embedding, pixels");
  v.field("patch_stride", patch_stride, "per stage: stride of the embedding, pixels");
  v.field("patch_padding", patch_padding, "per stage: padding of the embedding, pixels");
  v.field("embed_dim", embed_dim, "channels per stage");
  v.field("num_heads", num_heads, "attention heads per stage");
  v.field("depths", depths, "blocks per stage");
  v.field("mlp_ratio", mlp_ratio, "hidden channels of the feed-forward part per channel");
  v.field("kernel_qkv", kernel_qkv, "kernel of the projections' convolutions, pixels, odd");
  v.field("stride_kv", stride_kv, "stride of keys and values, pixels");
  v.field("qkv_bias", qkv_bias, "bias of queries, keys and values");
  v.field("drop_rate", drop_rate, "dropout of embeddings and projections, 0: none");
  v.field("attn_drop_rate", attn_drop_rate, "dropout of attention weights, 0: none");
  v.field("drop_path_rate", drop_path_rate,
          "stochastic depth of the last block, rising over the last stage, 0: none");
}

CvtLayerImpl::CvtLayerImpl(const CvtConfig& config, size_t stage, double drop_path_rate)
    : drop_rate_(config.drop_rate), drop_path_(drop_path_rate) {
  const int64_t D = config.embed_dim[stage];
  attention = register_module(
      "attention", ConvProjectionAttention(ConvProjectionAttentionConfig{
                       .dim = D,
                       .num_heads = config.num_heads[stage],
                       .kernel_size = config.kernel_qkv,
                       .stride_kv = config.stride_kv,
                       .prefix_tokens = stage + 1 == config.depths.size() ? 1 : 0,
                       .qkv_bias = config.qkv_bias,
                       .scale = 1 / std::sqrt(static_cast<double>(D)),  // of all heads' channels
                       .attn_drop = config.attn_drop_rate,
                       .proj_drop = config.drop_rate}));
  const auto hidden = static_cast<int64_t>(static_cast<double>(D) * config.mlp_ratio);
  intermediate = add_dense(*this, "intermediate", D, hidden);
  output = add_dense(*this, "output", hidden, D);
  layernorm_before = register_module("layernorm_before", nn::layer_norm(D, 1e-5));
  layernorm_after = register_module("layernorm_after", nn::layer_norm(D, 1e-5));
}

torch::Tensor CvtLayerImpl::forward(torch::Tensor x, int64_t H, int64_t W) {
  x = x + nn::drop_path(attention->forward(nn::norm_for_product(layernorm_before, x), H, W),
                        drop_path_, is_training());
  auto y = output->forward(nn::activate(
      intermediate->forward(nn::norm_for_product(layernorm_after, x)), nn::Act::kGelu));
  y = nn::dropout(y, drop_rate_, is_training());
  return x + nn::drop_path(y, drop_path_, is_training());
}

CvtStageImpl::CvtStageImpl(const CvtConfig& config, size_t stage) : drop_rate_(config.drop_rate) {
  const bool last = stage + 1 == config.depths.size();
  if (last) {
    cls_token = register_parameter("cls_token", torch::empty({1, 1, config.embed_dim[stage]}));
    nn::trunc_normal_(cls_token, 0.02);
  }
  embedding = nn::OverlapPatchEmbed(nn::OverlapPatchEmbedConfig{
      .in_chs = stage == 0 ? config.in_chans : config.embed_dim[stage - 1],
      .embed_dim = config.embed_dim[stage],
      .patch_size = config.patch_sizes[stage],
      .stride = config.patch_stride[stage],
      .padding = config.patch_padding[stage],
      .proj_key = "projection",
      .norm_key = "normalization"});
  nn::trunc_normal_(embedding->proj->weight, 0.02);
  register_module("embedding", std::make_shared<torch::nn::Module>())
      ->register_module("convolution_embeddings", embedding);
  torch::nn::ModuleList list;
  for (const double rate :
       nn::drop_path_rates(last ? config.drop_path_rate : 0, config.depths[stage])) {
    layers.emplace_back(config, stage, rate);
    list->push_back(layers.back());
  }
  register_module("layers", list);
}

std::tuple<torch::Tensor, int64_t, int64_t> CvtStageImpl::forward(const torch::Tensor& map,
                                                                  bool checkpointing) {
  auto x = embedding->forward(map);  // [B,H,W,D]
  const int64_t H = x.size(1), W = x.size(2);
  x = nn::dropout(x.flatten(1, 2), drop_rate_, is_training());  // [B,N,D]
  if (cls_token.defined())
    x = torch::cat({cls_token.expand({x.size(0), -1, -1}).to(x.dtype()), x}, 1);
  for (auto& layer : layers) {
    x = runtime::checkpoint_if(
        checkpointing,
        [layer, H, W](const torch::Tensor& tokens) mutable { return layer->forward(tokens, H, W); },
        x);
  }
  return {x, H, W};
}

Cvt::Cvt(const CvtConfig& config) : ModelOf(config) {
  validate(config);
  torch::nn::ModuleList list;
  for (size_t i = 0; i < config.depths.size(); ++i) {
    stages.emplace_back(config, i);
    list->push_back(stages.back());
  }
  register_module("cvt", std::make_shared<torch::nn::Module>())
      ->register_module("encoder", std::make_shared<torch::nn::Module>())
      ->register_module("stages", list);
  layernorm = register_module("layernorm", nn::layer_norm(config.embed_dim.back(), 1e-5));
  replace_head(config.num_classes);
}

torch::Tensor Cvt::forward_features(const torch::Tensor& x) {
  auto map = x;
  for (size_t i = 0;; ++i) {
    const auto [tokens, H, W] = stages[i]->forward(map, checkpointing());
    if (i + 1 == stages.size()) return nn::trained_norm(layernorm, tokens);
    map = nn::to_nchw(tokens.view({x.size(0), H, W, -1}));
  }
}

torch::Tensor Cvt::forward_head(const torch::Tensor& features, bool pre_logits) {
  const auto cls = features.select(1, 0);  // [B,D]
  return pre_logits || !classifier_ ? cls : classifier_->forward(cls);
}

std::vector<FeatureInfo> Cvt::feature_info() const {
  std::vector<FeatureInfo> info;
  int64_t reduction = 1;
  for (size_t i = 0; i < config_.depths.size(); ++i)
    info.push_back({kStagePrefix + std::to_string(i), config_.embed_dim[i],
                    reduction *= config_.patch_stride[i]});
  return info;
}

void Cvt::replace_head(int64_t num_classes) {
  nn::replace_head(*this, "classifier", classifier_,
                   nn::new_head(config_.embed_dim.back(), num_classes, 0.02));
}

std::vector<std::string> Cvt::no_weight_decay() const {
  return {kStagePrefix + std::to_string(config_.depths.size() - 1) + ".cls_token"};
}

int64_t Cvt::layer_id(const std::string& parameter) const {
  if (parameter.starts_with(std::string(kStagePrefix) + "0.embedding.")) return 0;
  return block_index(parameter, kStagePrefix, layer_count() - 2) + 1;
}

void add_cvt(Registry& table) {
  table.add(make_entry<Cvt>("cvt_13", Family::kHybrid, Fusion::kEmbedded,
                            imagenet_input(224, 0.875), CvtConfig{}));
}

}  // namespace braid::models
