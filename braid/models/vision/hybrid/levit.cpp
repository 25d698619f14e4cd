#include "braid/models/vision/hybrid/levit.h"

#include <fmt/format.h>

#include <cmath>

#include "braid/models/layer_ids.h"
#include "braid/models/validate.h"
#include "braid/models/vision/inputs.h"
#include "braid/nn/attention/core.h"
#include "braid/nn/basic/drop_path.h"
#include "braid/nn/basic/dropout.h"
#include "braid/nn/basic/init.h"
#include "braid/nn/block/pre_norm_block.h"
#include "braid/nn/head/replace_head.h"
#include "braid/nn/position/attention_bias_table.h"
#include "braid/ops/global_avg_pool.h"
#include "braid/runtime/grad_checkpoint.h"

namespace braid::models {
namespace {

using torch::Tensor;

constexpr double kDownsampleAttnRatio = 4, kDownsampleMlpRatio = 2;

int64_t scaled(int64_t channels, double ratio) {
  return static_cast<int64_t>(static_cast<double>(channels) * ratio);
}

// Linear layer and batch norm over tokens. Keys: linear, bn.
class LinearNormImpl : public torch::nn::Module {
 public:
  LinearNormImpl(int64_t in, int64_t out, double norm_weight = 1) {
    linear =
        register_module("linear", torch::nn::Linear(torch::nn::LinearOptions(in, out).bias(false)));
    bn = register_module("bn", torch::nn::BatchNorm1d(out));
    torch::nn::init::constant_(bn->weight, norm_weight);
  }
  Tensor forward(const Tensor& x) {  // [B,N,D] -> [B,N,D']
    const auto y = linear->forward(x);
    return bn->forward(y.flatten(0, 1)).view(y.sizes());
  }

  torch::nn::Linear linear{nullptr};
  torch::nn::BatchNorm1d bn{nullptr};
};
TORCH_MODULE(LinearNorm);

struct LevitAttentionConfig {
  int64_t in_dim = 0;
  int64_t out_dim = 0;
  int64_t key_dim = 16;
  int64_t num_heads = 4;
  double attn_ratio = 2;
  int64_t grid_size = 14;  // of keys: positions along one side
  int64_t stride = 1;      // of the grid of queries; above 1 they have a projection of their own
};

// Keys: attention_biases, qkv (stride 1) or kv and q.ln, proj.ln.
class LevitAttentionImpl : public torch::nn::Module {
 public:
  explicit LevitAttentionImpl(const LevitAttentionConfig& config)
      : config_(config), val_dim_(scaled(config.key_dim, config.attn_ratio)) {
    const int64_t h = config.num_heads;
    attention_biases_ = register_parameter("attention_biases",
                                           torch::zeros({h, config.grid_size * config.grid_size}));
    if (config.stride == 1) {
      qkv_ = register_module("qkv", LinearNorm(config.in_dim, h * (2 * config.key_dim + val_dim_)));
    } else {
      qkv_ = register_module("kv", LinearNorm(config.in_dim, h * (config.key_dim + val_dim_)));
      q_ = LinearNorm(config.in_dim, h * config.key_dim);
      register_module("q", std::make_shared<torch::nn::Module>())->register_module("ln", q_);
    }
    // A block of stride 1 begins as its shortcut.
    proj_ = LinearNorm(h * val_dim_, config.out_dim, /*norm_weight=*/config.stride == 1 ? 0 : 1);
    register_module("proj", std::make_shared<torch::nn::Module>())->register_module("ln", proj_);
  }

  Tensor forward(const Tensor& x) {  // [B,N,D] -> [B,M,D']
    const int64_t h = config_.num_heads, key_dim = config_.key_dim, grid = config_.grid_size;
    Tensor q, k, v;
    if (q_) {
      const auto queries = x.view({x.size(0), grid, grid, -1})
                               .slice(1, 0, grid, config_.stride)
                               .slice(2, 0, grid, config_.stride);
      const auto kv = nn::split_by_head<2>(qkv_->forward(x), h, {key_dim, val_dim_});
      k = kv[0], v = kv[1];
      q = nn::split_heads(q_->forward(queries.flatten(1, 2)), h);
    } else {
      const auto qkv = nn::split_by_head<3>(qkv_->forward(x), h, {key_dim, key_dim, val_dim_});
      q = qkv[0], k = qkv[1], v = qkv[2];
    }
    const auto bias = nn::attention_bias(attention_biases_, grid, config_.stride);
    const auto y = nn::attend(q, k, v, {.bias = bias});  // [B,h,M,d]
    return proj_->forward(at::hardswish(nn::merge_heads(y)));
  }

 private:
  LevitAttentionConfig config_;
  int64_t val_dim_;
  Tensor attention_biases_;
  LinearNorm qkv_{nullptr}, q_{nullptr}, proj_{nullptr};
};
TORCH_MODULE(LevitAttention);

// Keys: ln1, ln2.
class LevitMlpImpl : public torch::nn::Module {
 public:
  LevitMlpImpl(int64_t dim, int64_t hidden) {
    ln1_ = register_module("ln1", LinearNorm(dim, hidden));
    ln2_ = register_module("ln2", LinearNorm(hidden, dim, /*norm_weight=*/0));
  }
  Tensor forward(const Tensor& x) { return ln2_->forward(at::hardswish(ln1_->forward(x))); }

 private:
  LinearNorm ln1_{nullptr}, ln2_{nullptr};
};
TORCH_MODULE(LevitMlp);

// Attention that halves the grid, without a shortcut, then the feed-forward part with one. Keys:
// attn_downsample, mlp.
class LevitDownsampleImpl : public nn::BlockImpl {
 public:
  LevitDownsampleImpl(const LevitAttentionConfig& attention, double drop_path)
      : drop_path_(drop_path) {
    attn_ = register_module("attn_downsample", LevitAttention(attention));
    mlp_ = register_module(
        "mlp", LevitMlp(attention.out_dim, scaled(attention.out_dim, kDownsampleMlpRatio)));
  }
  Tensor forward(const Tensor& x) override {
    const auto y = attn_->forward(x);
    return y + nn::drop_path(mlp_->forward(y), drop_path_, is_training());
  }

 private:
  double drop_path_;
  LevitAttention attn_{nullptr};
  LevitMlp mlp_{nullptr};
};

// Without norms of its own. Keys: attn, mlp.
class ResidualBlockImpl : public nn::PreNormBlockImpl {
 public:
  ResidualBlockImpl(const LevitAttentionConfig& attention, double mlp_ratio, double drop_path)
      : PreNormBlockImpl({.drop_path = drop_path}) {
    add(mixer.layer, "attn", LevitAttention(attention));
    add(mlp.layer, "mlp", LevitMlp(attention.out_dim, scaled(attention.out_dim, mlp_ratio)));
  }
};
TORCH_MODULE(ResidualBlock);

void validate(const LevitConfig& config) {
  const Validator check("levit");
  check.input(config.num_classes, config.in_chans, config.img_size)
      .positive("key_dim", config.key_dim)
      .rate("drop_rate", config.drop_rate)
      .rate("drop_path_rate", config.drop_path_rate);
  const size_t stages = config.depths.size();
  check
      .same_length("depths", stages,
                   {{"embed_dim", config.embed_dim.size()}, {"num_heads", config.num_heads.size()}})
      .stages("depths", stages)
      .between("attn_ratio", config.attn_ratio, 1.0, 64.0)
      .between("mlp_ratio", config.mlp_ratio, 1.0, 64.0)
      .depth("depths", config.depths)
      .positive("embed_dim", config.embed_dim)
      .positive("num_heads", config.num_heads);
  for (size_t i = 0; i + 1 < stages; ++i)
    if (config.embed_dim[i] < config.key_dim)
      check.fail(fmt::format("expected embed_dim of at least key_dim = {}, got {}", config.key_dim,
                             config.embed_dim[i]));
  check.divides("8", 8, "embed_dim", config.embed_dim[0]);  // the stem doubles channels thrice
}

}  // namespace

void LevitConfig::visit(FieldVisitor& v) {
  v.field("num_classes", num_classes, "classes, 0: no classifier");
  v.field("in_chans", in_chans, "input channels");
  v.field("img_size", img_size, "pixels along one side");
  v.field("embed_dim", embed_dim, "channels per stage");
  v.field("key_dim", key_dim, "channels of a head's queries and keys");
  v.field("depths", depths, "blocks per stage");
  v.field("num_heads", num_heads, "attention heads per stage");
  v.field("attn_ratio", attn_ratio, "channels of a head's values per key_dim");
  v.field("mlp_ratio", mlp_ratio, "hidden channels of the feed-forward part per channel");
  v.field("distilled", distilled, "with a distillation head");
  v.field("drop_rate", drop_rate, "dropout before the classifier, 0: none");
  v.field("drop_path_rate", drop_path_rate, "stochastic depth of every block, 0: none");
}

LevitHeadImpl::LevitHeadImpl(int64_t in_features, int64_t num_classes, double drop_rate)
    : drop_rate_(drop_rate) {
  bn = register_module("bn", torch::nn::BatchNorm1d(in_features));
  linear = register_module("linear", torch::nn::Linear(in_features, num_classes));
  nn::init_linear_(linear);
}

torch::Tensor LevitHeadImpl::forward(const torch::Tensor& x) {
  return linear->forward(nn::dropout(bn->forward(x), drop_rate_, is_training()));
}

Levit::Levit(const LevitConfig& config) : ModelOf(config) {
  validate(config);
  auto stem = register_module("stem", std::make_shared<torch::nn::Module>());
  int64_t chans = config.in_chans, grid_size = config.img_size;
  for (int64_t i = 0; i < 4; ++i) {
    const int64_t out = config.embed_dim[0] >> (3 - i);
    stem_.push_back(
        stem->register_module("conv" + std::to_string(i + 1),
                              nn::ConvNormAct(nn::ConvNormActConfig{
                                  .in_chs = chans,
                                  .out_chs = out,
                                  .kernel_size = 3,
                                  .stride = 2,
                                  .init = nn::ConvInit::kTorch,
                                  .act = i == 3 ? nn::Act::kIdentity : nn::Act::kHardSwish,
                                  .conv_key = "linear"})));
    chans = out;
    grid_size = (grid_size + 1) / 2;
  }

  torch::nn::ModuleList stages;
  for (size_t i = 0; i < config.depths.size(); ++i) {
    auto module = std::make_shared<torch::nn::Module>();
    Stage stage;
    const int64_t out = config.embed_dim[i];
    LevitAttentionConfig attention{.in_dim = chans,
                                   .out_dim = out,
                                   .key_dim = config.key_dim,
                                   .num_heads = chans / config.key_dim,
                                   .attn_ratio = kDownsampleAttnRatio,
                                   .grid_size = grid_size,
                                   .stride = 2};
    if (i > 0) {
      stage.downsample = std::make_shared<LevitDownsampleImpl>(attention, config.drop_path_rate);
      module->register_module("downsample", stage.downsample);
      grid_size = (grid_size + 1) / 2;
    }
    attention.in_dim = out;
    attention.num_heads = config.num_heads[i];
    attention.attn_ratio = config.attn_ratio;
    attention.grid_size = grid_size;
    attention.stride = 1;
    for (int64_t j = 0; j < config.depths[i]; ++j)
      stage.blocks->push_back(ResidualBlock(attention, config.mlp_ratio, config.drop_path_rate));
    module->register_module("blocks", stage.blocks);
    stages->push_back(module);
    stages_.push_back(stage);
    chans = out;
  }
  register_module("stages", stages);
  replace_head(config.num_classes);
}

torch::Tensor Levit::forward_features(const torch::Tensor& x) {
  expect_img_size("levit", x, config_.img_size);
  auto y = x;
  for (auto& conv : stem_) y = conv->forward(y);
  y = y.flatten(2).transpose(1, 2);  // [B,D,h,w] -> [B,N,D]
  for (auto& stage : stages_) {
    if (stage.downsample) y = runtime::maybe_checkpoint(checkpointing(), stage.downsample, y);
    y = stage.blocks->forward(y, checkpointing());
  }
  return y;
}

torch::Tensor Levit::forward_head(const torch::Tensor& features, bool pre_logits) {
  auto pooled = ops::global_avg_pool(features);  // [B,N,D] -> [B,D]
  if (pre_logits || !head) return pooled;
  const auto logits = head->forward(pooled);
  return head_dist ? (logits + head_dist->forward(pooled)) / 2 : logits;
}

std::pair<torch::Tensor, torch::Tensor> Levit::forward_distilled(const torch::Tensor& x) {
  const auto features = forward_features(x);
  if (!head_dist) return {forward_head(features, false), torch::Tensor()};
  const auto pooled = ops::global_avg_pool(features);  // [B,N,D] -> [B,D]
  return {head->forward(pooled), head_dist->forward(pooled)};
}

std::vector<FeatureInfo> Levit::feature_info() const {
  std::vector<FeatureInfo> info;
  for (size_t i = 0; i < config_.depths.size(); ++i)
    info.push_back({"stages." + std::to_string(i), config_.embed_dim[i], int64_t{16} << i});
  return info;
}

void Levit::replace_head(int64_t num_classes) {
  const auto fresh = [&]() -> LevitHead {
    if (num_classes == 0) return nullptr;
    return LevitHead(config_.embed_dim.back(), num_classes, config_.drop_rate);
  };
  nn::replace_head(*this, "head", head, fresh());
  if (config_.distilled) nn::replace_head(*this, "head_dist", head_dist, fresh());
}

std::vector<std::string> Levit::head_modules() const {
  if (config_.distilled) return {"head.linear", "head_dist.linear"};
  return {"head.linear"};
}

std::vector<std::string> Levit::no_weight_decay() const {
  std::vector<std::string> names;
  for (const auto& item : named_parameters())
    if (item.key().ends_with("attention_biases")) names.push_back(item.key());
  return names;
}

int64_t Levit::layer_id(const std::string& parameter) const {
  if (parameter.starts_with("stem.")) return 0;
  return block_index(parameter, "stages.", layer_count() - 2) + 1;
}

torch::Tensor Levit::resample_weight(const std::string& name, const torch::Tensor& loaded) const {
  if (!name.ends_with("attention_biases") || loaded.dim() != 2) return loaded;
  const auto positions = static_cast<double>(named_parameters()[name].size(1));
  return nn::resize_attention_bias_table(loaded, std::lround(std::sqrt(positions)));
}

void add_levit(Registry& table) {
  const auto add = [&table](const char* name, const LevitConfig& config) {
    table.add(make_entry<Levit>(name, Family::kHybrid, Fusion::kSerial, imagenet_input(224, 0.9),
                                config));
  };
  add("levit_128s", {});
  add("levit_256", {.embed_dim = {256, 384, 512}, .key_dim = 32, .depths = {4, 4, 4}});
}

}  // namespace braid::models
