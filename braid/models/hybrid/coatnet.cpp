#include "braid/models/hybrid/coatnet.h"

#include <fmt/format.h>

#include <cmath>
#include <numeric>

#include "braid/core/error.h"
#include "braid/models/inputs.h"
#include "braid/models/layer_ids.h"
#include "braid/models/validate.h"
#include "braid/nn/checkpoint.h"
#include "braid/nn/conv.h"
#include "braid/nn/drop_path.h"
#include "braid/nn/make_divisible.h"
#include "braid/nn/norm.h"
#include "braid/nn/squeeze_excite.h"

namespace braid::models {
namespace {

using nn::pointwise;
using nn::to_nchw;
using nn::to_nhwc;
using torch::Tensor;
using torch::nn::BatchNorm2d;
using torch::nn::Conv2d;
using torch::nn::LayerNorm;

// A linear layer stored as a 1x1 convolution, with ViT's initialization.
Conv2d pointwise_conv(int64_t in, int64_t out, bool bias, double bias_std = 0) {
  Conv2d layer(torch::nn::Conv2dOptions(in, out, 1).bias(bias));
  torch::nn::init::xavier_uniform_(layer->weight);
  if (bias) torch::nn::init::normal_(layer->bias, 0.0, bias_std);
  return layer;
}

// Halves [B,C,H,W]; odd sizes are rounded up, the last window then averages what there is.
Tensor halve(const Tensor& x) { return at::avg_pool2d(x, 2, 2, 0, /*ceil_mode=*/true); }
int64_t halved(int64_t side) { return (side + 1) / 2; }

// The strided shortcut: average pooling, then a projection where channels change. Keys: expand.
class DownsampleImpl : public torch::nn::Module {
 public:
  explicit DownsampleImpl(const Conv2d& projection) {
    if (projection) expand = register_module("expand", projection);
  }
  Tensor forward(const Tensor& x) {
    const auto y = halve(x);
    return expand ? expand->forward(y) : y;
  }
  Conv2d expand{nullptr};
};
TORCH_MODULE(Downsample);

// Inverted bottleneck with pre-normalization. Keys: (shortcut.expand), pre_norm, conv1_1x1, norm1,
// conv2_kxk, (se_early), norm2, (se), conv3_1x1.
class MbConvImpl : public CoAtNetBlockImpl {
 public:
  MbConvImpl(const CoAtNetConfig& config, int64_t in, int64_t out, bool strided, double drop_path)
      : strided_(strided),
        pre_norm_act_(config.conv_pre_norm_act),
        early_(config.conv_attn_early),
        drop_path_(drop_path) {
    const int64_t mid = nn::make_divisible(static_cast<double>(in) * config.expand_ratio);
    if (strided) {
      Conv2d projection{nullptr};
      if (in != out)
        projection = nn::conv2d(in, out, {.kernel = 1, .bias = config.conv_output_bias});
      shortcut_ = register_module("shortcut", Downsample(projection));
    }
    pre_norm_ = register_module("pre_norm", BatchNorm2d(in));
    conv1_ = register_module("conv1_1x1", nn::conv2d(in, mid));
    norm1_ = register_module("norm1", BatchNorm2d(mid));
    conv2_ = register_module("conv2_kxk", nn::conv2d(mid, mid, {.kernel = 3, .groups = mid}));
    nn::SqueezeExcite se(nn::SqueezeExciteConfig{
        .chans = mid, .rd_chans = mid / 4, .act = nn::parse_act(config.conv_attn_act_layer)});
    if (early_) se_ = register_module("se_early", se);
    norm2_ = register_module("norm2", BatchNorm2d(mid));
    if (!early_) se_ = register_module("se", se);
    conv3_ = register_module("conv3_1x1",
                             nn::conv2d(mid, out, {.kernel = 1, .bias = config.conv_output_bias}));
  }

  Tensor forward(const Tensor& x) override {
    auto y = pre_norm_->forward(x);
    if (pre_norm_act_) y = at::silu(y);
    if (strided_) y = halve(y);
    y = at::silu(norm1_->forward(conv1_->forward(y)));
    y = conv2_->forward(y);
    if (early_) y = se_->forward(y);
    y = at::silu(norm2_->forward(y));
    if (!early_) y = se_->forward(y);
    y = nn::drop_path(conv3_->forward(y), drop_path_, is_training());
    return y + (strided_ ? shortcut_->forward(x) : x);
  }

 private:
  bool strided_, pre_norm_act_, early_;
  double drop_path_;
  Downsample shortcut_{nullptr};
  BatchNorm2d pre_norm_{nullptr}, norm1_{nullptr}, norm2_{nullptr};
  Conv2d conv1_{nullptr}, conv2_{nullptr}, conv3_{nullptr};
  nn::SqueezeExcite se_{nullptr};
};

// Attention over all positions with a bias per relative position. Keys: qkv, rel_pos, proj.
class RelativeAttentionImpl : public torch::nn::Module {
 public:
  RelativeAttentionImpl(const CoAtNetConfig& config, int64_t in, int64_t out, int64_t side)
      : heads_(in / config.dim_head),
        attn_drop_(config.attn_drop_rate),
        proj_drop_(config.proj_drop_rate) {
    qkv_ = register_module("qkv", pointwise_conv(in, 3 * in, true));
    rel_pos_ = register_module("rel_pos", RelPosBias(side, heads_));
    proj_ = register_module("proj", pointwise_conv(in, out, true));
  }

  Tensor forward(const Tensor& x) {  // [B,H,W,C] -> [B,H,W,C']
    const int64_t B = x.size(0), H = x.size(1), W = x.size(2), C = x.size(3);
    // Each head's channels hold its query, key and value one after the other.
    const auto parts = pointwise(qkv_, x)
                           .view({B, H * W, heads_, 3 * C / heads_})
                           .transpose(1, 2)
                           .chunk(3, -1);  // 3 x [B,h,N,d]
    auto y = at::scaled_dot_product_attention(parts[0], parts[1], parts[2], rel_pos_->forward(),
                                              is_training() ? attn_drop_ : 0.0);  // [B,h,N,d]
    y = pointwise(proj_, y.transpose(1, 2).reshape({B, H, W, C}));
    return torch::dropout(y, proj_drop_, is_training());
  }

 private:
  int64_t heads_;
  double attn_drop_, proj_drop_;
  Conv2d qkv_{nullptr}, proj_{nullptr};
  RelPosBias rel_pos_{nullptr};
};
TORCH_MODULE(RelativeAttention);

// The feed-forward part, stored as 1x1 convolutions. Keys: fc1, fc2.
class ConvMlpImpl : public torch::nn::Module {
 public:
  ConvMlpImpl(int64_t dim, int64_t hidden, double drop) : drop_(drop) {
    fc1_ = register_module("fc1", pointwise_conv(dim, hidden, true, 1e-6));
    fc2_ = register_module("fc2", pointwise_conv(hidden, dim, true, 1e-6));
  }
  Tensor forward(const Tensor& x) {  // [B,H,W,C] -> [B,H,W,C]
    return pointwise(fc2_, torch::dropout(at::gelu(pointwise(fc1_, x)), drop_, is_training()));
  }

 private:
  double drop_;
  Conv2d fc1_{nullptr}, fc2_{nullptr};
};
TORCH_MODULE(ConvMlp);

// Pre-norm Transformer block; a strided one pools before its projections. Keys: (shortcut.expand),
// norm1 (norm1.norm when strided), attn, norm2, mlp.
class TransformerBlockImpl : public CoAtNetBlockImpl {
 public:
  TransformerBlockImpl(const CoAtNetConfig& config, int64_t in, int64_t out, int64_t side,
                       bool strided, double drop_path)
      : strided_(strided), drop_path_(drop_path) {
    norm1_ = nn::layer_norm(in);
    if (strided) {
      Conv2d projection{nullptr};
      if (in != out) projection = pointwise_conv(in, out, config.shortcut_bias);
      shortcut_ = register_module("shortcut", Downsample(projection));
      register_module("norm1", std::make_shared<torch::nn::Module>())
          ->register_module("norm", norm1_);
    } else {
      register_module("norm1", norm1_);
    }
    attn_ = register_module("attn", RelativeAttention(config, in, out, side));
    norm2_ = register_module("norm2", nn::layer_norm(out));
    const auto hidden = static_cast<int64_t>(static_cast<double>(out) * config.expand_ratio);
    mlp_ = register_module("mlp", ConvMlp(out, hidden, config.proj_drop_rate));
  }

  Tensor forward(const Tensor& x) override {
    auto y = norm1_->forward(to_nhwc(x));
    if (strided_) y = to_nhwc(halve(to_nchw(y)));
    y = nn::drop_path(attn_->forward(y), drop_path_, is_training());
    y = to_nhwc(strided_ ? shortcut_->forward(x) : x) + y;  // [B,H,W,C']
    return to_nchw(y + nn::drop_path(mlp_->forward(norm2_->forward(y)), drop_path_, is_training()));
  }

 private:
  bool strided_;
  double drop_path_;
  Downsample shortcut_{nullptr};
  LayerNorm norm1_{nullptr}, norm2_{nullptr};
  RelativeAttention attn_{nullptr};
  ConvMlp mlp_{nullptr};
};

void validate(const CoAtNetConfig& config) {
  const std::string model = "coatnet";
  const Validator check(model);
  check.input(config.num_classes, config.in_chans, config.img_size)
      .positive("stem_stride", config.stem_stride)
      .positive("dim_head", config.dim_head)
      .rate("drop_rate", config.drop_rate)
      .rate("attn_drop_rate", config.attn_drop_rate)
      .rate("proj_drop_rate", config.proj_drop_rate)
      .rate("drop_path_rate", config.drop_path_rate);
  const auto fail = [&](const std::string& message) {
    throw ConfigError("models", message, "model " + model);
  };
  const size_t stages = config.depths.size();
  if (stages == 0 || config.embed_dim.size() != stages || config.block_type.size() != stages)
    fail("expected as many embed_dim and block_type as depths, at least one");
  if (config.stem_width.size() != 2) fail("expected two numbers in stem_width");
  if (config.stem_stride > 2)
    fail(fmt::format("expected stem_stride 1 or 2, got {}", config.stem_stride));
  if (!(config.expand_ratio >= 1 && config.expand_ratio <= 64))
    fail(fmt::format("expected 1 <= expand_ratio <= 64, got {}", config.expand_ratio));
  if (config.conv_attn_act_layer != "silu" && config.conv_attn_act_layer != "relu")
    fail("expected conv_attn_act_layer silu or relu, got '" + config.conv_attn_act_layer + "'");
  int64_t in = config.stem_width[1];
  check.positive("stem_width", config.stem_width[0]).positive("stem_width", in);
  for (size_t i = 0; i < stages; ++i) {
    const int64_t out = config.embed_dim[i];
    check.positive("depths", config.depths[i]).positive("embed_dim", out);
    const std::string& type = config.block_type[i];
    if (type != "C" && type != "T") fail("expected block_type C or T, got '" + type + "'");
    if (type == "T") {
      check.divides("dim_head", config.dim_head, "embed_dim", in);
      check.divides("dim_head", config.dim_head, "embed_dim", out);
    }
    in = out;
  }
}

}  // namespace

void CoAtNetConfig::visit(FieldVisitor& v) {
  v.field("num_classes", num_classes, "classes, 0: no classifier");
  v.field("in_chans", in_chans, "input channels");
  v.field("img_size", img_size, "pixels along one side");
  v.field("embed_dim", embed_dim, "channels per stage");
  v.field("depths", depths, "blocks per stage");
  v.field("block_type", block_type, "per stage: C, MBConv, or T, Transformer");
  v.field("stem_width", stem_width, "channels of the stem's two convolutions");
  v.field("stem_stride", stem_stride, "1 or 2");
  v.field("dim_head", dim_head, "channels per attention head");
  v.field("expand_ratio", expand_ratio, "of the blocks' hidden channels");
  v.field("conv_output_bias", conv_output_bias, "bias of MBConv's shortcut and last convolution");
  v.field("conv_pre_norm_act", conv_pre_norm_act, "activation after MBConv's first norm");
  v.field("conv_attn_early", conv_attn_early, "squeeze-and-excitation before MBConv's last norm");
  v.field("conv_attn_act_layer", conv_attn_act_layer, "inside squeeze-and-excitation: silu, relu");
  v.field("shortcut_bias", shortcut_bias, "bias of the Transformer blocks' strided shortcuts");
  v.field("drop_rate", drop_rate, "dropout before the classifier, 0: none");
  v.field("attn_drop_rate", attn_drop_rate, "dropout of attention weights, 0: none");
  v.field("proj_drop_rate", proj_drop_rate, "dropout in the Transformer blocks, 0: none");
  v.field("drop_path_rate", drop_path_rate, "stochastic depth of the last block, 0: none");
}

CoAtNet::CoAtNet(const CoAtNetConfig& config) : config_(config) {
  validate(config);
  auto stem = register_module("stem", std::make_shared<torch::nn::Module>());
  const auto& width = config.stem_width;
  stem_conv1_ = stem->register_module(
      "conv1", nn::conv2d(config.in_chans, width[0], {.kernel = 3, .stride = config.stem_stride}));
  stem_norm1_ = stem->register_module("norm1", BatchNorm2d(width[0]));
  stem_conv2_ = stem->register_module("conv2", nn::conv2d(width[0], width[1], {.kernel = 3}));

  int64_t chans = width[1];
  int64_t side = config.stem_stride == 2 ? halved(config.img_size) : config.img_size;
  const auto depth = std::accumulate(config.depths.begin(), config.depths.end(), int64_t{0});
  const auto rates = nn::drop_path_rates(config.drop_path_rate, depth);
  torch::nn::ModuleList stages;
  for (size_t i = 0; i < config.depths.size(); ++i) {
    torch::nn::ModuleList blocks;
    side = halved(side);
    for (int64_t j = 0; j < config.depths[i]; ++j) {
      const double rate = rates[blocks_.size()];
      std::shared_ptr<CoAtNetBlockImpl> block;
      if (config.block_type[i] == "C")
        block = std::make_shared<MbConvImpl>(config, chans, config.embed_dim[i], j == 0, rate);
      else
        block = std::make_shared<TransformerBlockImpl>(config, chans, config.embed_dim[i], side,
                                                       j == 0, rate);
      chans = config.embed_dim[i];
      blocks->push_back(block);
      blocks_.emplace_back(block);
    }
    auto stage = std::make_shared<torch::nn::Module>();
    stage->register_module("blocks", blocks);
    stages->push_back(stage);
  }
  register_module("stages", stages);
  norm_ = register_module("norm", nn::layer_norm(chans));
  head_ = register_module("head", std::make_shared<torch::nn::Module>());
  reset_classifier(config.num_classes);
}

Tensor CoAtNet::forward_features(const Tensor& x) {
  if (x.size(2) != config_.img_size || x.size(3) != config_.img_size)
    throw UsageError("models",
                     fmt::format("expected images of {0} x {0} pixels, got {1} x {2}",
                                 config_.img_size, x.size(2), x.size(3)),
                     "model coatnet", "build the model with this img_size");
  auto y = at::silu(stem_norm1_->forward(stem_conv1_->forward(x)));
  y = stem_conv2_->forward(y);
  for (auto& block : blocks_) y = nn::maybe_checkpoint(checkpointing(), block, y);
  return to_nchw(norm_->forward(to_nhwc(y)));
}

Tensor CoAtNet::forward_head(const Tensor& features, bool pre_logits) {
  const auto pooled = features.mean({2, 3});  // [B,D,h,w] -> [B,D]
  if (pre_logits || !fc_) return pooled;
  return fc_->forward(torch::dropout(pooled, config_.drop_rate, is_training()));
}

std::vector<FeatureInfo> CoAtNet::feature_info() const {
  int64_t reduction = config_.stem_stride;
  std::vector<FeatureInfo> info = {{"stem", config_.stem_width[1], reduction}};
  for (size_t i = 0; i < config_.depths.size(); ++i)
    info.push_back({"stages." + std::to_string(i), config_.embed_dim[i], reduction *= 2});
  return info;
}

void CoAtNet::reset_classifier(int64_t num_classes) {
  config_.num_classes = num_classes;
  if (fc_) head_->unregister_module("fc");
  fc_ = nullptr;
  if (num_classes > 0)
    fc_ = head_->register_module("fc", torch::nn::Linear(config_.embed_dim.back(), num_classes));
}

std::vector<std::string> CoAtNet::no_weight_decay() const {
  std::vector<std::string> names;
  for (const auto& item : named_parameters())
    if (item.key().ends_with("relative_position_bias_table")) names.push_back(item.key());
  return names;
}

int64_t CoAtNet::layer_id(const std::string& parameter) const {
  if (parameter.starts_with("stem.")) return 0;
  if (parameter.starts_with("norm.")) return layer_count() - 2;  // with the last stage, as in timm
  return block_index(parameter, "stages.", layer_count() - 2) + 1;
}

Tensor CoAtNet::fit_weight(const std::string& name, const Tensor& loaded) const {
  if (!name.ends_with("relative_position_bias_table") || loaded.dim() != 2) return loaded;
  const auto target = named_parameters()[name];
  const auto extent = std::lround(std::sqrt(static_cast<double>(target.size(0))));  // 2 side - 1
  return RelPosBiasImpl::resize(loaded, (extent + 1) / 2);
}

void add_coatnet(Registry& table) {
  const auto add = [&table](const char* name, const data::InputConfig& input,
                            const CoAtNetConfig& config) {
    table.push_back(
        make_entry<CoAtNet>(name, Family::kHybrid, Fusion::kInterleaved, input, config));
  };
  add("coatnet_nano_rw_224", inception_input(224, 0.9), {});
  add("coatnet_0_rw_224", inception_input(224, 0.95),
      {.embed_dim = {96, 192, 384, 768},
       .depths = {2, 3, 7, 2},
       .conv_output_bias = false,
       .conv_pre_norm_act = true,
       .conv_attn_early = true,
       .conv_attn_act_layer = "relu",
       .shortcut_bias = false});
  add("coatnet_pico_32", small_image_input(32),
      {.img_size = 32,
       .embed_dim = {64, 128, 256},
       .depths = {2, 4, 2},
       .block_type = {"C", "T", "T"},
       .stem_width = {32, 48},
       .stem_stride = 1});
}

}  // namespace braid::models
