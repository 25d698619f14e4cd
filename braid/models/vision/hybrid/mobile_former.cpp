#include "braid/models/vision/hybrid/mobile_former.h"

#include <fmt/format.h>

#include <cmath>

#include "braid/models/layer_ids.h"
#include "braid/models/validate.h"
#include "braid/models/vision/hybrid/branches.h"
#include "braid/models/vision/inputs.h"
#include "braid/nn/attention/core.h"
#include "braid/nn/basic/drop_path.h"
#include "braid/nn/basic/dropout.h"
#include "braid/nn/basic/init_layers.h"
#include "braid/nn/basic/norm.h"
#include "braid/nn/basic/token_grid.h"
#include "braid/nn/conv/conv_norm_act.h"
#include "braid/nn/head/replace_head.h"
#include "braid/nn/mlp/mlp.h"
#include "braid/ops/global_avg_pool.h"
#include "braid/runtime/grad_checkpoint.h"

namespace braid::models {
namespace {

using torch::Tensor;
using torch::nn::BatchNorm2d;
using torch::nn::Conv2d;
using torch::nn::LayerNorm;
using torch::nn::Linear;

constexpr int64_t kGlobalHeads = 4;   // among the tokens
constexpr int64_t kFfnExpansion = 2;  // of the tokens' feed-forward part
constexpr int64_t kHyperReduction = 4;
constexpr double kTokenNormEps = 1e-5;
constexpr double kLinearStd = 0.01;  // of the weights of linear layers

// Registers `layer` as the named members of nested plain modules, such as "hyper" and "0".
template <class Layer>
Layer nest(torch::nn::Module& parent, const std::string& outer, const std::string& inner,
           Layer layer) {
  if (!parent.named_children().contains(outer))
    parent.register_module(outer, std::make_shared<torch::nn::Module>());
  parent.named_children()[outer]->register_module(inner, layer);
  return layer;
}

// A feed-forward part whose layers have the keys 0 and 2.
nn::Mlp numbered_mlp(int64_t in, int64_t hidden, int64_t out, nn::Act act) {
  return nn::Mlp(nn::MlpConfig{.in_features = in,
                               .hidden_features = hidden,
                               .out_features = out,
                               .act = act,
                               .init = nn::MlpInit::kTorch,
                               .fc1_key = "0",
                               .fc2_key = "2"});
}

// Hard sigmoid, exact in float64 too: the gradient of at::hardsigmoid holds a float32 constant.
Tensor gate(const Tensor& x) { return at::clamp(x + 3, 0, 6) / 6; }

// The tokens among themselves: attention whose keys and values are the tokens as they are, then a
// feed-forward part. Keys: ffn.0, ffn.2, ffn_norm, q, channel_mlp, layer_norm.
class GlobalBlockImpl : public torch::nn::Module {
 public:
  GlobalBlockImpl(int64_t D, double drop_path) : drop_path_(drop_path) {
    ffn_ = register_module("ffn", numbered_mlp(D, kFfnExpansion * D, D, nn::Act::kGelu));
    ffn_norm_ = register_module("ffn_norm", nn::layer_norm(D, kTokenNormEps));
    q_ = register_module("q", Linear(D, D));
    channel_mlp_ = register_module("channel_mlp", Linear(D, D));
    layer_norm_ = register_module("layer_norm", nn::layer_norm(D, kTokenNormEps));
  }
  Tensor forward(const Tensor& tokens) {  // [B,T,D] -> [B,T,D]
    const auto keys = nn::split_heads(tokens, kGlobalHeads);
    const auto y =
        nn::merge_heads(nn::attend(nn::split_heads(q_->forward(tokens), kGlobalHeads), keys, keys));
    auto x = tokens + nn::drop_path(channel_mlp_->forward(y), drop_path_, is_training());
    x = layer_norm_->forward(x);
    return ffn_norm_->forward(x + ffn_->forward(x));
  }

 private:
  double drop_path_;
  nn::Mlp ffn_{nullptr};
  Linear q_{nullptr}, channel_mlp_{nullptr};
  LayerNorm ffn_norm_{nullptr}, layer_norm_{nullptr};
};
TORCH_MODULE(GlobalBlock);

// Attention from the map's pixels, queries as they are, to the tokens. Keys: k, proj.
class GlobalToLocalImpl : public torch::nn::Module {
 public:
  GlobalToLocalImpl(const MobileFormerConfig& config, int64_t chans, double drop_path)
      : heads_(config.attn_num_heads), drop_path_(drop_path) {
    k_ = register_module("k", Linear(config.token_dim, chans));
    proj_ = register_module("proj", Linear(config.token_dim, chans));
  }
  Tensor forward(const Tensor& map, const Tensor& tokens) {  // -> [B,C,H,W]
    const auto y =
        nn::merge_heads(nn::attend(nn::split_heads(nn::map_to_tokens(map), heads_),
                                   nn::split_heads(k_->forward(tokens), heads_),
                                   nn::split_heads(proj_->forward(tokens), heads_)));  // [B,H*W,C]
    const auto out = nn::to_nchw(y.view({map.size(0), map.size(2), map.size(3), map.size(1)}));
    return map + nn::drop_path(out, drop_path_, is_training());
  }

 private:
  int64_t heads_;
  double drop_path_;
  Linear k_{nullptr}, proj_{nullptr};
};
TORCH_MODULE(GlobalToLocal);

// The two slopes of a ReLU, set per channel by the first token. Keys: hyper.0, hyper.2.
class DynamicReluImpl : public torch::nn::Module {
 public:
  DynamicReluImpl(int64_t token_dim, int64_t chans) {
    hyper_ = register_module(
        "hyper", numbered_mlp(token_dim, token_dim / kHyperReduction, 2 * chans, nn::Act::kRelu));
  }
  Tensor forward(const Tensor& x, const Tensor& tokens) {  // [B,C,H,W], [B,T,D] -> [B,C,H,W]
    const auto y = hyper_->forward(tokens.select(1, 0));
    const auto slopes = (2 * gate(y) - 1).unsqueeze(-1).unsqueeze(-1).chunk(2, 1);
    return at::maximum(x * (slopes[0] + 1), x * slopes[1]);
  }

 private:
  nn::Mlp hyper_{nullptr};
};
TORCH_MODULE(DynamicRelu);

// Convolution and batch norm. Keys: 0, 1.
nn::ConvNormAct numbered_conv(nn::ConvNormActConfig config) {
  config.conv_key = "0";
  config.norm_key = "1";
  return nn::ConvNormAct(config);
}

struct Row {  // one entry of the config's lists
  int64_t in, out, stride, expand, expand2;
  double drop_path;
};

// Depthwise and pointwise convolution without tokens. Keys: conv.0, conv.1, conv.4, conv.5.
class ConvOnlyBlockImpl : public DnaBlockBaseImpl {
 public:
  explicit ConvOnlyBlockImpl(const Row& row) : identity_(row.stride == 1 && row.in == row.out) {
    const int64_t mid = row.in * row.expand;
    conv1_ =
        nest(*this, "conv", "0",
             nn::conv2d(row.in, mid, {.kernel_size = 3, .stride = row.stride, .groups = row.in}));
    norm1_ = nest(*this, "conv", "1", nn::batch_norm(mid));
    conv2_ = nest(*this, "conv", "4", nn::conv2d(mid, row.out));
    norm2_ = nest(*this, "conv", "5", nn::batch_norm(row.out));
  }
  std::pair<Tensor, Tensor> forward(const Tensor& map, const Tensor& tokens) override {
    auto x = at::clamp(norm1_->forward(nn::convolve(conv1_, map)), 0, 6);
    x = norm2_->forward(conv2_->forward(x));
    return {identity_ ? x + map : x, tokens};
  }

 private:
  bool identity_;
  Conv2d conv1_{nullptr}, conv2_{nullptr};
  BatchNorm2d norm1_{nullptr}, norm2_{nullptr};
};

// Depthwise and pointwise convolution twice. Keys: conv1 to conv4, hyper1, hyper3, local_global,
// global_block, global_local.
class DnaBlock3Impl : public DnaBlockBaseImpl {
 public:
  DnaBlock3Impl(const MobileFormerConfig& config, const Row& row)
      : identity_(row.stride == 1 && row.in == row.out), drop_path_(row.drop_path) {
    const int64_t in = row.in, out = row.out, D = config.token_dim;
    const int64_t mid1 = in * row.expand, mid2 = out * row.expand2;
    conv1_ = register_module(
        "conv1",
        numbered_conv(
            {.in_chs = in, .out_chs = mid1, .kernel_size = 3, .stride = row.stride, .groups = in}));
    hyper1_ = register_module("hyper1", DynamicRelu(D, mid1));
    conv2_ = register_module("conv2", numbered_conv({.in_chs = mid1, .out_chs = out}));
    conv3_ = register_module(
        "conv3", numbered_conv({.in_chs = out, .out_chs = mid2, .kernel_size = 3, .groups = out}));
    hyper3_ = register_module("hyper3", DynamicRelu(D, mid2));
    conv4_ = register_module("conv4", numbered_conv({.in_chs = mid2, .out_chs = out}));
    local_global_ = register_module("local_global", LocalToGlobal(config, in, drop_path_));
    global_block_ = register_module("global_block", GlobalBlock(D, drop_path_));
    global_local_ = register_module("global_local", GlobalToLocal(config, out, drop_path_));
  }
  std::pair<Tensor, Tensor> forward(const Tensor& map, const Tensor& tokens) override {
    const auto t = global_block_->forward(local_global_->forward(map, tokens));
    const auto x = conv2_->forward(hyper1_->forward(conv1_->forward(map), t));
    auto y = conv4_->forward(hyper3_->forward(conv3_->forward(x), t));
    y = global_local_->forward(x + nn::drop_path(y, drop_path_, is_training()), t);
    return {identity_ ? y + map : y, t};
  }

 private:
  bool identity_;
  double drop_path_;
  nn::ConvNormAct conv1_{nullptr}, conv2_{nullptr}, conv3_{nullptr}, conv4_{nullptr};
  DynamicRelu hyper1_{nullptr}, hyper3_{nullptr};
  LocalToGlobal local_global_{nullptr};
  GlobalBlock global_block_{nullptr};
  GlobalToLocal global_local_{nullptr};
};

// MobileNetV2's inverted bottleneck. Keys: conv1 to conv3, hyper1, hyper2, local_global,
// global_block, global_local.
class DnaBlockImpl : public DnaBlockBaseImpl {
 public:
  DnaBlockImpl(const MobileFormerConfig& config, const Row& row)
      : identity_(row.stride == 1 && row.in == row.out), drop_path_(row.drop_path) {
    const int64_t in = row.in, out = row.out, D = config.token_dim, mid = in * row.expand;
    conv1_ = register_module("conv1", numbered_conv({.in_chs = in, .out_chs = mid}));
    hyper1_ = register_module("hyper1", DynamicRelu(D, mid));
    conv2_ = register_module("conv2", numbered_conv({.in_chs = mid,
                                                     .out_chs = mid,
                                                     .kernel_size = 3,
                                                     .stride = row.stride,
                                                     .groups = mid}));
    hyper2_ = register_module("hyper2", DynamicRelu(D, mid));
    conv3_ = register_module("conv3", numbered_conv({.in_chs = mid, .out_chs = out}));
    local_global_ = register_module("local_global", LocalToGlobal(config, in, drop_path_));
    global_block_ = register_module("global_block", GlobalBlock(D, drop_path_));
    global_local_ = register_module("global_local", GlobalToLocal(config, out, drop_path_));
  }
  std::pair<Tensor, Tensor> forward(const Tensor& map, const Tensor& tokens) override {
    const auto t = global_block_->forward(local_global_->forward(map, tokens));
    auto x = hyper1_->forward(conv1_->forward(map), t);
    x = conv3_->forward(hyper2_->forward(conv2_->forward(x), t));
    if (identity_) x = map + nn::drop_path(x, drop_path_, is_training());
    return {global_local_->forward(x, t), t};
  }

 private:
  bool identity_;
  double drop_path_;
  nn::ConvNormAct conv1_{nullptr}, conv2_{nullptr}, conv3_{nullptr};
  DynamicRelu hyper1_{nullptr}, hyper2_{nullptr};
  LocalToGlobal local_global_{nullptr};
  GlobalBlock global_block_{nullptr};
  GlobalToLocal global_local_{nullptr};
};

std::shared_ptr<DnaBlockBaseImpl> make_block(const MobileFormerConfig& config,
                                             const std::string& type, const Row& row) {
  if (type == "DnaBlock") return std::make_shared<DnaBlockImpl>(config, row);
  if (row.expand == 1 || row.expand2 == 0) return std::make_shared<ConvOnlyBlockImpl>(row);
  return std::make_shared<DnaBlock3Impl>(config, row);
}

// Convolutions: normal with a fan-out that counts the channels of all groups, as MobileNetV2 had
// it.
void init_weights(torch::nn::Module& model) {
  nn::init_layers_(model, [](const Tensor& weight, const Tensor& bias) {
    const auto& w = weight;  // [out,in/groups,k,k] of a convolution
    const double std = w.dim() == 4
                           ? std::sqrt(2.0 / static_cast<double>(w.size(0) * w.size(2) * w.size(3)))
                           : kLinearStd;
    torch::nn::init::normal_(w, 0.0, std);
    if (bias.defined()) torch::nn::init::zeros_(bias);
  });
}

void validate(const MobileFormerConfig& config) {
  const Validator check("mobile_former");
  const size_t rows = config.block_type.size();
  check.input(config.num_classes, config.in_chans, config.img_size)
      .positive("stem_chs", config.stem_chs)
      .positive("token_num", config.token_num)
      .divides("attention heads of the tokens", kGlobalHeads, "token_dim", config.token_dim)
      .positive("last_exp", config.last_exp)
      .positive("num_features", config.num_features)
      .rate("drop_rate", config.drop_rate)
      .rate("drop_path_rate", config.drop_path_rate)
      .same_length("block_type", rows,
                   {{"channels", config.channels.size()},
                    {"depths", config.depths.size()},
                    {"strides", config.strides.size()},
                    {"expand_ratio", config.expand_ratio.size()},
                    {"expand_ratio2", config.expand_ratio2.size()}})
      .depth("depths", config.depths)
      .positive("expand_ratio", config.expand_ratio);
  constexpr size_t kMostRows = 60;  // whose strides' product is a number
  if (rows > kMostRows)
    check.fail(fmt::format("expected at most {} entries in block_type, got {}", kMostRows, rows));
  int64_t in = config.stem_chs;
  for (size_t i = 0; i < rows; ++i) {
    check.one_of("block_type", config.block_type[i], {"DnaBlock", "DnaBlock3"})
        .between("strides", config.strides[i], 1, 2)
        .between("expand_ratio2", config.expand_ratio2[i], 0, 64);
    for (const int64_t chans : {in, config.channels[i]})
      check.divides("attn_num_heads", config.attn_num_heads, "channels", chans);
    in = config.channels[i];
  }
}

}  // namespace

void MobileFormerConfig::visit(FieldVisitor& v) {
  v.field("num_classes", num_classes, "classes, 0: no classifier");
  v.field("in_chans", in_chans, "input channels");
  v.field("img_size", img_size, "pixels along one side");
  v.field("stem_chs", stem_chs, "channels of the stem");
  v.field("block_type", block_type, "per row of blocks: DnaBlock or DnaBlock3");
  v.field("channels", channels, "per row");
  v.field("depths", depths, "blocks per row");
  v.field("strides", strides, "of a row's first block, 1 or 2");
  v.field("expand_ratio", expand_ratio, "hidden channels per channel, per row");
  v.field("expand_ratio2", expand_ratio2, "of DnaBlock3's second half, 0: none and no tokens");
  v.field("token_num", token_num, "global tokens");
  v.field("token_dim", token_dim, "channels of a token");
  v.field("attn_num_heads", attn_num_heads, "attention heads between map and tokens");
  v.field("last_exp", last_exp, "channels before pooling per channel of the map");
  v.field("num_features", num_features, "channels before the classifier");
  v.field("drop_rate", drop_rate, "dropout before the classifier, 0: none");
  v.field("drop_path_rate", drop_path_rate, "stochastic depth of the last block, 0: none");
}

LocalToGlobalImpl::LocalToGlobalImpl(const MobileFormerConfig& config, int64_t chans,
                                     double drop_path)
    : heads_(config.attn_num_heads), drop_path_(drop_path) {
  const int64_t D = config.token_dim;
  alpha = nest(*this, "alpha", "0", Linear(D, chans));
  q = register_module("q", Linear(D, chans));
  proj = register_module("proj", Linear(chans, D));
  layer_norm = register_module("layer_norm", nn::layer_norm(D, kTokenNormEps));
}

Tensor LocalToGlobalImpl::forward(const Tensor& map, const Tensor& tokens) {
  const auto keys = nn::split_heads(nn::map_to_tokens(map), heads_);  // [B,h,H*W,d]
  auto y = nn::merge_heads(nn::attend(nn::split_heads(q->forward(tokens), heads_), keys,
                                      keys));  // [B,T,C]
  y = proj->forward(y * (2 * gate(alpha->forward(tokens))));
  return layer_norm->forward(tokens + nn::drop_path(y, drop_path_, is_training()));
}

MobileFormer::MobileFormer(const MobileFormerConfig& config) : ModelOf(config) {
  validate(config);
  tokens_ = register_module("tokens", torch::nn::Embedding(config.token_num, config.token_dim));
  stem_conv_ = nest(*this, "stem", "0",
                    nn::conv2d(config.in_chans, config.stem_chs, {.kernel_size = 3, .stride = 2}));
  stem_norm_ = nest(*this, "stem", "1", nn::batch_norm(config.stem_chs));
  torch::nn::ModuleList features;
  const auto rows = config.block_type.size();
  int64_t chans = config.stem_chs;
  for (size_t i = 0; i < rows; ++i)
    for (int64_t j = 0; j < config.depths[i]; ++j) {
      const Row row{.in = chans,
                    .out = config.channels[i],
                    .stride = j == 0 ? config.strides[i] : 1,
                    .expand = config.expand_ratio[i],
                    .expand2 = config.expand_ratio2[i],
                    .drop_path = config.drop_path_rate * static_cast<double>(i + 1) /
                                 static_cast<double>(rows)};
      const auto block = make_block(config, config.block_type[i], row);
      features->push_back(block);
      blocks_.emplace_back(block);
      chans = row.out;
    }
  register_module("features", features);
  local_global_ =
      register_module("local_global", LocalToGlobal(config, chans, config.drop_path_rate));

  auto head = register_module("classifier", std::make_shared<torch::nn::Module>());
  const int64_t wide = chans * config.last_exp;
  last_conv_ = nest(*head, "conv", "1", nn::conv2d(chans, wide));
  last_norm_ = nest(*head, "conv", "2", nn::batch_norm(wide));
  merge_ = nest(*head, "fc", "0", Linear(wide + config.token_dim, config.num_features));
  merge_norm_ = nest(*head, "fc", "1", torch::nn::BatchNorm1d(config.num_features));
  fc_parent_ = head->register_module("classifier", std::make_shared<torch::nn::Module>());
  init_weights(*this);
  replace_head(config.num_classes);
}

Tensor MobileFormer::forward_features(const Tensor& x) {
  auto map = at::clamp(stem_norm_->forward(stem_conv_->forward(x)), 0, 6);  // [B,C,H/2,W/2]
  auto tokens = tokens_->weight.unsqueeze(0).expand({x.size(0), -1, -1});   // [B,T,D]
  for (auto& block : blocks_)
    std::tie(map, tokens) = runtime::maybe_checkpoint(checkpointing(), block, map, tokens);
  return join_branches(map, local_global_->forward(map, tokens).select(1, 0));
}

Tensor MobileFormer::forward_head(const Tensor& features, bool pre_logits) {
  const auto parts = features.split_with_sizes({config_.channels.back(), config_.token_dim}, 1);
  auto y = at::clamp(last_norm_->forward(last_conv_->forward(parts[0])), 0, 6);
  y = torch::cat({at::hardswish(ops::global_avg_pool(y)), ops::global_avg_pool(parts[1])}, 1);
  y = at::hardswish(merge_norm_->forward(merge_->forward(y)));  // [B,num_features]
  if (pre_logits || !fc_) return y;
  return fc_->forward(nn::dropout(y, config_.drop_rate, is_training()));
}

std::vector<FeatureInfo> MobileFormer::feature_info() const {
  std::vector<FeatureInfo> info;
  int64_t last = -1, reduction = 2;
  for (size_t i = 0; i < config_.block_type.size(); ++i) {
    last += config_.depths[i];
    reduction *= config_.strides[i];
    const FeatureInfo entry{"features." + std::to_string(last), config_.channels[i], reduction};
    if (!info.empty() && info.back().reduction == reduction) info.pop_back();
    info.push_back(entry);
  }
  return info;
}

void MobileFormer::replace_head(int64_t num_classes) {
  auto fresh = nn::new_head(config_.num_features, num_classes);
  if (fresh) {
    torch::nn::init::normal_(fresh->weight, 0.0, kLinearStd);
    torch::nn::init::zeros_(fresh->bias);
  }
  nn::replace_head(*fc_parent_, "1", fc_, fresh);
}

int64_t MobileFormer::layer_id(const std::string& parameter) const {
  if (parameter.starts_with("tokens.") || parameter.starts_with("stem.")) return 0;
  return block_index(parameter, "features.", layer_count() - 2) + 1;
}

void add_mobile_former(Registry& table) {
  table.add(make_entry<MobileFormer>("mobile_former_96m", Family::kHybrid, Fusion::kParallel,
                                     imagenet_input(224, 0.875, "bilinear"), MobileFormerConfig{}));
}

}  // namespace braid::models
