#include "braid/models/vision/hybrid/metaformer.h"

#include "braid/models/layer_ids.h"
#include "braid/models/validate.h"
#include "braid/models/vision/inputs.h"
#include "braid/nn/basic/drop_path.h"
#include "braid/nn/basic/dropout.h"
#include "braid/nn/basic/init.h"
#include "braid/nn/basic/norm.h"
#include "braid/nn/conv/conv.h"
#include "braid/nn/head/replace_head.h"
#include "braid/ops/global_avg_pool.h"

namespace braid::models {
namespace {

void validate(const MetaFormerConfig& config) {
  const Validator check("metaformer");
  const size_t stages = config.depths.size();
  check.input(config.num_classes, config.in_chans, config.img_size)
      .between("img_size", config.img_size, 3, kMaxImageSize)
      .rate("drop_rate", config.drop_rate)
      .rate("proj_drop_rate", config.proj_drop_rate)
      .rate("drop_path_rate", config.drop_path_rate)
      .same_length("depths", stages,
                   {{"dims", config.dims.size()},
                    {"token_mixers", config.token_mixers.size()},
                    {"res_scale_init_values", config.res_scale_init_values.size()}})
      .stages("depths", stages)
      .depth("depths", config.depths)
      .positive("dims", config.dims);
  for (size_t i = 0; i < stages; ++i) {
    check.one_of("token_mixers", config.token_mixers[i], {"sep_conv", "attention"});
    if (config.token_mixers[i] == "attention")
      check.divides("head_dim", config.head_dim, "dims", config.dims[i]);
  }
}

MetaFormer::Reduction reduction(torch::nn::Module& parent, int64_t in, int64_t out, int64_t kernel,
                                int64_t stride, int64_t padding, int64_t norm_chans) {
  MetaFormer::Reduction layers;
  layers.norm = parent.register_module("norm", nn::LayerNormNoBias(norm_chans));
  layers.conv = parent.register_module(
      "conv",
      nn::conv2d(in, out,
                 {.kernel_size = kernel, .stride = stride, .bias = true, .padding = padding}));
  nn::trunc_normal_(layers.conv->weight, 0.02);
  return layers;
}

}  // namespace

void MetaFormerConfig::visit(FieldVisitor& v) {
  v.field("num_classes", num_classes, "classes, 0: no classifier");
  v.field("in_chans", in_chans, "input channels");
  v.field("img_size", img_size, "pixels along one side");
  v.field("depths", depths, "blocks per stage");
  v.field("dims", dims, "channels per stage");
  v.field("token_mixers", token_mixers, "per stage: sep_conv, attention");
  v.field("res_scale_init_values", res_scale_init_values,
          "initial factor of the shortcuts per stage, 0: no such parameter");
  v.field("head_dim", head_dim, "channels per attention head");
  v.field("drop_rate", drop_rate, "dropout before the classifier, 0: none");
  v.field("proj_drop_rate", proj_drop_rate, "dropout of projections, 0: none");
  v.field("drop_path_rate", drop_path_rate, "stochastic depth of the last block, 0: none");
}

MetaFormer::MetaFormer(const MetaFormerConfig& config) : ModelOf(config) {
  validate(config);
  int64_t chans = config.dims[0];
  stem = reduction(*register_module("stem", std::make_shared<torch::nn::Module>()), config.in_chans,
                   chans, /*kernel=*/7, /*stride=*/4, /*padding=*/2, /*norm_chans=*/chans);
  const auto rates = nn::drop_path_rates(config.drop_path_rate, config.depths);
  torch::nn::ModuleList list;
  for (size_t i = 0; i < config.depths.size(); ++i) {
    auto module = std::make_shared<torch::nn::Module>();
    Stage stage;
    const int64_t out = config.dims[i];
    if (chans != out)
      stage.downsample = reduction(
          *module->register_module("downsample", std::make_shared<torch::nn::Module>()), chans, out,
          /*kernel=*/3, /*stride=*/2, /*padding=*/1, /*norm_chans=*/chans);
    chans = out;
    MetaFormerBlockConfig block{.dim = out,
                                .token_mixer = config.token_mixers[i] == "attention"
                                                   ? TokenMixer::kAttention
                                                   : TokenMixer::kSepConv,
                                .head_dim = config.head_dim,
                                .proj_drop = config.proj_drop_rate};
    if (config.res_scale_init_values[i] != 0) block.res_scale = config.res_scale_init_values[i];
    for (const double rate : rates[i]) {
      block.drop_path = rate;
      stage.blocks->push_back(MetaFormerBlock(block));
    }
    module->register_module("blocks", stage.blocks);
    list->push_back(module);
    stages.push_back(stage);
  }
  register_module("stages", list);
  head_ = register_module("head", std::make_shared<torch::nn::Module>());
  norm = head_->register_module("norm", nn::layer_norm(chans));
  replace_head(config.num_classes);
}

torch::Tensor MetaFormer::forward_features(const torch::Tensor& x) {
  auto y = nn::to_nchw(stem.norm->forward(nn::to_nhwc(stem.conv->forward(x))));
  for (auto& stage : stages) {
    if (stage.downsample.conv)
      y = stage.downsample.conv->forward(
          nn::to_nchw(stage.downsample.norm->forward(nn::to_nhwc(y))));
    y = stage.blocks->forward(y, checkpointing());
  }
  return y;
}

torch::Tensor MetaFormer::forward_head(const torch::Tensor& features, bool pre_logits) {
  auto x = norm->forward(ops::global_avg_pool(features));  // [B,D,h,w] -> [B,D]
  x = nn::dropout(x, config_.drop_rate, is_training());
  if (pre_logits || !fc1) return x;
  return fc2->forward(hidden_norm->forward(at::relu(fc1->forward(x)).square()));
}

std::vector<FeatureInfo> MetaFormer::feature_info() const {
  std::vector<FeatureInfo> info;
  for (size_t i = 0; i < config_.dims.size(); ++i)
    info.push_back({"stages." + std::to_string(i), config_.dims[i], int64_t{4} << i});
  return info;
}

void MetaFormer::replace_head(int64_t num_classes) {
  fc1 = fc2 = nullptr;
  hidden_norm = nullptr;
  std::shared_ptr<torch::nn::Module> fresh;
  if (num_classes > 0) {
    fresh = std::make_shared<torch::nn::Module>();
    const int64_t dim = config_.dims.back(), hidden = 4 * dim;
    fc1 = fresh->register_module("fc1", torch::nn::Linear(dim, hidden));
    hidden_norm = fresh->register_module("norm", nn::layer_norm(hidden));
    fc2 = fresh->register_module("fc2", torch::nn::Linear(hidden, num_classes));
    nn::init_linear_(fc1);
    nn::init_linear_(fc2);
  }
  nn::replace_head(*head_, "fc", fc_, fresh);
}

int64_t MetaFormer::layer_id(const std::string& parameter) const {
  if (parameter.starts_with("stem.")) return 0;
  return block_index(parameter, "stages.", layer_count() - 2) + 1;
}

void add_metaformer(Registry& table) {
  table.add(make_entry<MetaFormer>("caformer_s18", Family::kHybrid, Fusion::kInterleaved,
                                   imagenet_input(224, 1.0), MetaFormerConfig{}));
}

}  // namespace braid::models
