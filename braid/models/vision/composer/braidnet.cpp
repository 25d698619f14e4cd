#include "braid/models/vision/composer/braidnet.h"

#include <fmt/format.h>

#include <cmath>

#include "braid/core/error.h"
#include "braid/core/near_match.h"
#include "braid/models/design_names.h"
#include "braid/models/layer_ids.h"
#include "braid/models/validate.h"
#include "braid/models/vision/inputs.h"
#include "braid/nn/basic/activation.h"
#include "braid/nn/basic/drop_path.h"
#include "braid/nn/basic/pad.h"
#include "braid/nn/position/position.h"
#include "braid/nn/position/relative_position.h"

namespace braid::models {
namespace {

using torch::Tensor;

constexpr const char* kPrefix = "braidnet:";
constexpr int64_t kSmallDesign = 8;  // reduction up to which a design is meant for small images

std::string option_of(const std::vector<text::DesignOption>& options, const std::string& name,
                      const std::string& otherwise) {
  for (const auto& option : options)
    if (option.name == name) return option.value;
  return otherwise;
}

// Pixels of an image per pixel of the last map, along one side.
int64_t reduction_of(const text::Design& design) {
  int64_t reduction = 1;
  const auto reduce = [&](int64_t stride, size_t at) {
    reduction *= stride;
    if (reduction > kMaxImageSize)
      design.fail(at, fmt::format("expected strides whose product is at most {}, got {}",
                                  kMaxImageSize, reduction));
  };
  for (const auto& conv : design.stem) reduce(conv.stride, conv.at);
  for (const auto& stage : design.stages)
    reduce(option_of(stage.options, "stride", "2") == "1" ? 1 : 2, stage.at);
  return reduction;
}

struct StemOptions {
  bool norm = true;  // batch norm behind the convolution
  nn::Act act = nn::Act::kSilu;
};

StemOptions stem_options(const text::Design& design, const text::StemConv& conv) {
  StemOptions options;
  if (conv.patch) options.act = nn::Act::kIdentity;
  for (const auto& [name, value, at] : conv.options) {
    if (name == "norm") {
      if (value != "none" && value != "batch")
        design.fail(at, "expected norm=batch or norm=none, got " + value);
      options.norm = value == "batch";
    } else if (name == "act") {
      try {
        options.act = nn::parse_act(value);
      } catch (const ConfigError&) {
        design.fail(at, "unknown activation '" + value + "'", did_you_mean(value, nn::act_names()));
      }
    } else {
      design.fail(at, "unknown option '" + name + "' of the stem", "act=NAME, norm=none");
    }
  }
  return options;
}

BraidNetConfig config_of(const text::Design& design) {
  BraidNetConfig config;
  config.design = text::to_line(design);
  config.img_size = reduction_of(design) <= kSmallDesign ? 32 : 224;
  return config;
}

ModelEntry entry_of(const std::string& name, const BraidNetConfig& config) {
  const auto input =
      config.img_size == 32 ? small_image_input(32) : imagenet_input(config.img_size, 0.9);
  return make_entry<BraidNet>(name, Family::kHybrid, Fusion::kInterleaved, input, config);
}

}  // namespace

void BraidNetConfig::visit(FieldVisitor& v) {
  v.field("num_classes", num_classes, "classes, 0: no classifier");
  v.field("in_chans", in_chans, "input channels");
  v.field("img_size", img_size, "pixels along one side");
  v.field("design", design, "stem, stages and head, such as stem=conv3x3s2,32|C2x64|T4x192h6");
  v.field("drop_rate", drop_rate, "dropout before the classifier, 0: none");
  v.field("attn_drop_rate", attn_drop_rate, "dropout of attention weights, 0: none");
  v.field("proj_drop_rate", proj_drop_rate, "dropout in the Transformer blocks, 0: none");
  v.field("drop_path_rate", drop_path_rate, "stochastic depth of the last block, 0: none");
}

BraidNet::BraidNet(const BraidNetConfig& config)
    : BraidNet(config, text::parse_design(config.design)) {}

BraidNet::BraidNet(const BraidNetConfig& config, const text::Design& design)
    : ModelOf(config), design_(design) {
  Validator("braidnet")
      .input(config.num_classes, config.in_chans, config.img_size)
      .rate("drop_rate", config.drop_rate)
      .rate("attn_drop_rate", config.attn_drop_rate)
      .rate("proj_drop_rate", config.proj_drop_rate)
      .rate("drop_path_rate", config.drop_path_rate);
  config_.design = text::to_line(design_);
  feat_size_ = config.img_size;
  chans_ = config.in_chans;
  reduction_of(design_);  // throws where the strides' product is beyond reason
  build_stem();
  build_stages();
  if (design_.head_conv > 0) {
    head_conv_ = register_module(
        "head_conv", nn::ConvNormAct(nn::ConvNormActConfig{
                         .in_chs = chans_, .out_chs = design_.head_conv, .act = nn::Act::kSilu}));
    chans_ = design_.head_conv;
  }
  if (design_.head_norm) norm_ = register_module("norm", nn::LayerNorm2d(chans_));
  num_features_ = chans_;
  head_ = register_module(
      "head", nn::ClassifierHead(nn::ClassifierHeadConfig{.in_features = chans_,
                                                          .num_classes = config.num_classes,
                                                          .drop_rate = config.drop_rate}));
}

void BraidNet::build_stem() {
  torch::nn::ModuleList list;
  for (const auto& spec : design_.stem) {
    const auto [norm, act] = stem_options(design_, spec);
    for (int64_t i = 0; i < spec.repeats; ++i) {
      const int64_t stride = i == 0 ? spec.stride : 1;
      // Half the odd kernel on either side leaves ceil(side / stride) pixels for any stride.
      const int64_t padding = spec.patch ? 0 : spec.kernel / 2;
      StemLayer layer{.act = act, .patch = spec.patch ? spec.kernel : 1};
      if (norm) {
        layer.conv_norm = nn::ConvNormAct(nn::ConvNormActConfig{.in_chs = chans_,
                                                                .out_chs = spec.width,
                                                                .kernel_size = spec.kernel,
                                                                .stride = stride,
                                                                .padding = padding,
                                                                .act = act});
        list->push_back(layer.conv_norm);
      } else {
        layer.conv = nn::conv2d(chans_, spec.width,
                                {.kernel_size = spec.kernel, .stride = stride, .padding = padding});
        list->push_back(layer.conv);
      }
      stem_.push_back(layer);
      feat_size_ = (feat_size_ + stride - 1) / stride;
      reduction_ *= stride;
      chans_ = spec.width;
    }
  }
  register_module("stem", list);
  info_.push_back({"stem", chans_, reduction_});
}

void BraidNet::build_stages() {
  std::vector<int64_t> depths;
  for (const auto& stage : design_.stages)
    depths.push_back(stage.depth * static_cast<int64_t>(stage.blocks.size()));
  const auto rates = nn::drop_path_rates(config_.drop_path_rate, depths);
  torch::nn::ModuleList stages;
  for (const auto& spec : design_.stages) {
    check_options(design_, spec);
    nn::BlockList stage;
    size_t number = 0;  // of blocks built
    const text::StageOptions options(design_, spec);
    const auto stride = options.word("stride", "2", {"1", "2"});
    const bool together = spec.blocks == "D";  // its tokens live through the whole stage
    const int64_t rounds = together ? 1 : spec.depth, depth = spec.depth / rounds;
    for (int64_t round = 0; round < rounds; ++round)
      for (size_t place = 0; place < spec.blocks.size(); ++place) {
        const char letter = spec.blocks[place];
        const int64_t step = number == 0 && stride == "2" ? 2 : 1;
        feat_size_ = (feat_size_ + step - 1) / step;
        reduction_ *= step;
        const bool first = round == 0 && spec.blocks.find(letter) == place;
        number += static_cast<size_t>(depth);
        stage->push_back(build_block(letter, options,
                                     {.in_chs = chans_,
                                      .out_chs = spec.width,
                                      .stride = step,
                                      .depth = depth,
                                      .feat_size = feat_size_,
                                      .first = first,
                                      .drop_path = rates[stages_.size()][number - 1],
                                      .attn_drop = config_.attn_drop_rate,
                                      .proj_drop = config_.proj_drop_rate}));
        chans_ = spec.width;
      }
    stages->push_back(stage);
    stages_.push_back(stage);
    info_.push_back({fmt::format("stages.{}", stages_.size() - 1), chans_, reduction_});
  }
  register_module("stages", stages);
}

Tensor BraidNet::run_stem(const Tensor& x) {
  expect_img_size("braidnet", x, config_.img_size);
  auto y = x;
  for (auto& layer : stem_) {
    y = nn::pad_to_multiple(y, layer.patch);
    y = layer.conv_norm ? layer.conv_norm->forward(y)
                        : nn::activate(layer.conv->forward(y), layer.act);
  }
  return y;
}

Tensor BraidNet::run_stage(size_t stage, const Tensor& x) {
  return stages_[stage]->forward(x, checkpointing());
}

Tensor BraidNet::finish(Tensor x) {
  if (head_conv_) x = head_conv_->forward(x);
  return norm_ ? norm_->forward(x) : x;
}

Tensor BraidNet::forward_features(const Tensor& x) {
  auto y = run_stem(x);
  for (size_t i = 0; i < stages_.size(); ++i) y = run_stage(i, y);
  return finish(y);
}

Tensor BraidNet::forward_head(const Tensor& features, bool pre_logits) {
  return head_->forward(features, pre_logits);
}

std::vector<Part> BraidNet::parts() {
  const auto texts = design_items(text::to_line(design_));
  // What one part returns is what the next one takes.
  const auto x = std::make_shared<Tensor>(torch::zeros({1, in_chans(), img_size(), img_size()}));
  std::vector<Part> parts;
  const auto add = [&](const std::string& name, const std::string& text,
                       const std::vector<std::string>& modules, const auto& forward) {
    parts.push_back({name, text, modules, {}, [x, forward] {
                       *x = forward(*x);
                       return (*x)[0].sizes().vec();
                     }});
  };
  add("stem", texts[0], {"stem"}, [this](const Tensor& y) { return run_stem(y); });
  for (size_t i = 0; i < stages_.size(); ++i) {
    const auto name = fmt::format("stages.{}", i);
    add(name, texts[i + 1], {name}, [this, i](const Tensor& y) { return run_stage(i, y); });
  }
  add("head", texts.size() > stages_.size() + 1 ? texts.back() : "", {"head_conv", "norm", "head"},
      [this](const Tensor& y) { return forward_head(finish(y), false); });
  return parts;
}

void BraidNet::replace_head(int64_t num_classes) { head_->reset(num_classes); }

std::vector<std::string> BraidNet::no_weight_decay() const {
  std::vector<std::string> names;
  for (const auto& item : named_parameters())
    if (item.key().ends_with("relative_position_bias_table") || item.key().ends_with("pos_embed"))
      names.push_back(item.key());
  return names;
}

int64_t BraidNet::layer_id(const std::string& parameter) const {
  if (parameter.starts_with("stem.")) return 0;
  return block_index(parameter, "stages.", layer_count() - 2) + 1;
}

Tensor BraidNet::resample_weight(const std::string& name, const Tensor& loaded) const {
  const auto* target = named_parameters().find(name);
  if (target == nullptr || loaded.dim() != target->dim()) return loaded;
  const auto root = [](int64_t n) {
    return static_cast<int64_t>(std::lround(std::sqrt(static_cast<double>(n))));
  };
  if (name.ends_with("pos_embed"))
    return nn::resample_position_embedding(loaded, root(target->size(1)), 0);
  if (name.ends_with("relative_position_bias_table"))
    return nn::resize_relative_position_table(loaded, (root(target->size(0)) + 1) / 2);
  return loaded;
}

ModelEntry braidnet_entry(const text::Design& design) {
  const auto config = config_of(design);
  return checked_design(kPrefix + config.design, [&](const std::string& name) {
    // The design's errors come now, with their place in its source.
    const BraidNet checked(config, design);
    return entry_of(name, config);
  });
}

void add_braidnet(Registry& table) {
  table.add(entry_of("braidnet", BraidNetConfig()));
  table.add_resolver(design_resolver(
      kPrefix, [](const std::string& line) { return braidnet_entry(text::parse_design(line)); }));
}

}  // namespace braid::models
