// The contract of every network of images.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "braid/models/model.h"

namespace braid::models {

struct FeatureInfo {
  std::string module;     // name of the submodule whose output it is
  int64_t num_chs = 0;    // channels
  int64_t reduction = 0;  // input pixels per feature pixel, along one side
};

class ImageModel : public Model {
 public:
  static constexpr std::string_view kKind = "image model";

  // x: [B,C,H,W]; returns logits [B,num_classes] (or pooled features when num_classes is 0).
  virtual torch::Tensor forward(const torch::Tensor& x) {
    return forward_head(forward_features(x));
  }
  // The last features, unpooled: [B,D,H/r,W/r] or tokens [B,N,D].
  virtual torch::Tensor forward_features(const torch::Tensor& x) = 0;
  // features: what forward_features returned; pre_logits: stop before the classifier, [B,D].
  virtual torch::Tensor forward_head(const torch::Tensor& features, bool pre_logits = false) = 0;
  // Models with two heads (a distillation token, or two branches): logits of both, [B,K] each; the
  // second is undefined elsewhere. The mean of both is what forward returns.
  virtual std::pair<torch::Tensor, torch::Tensor> forward_distilled(const torch::Tensor& x) {
    return {forward(x), torch::Tensor()};
  }
  virtual std::vector<FeatureInfo> feature_info() const = 0;
  // Channels of what forward_features returns.
  virtual int64_t num_features() const { return feature_info().back().num_chs; }
  virtual int64_t num_classes() const = 0;  // 0: no classifier
  virtual int64_t in_chans() const = 0;
  virtual int64_t img_size() const = 0;  // pixels along one side of the images it is built for
  // Replaces the classifier by a freshly initialized one; 0: none.
  virtual void reset_classifier(int64_t num_classes) = 0;
  // Of entries with a whitening_stem: sets the first convolution so that it whitens images like
  // these, [N,C,H,W] as forward gets them. Throws UsageError for others.
  virtual void whiten_stem(const torch::Tensor& images);
  // How forward_head pools, in timm's words: "avg", "token"; empty: in a way that timm does not
  // know. Unless overridden: token for a model with a cls_token, else avg.
  virtual std::string global_pool() const;
  // Weights [O,C,h,w] of convolutions over all channels at once that take in_chans() channels; the
  // first convolutions are among them, and where in_chans() is unusual others.
  std::vector<std::string> input_weights() const override;
  // Tables of indices that files of older timm have beside the weights are left out.
  WeightPlace place_weight(const std::string& in_file) const override;
  // The stages of feature_info().
  std::vector<Part> parts() override;

 protected:
  // Builds the classifier anew for so many classes.
  virtual void replace_head(int64_t num_classes) = 0;
};
using ImageModelPtr = std::shared_ptr<ImageModel>;

// What follows from a model's config struct, which has the fields num_classes, in_chans and
// img_size. Base: ImageModel, or what several models have in common.
template <class Config, class Base = ImageModel>
class ModelOf : public Base {
 public:
  Json config() const override { return to_json(config_); }
  int64_t num_classes() const override { return config_.num_classes; }
  int64_t in_chans() const override { return config_.in_chans; }
  int64_t img_size() const override { return config_.img_size; }
  void reset_classifier(int64_t num_classes) override {
    config_.num_classes = num_classes;
    this->replace_head(num_classes);
  }

 protected:
  template <class... BaseArgs>
  explicit ModelOf(const Config& config, const BaseArgs&... base)
      : Base(base...), config_(config) {}

  Config config_;
};

}  // namespace braid::models
