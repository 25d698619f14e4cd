// The contract of every vision model.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "braid/core/config.h"
#include "braid/torch.h"

namespace braid::models {

struct FeatureInfo {
  std::string module;     // name of the submodule whose output it is
  int64_t num_chs = 0;    // channels
  int64_t reduction = 0;  // input pixels per feature pixel, along one side
};

class Model : public torch::nn::Module {
 public:
  // x: [B,C,H,W]; returns logits [B,num_classes] (or pooled features when num_classes is 0).
  virtual torch::Tensor forward(const torch::Tensor& x) {
    return forward_head(forward_features(x));
  }
  // The last features, unpooled: [B,D,H/r,W/r] or tokens [B,N,D].
  virtual torch::Tensor forward_features(const torch::Tensor& x) = 0;
  // features: what forward_features returned; pre_logits: stop before the classifier, [B,D].
  virtual torch::Tensor forward_head(const torch::Tensor& features, bool pre_logits = false) = 0;
  virtual std::vector<FeatureInfo> feature_info() const = 0;
  // Channels of what forward_features returns.
  virtual int64_t num_features() const { return feature_info().back().num_chs; }
  // Replaces the classifier by a freshly initialized one; 0: none.
  virtual void reset_classifier(int64_t num_classes) = 0;
  // The resolved config struct as JSON; the registry rebuilds the same model from it.
  virtual Json config() const = 0;
  // Names of the classifier's modules, such as {"fc"} or {"head", "head_dist"}.
  virtual std::vector<std::string> classifier() const = 0;
  // Parameters beyond norms and biases that weight decay must leave alone (full names), such as
  // pos_embed.
  virtual std::vector<std::string> no_weight_decay() const { return {}; }
  // Whether a parameter belongs to the classifier.
  bool in_classifier(const std::string& parameter) const;
  // How forward_head pools, in timm's words: "avg", "token"; empty: in a way that timm does not
  // know. Unless overridden: the config's global_pool, else token for a model with a cls_token,
  // else avg.
  virtual std::string global_pool() const;
  // For layer-wise learning-rate decay: the depth of a parameter, 0 for the stem up to
  // layer_count() - 1 for the head.
  virtual int64_t layer_id(const std::string& parameter) const = 0;
  virtual int64_t layer_count() const = 0;
  // A checkpoint's tensor of this name made to fit the model: positional embeddings of another
  // image size are resampled. Returns `loaded` itself where nothing fits; the caller compares
  // shapes.
  virtual torch::Tensor resample_weight(const std::string& name,
                                        const torch::Tensor& loaded) const {
    (void)name;
    return loaded;
  }
  // Recomputes blocks in the backward pass to save memory. The models' blocks ask checkpointing().
  void set_grad_checkpointing(bool enable) { checkpointing_ = enable; }
  bool checkpointing() const { return checkpointing_; }
  // Sums the branches that only training needs into single convolutions, in place: in eval mode the
  // same function of the images, in fewer operators. Parameters change their names and config()
  // says `inference_mode` from then on. Throws UsageError in training mode. Default: nothing.
  virtual void reparameterize() {}
  // Models with two heads (a distillation token, or two branches): logits of both, [B,K] each; the
  // second is undefined elsewhere. The mean of both is what forward returns.
  virtual std::pair<torch::Tensor, torch::Tensor> forward_distilled(const torch::Tensor& x) {
    return {forward(x), torch::Tensor()};
  }

 private:
  bool checkpointing_ = false;
};
using ModelPtr = std::shared_ptr<Model>;

}  // namespace braid::models
