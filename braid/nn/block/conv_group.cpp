#include "braid/nn/block/conv_group.h"

#include <algorithm>

#include "braid/nn/basic/max_pool.h"
#include "braid/nn/basic/norm.h"
#include "braid/nn/basic/norm_act.h"
#include "braid/nn/conv/conv.h"
#include "braid/nn/conv/whiten.h"

namespace braid::nn {
namespace {

constexpr double kMomentum = 0.4;  // the statistics of a short run are those of its end

}  // namespace

ConvGroupImpl::ConvGroupImpl(const ConvGroupConfig& config) {
  int64_t chans = config.in_chs;
  for (int64_t i = 1; i <= config.depth; ++i, chans = config.out_chs) {
    const auto number = std::to_string(i);
    auto conv = conv2d(chans, config.out_chs, {.kernel_size = 3, .init = ConvInit::kTorch});
    torch::nn::init::dirac_(conv->weight.detach().narrow(0, 0, std::min(chans, config.out_chs)));
    convs_.push_back(register_module("conv" + number, conv));
    auto norm = batch_norm(config.out_chs);
    norm->options.momentum(kMomentum);
    norms_.push_back(register_module("norm" + number, norm));
  }
}

torch::Tensor ConvGroupImpl::forward(const torch::Tensor& x) {
  auto y = norm_act(norms_[0], max_halve(convolve(convs_[0], x)), Act::kGelu);
  for (size_t i = 1; i < convs_.size(); ++i)
    y = norm_act(norms_[i], convolve(convs_[i], y), Act::kGelu);
  return y;
}

int64_t ConvGroupsConfig::reduction() const {
  return stem_stride << static_cast<int64_t>(widths.size());
}

int64_t ConvGroupsConfig::grid_size(int64_t img_size) const {
  int64_t side = stem_stride == 1 ? img_size - 1 : (img_size + stem_stride - 1) / stem_stride;
  for (size_t i = 0; i < widths.size(); ++i) side = std::max<int64_t>(1, side / 2);
  return side;
}

ConvGroupsImpl::ConvGroupsImpl(const ConvGroupsConfig& config) : layers_("", 1) {
  const bool strided = config.stem_stride > 1;
  whiten_ =
      register_module("whiten", conv2d(config.in_chs, config.stem_chs,
                                       {.kernel_size = strided ? 2 * config.stem_stride - 1 : 2,
                                        .stride = config.stem_stride,
                                        .bias = true,
                                        .padding = config.stem_stride - 1,
                                        .init = ConvInit::kTorch}));
  int64_t chans = config.stem_chs;
  for (const int64_t width : config.widths) {
    layers_->push_back(
        ConvGroup(ConvGroupConfig{.in_chs = chans, .out_chs = width, .depth = config.depth}));
    chans = width;
  }
  register_module("layers", layers_);
}

torch::Tensor ConvGroupsImpl::forward(const torch::Tensor& x, bool checkpointing) {
  return layers_->forward(activate(whiten_->forward(x), Act::kGelu), checkpointing);
}

void ConvGroupsImpl::whiten(const torch::Tensor& images) { whiten_stem_(whiten_, images); }

}  // namespace braid::nn
