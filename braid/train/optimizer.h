// Optimizers, with PyTorch's and timm's arithmetic.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "braid/models/model.h"
#include "braid/torch.h"
#include "braid/train/config.h"
#include "braid/train/lookahead.h"

namespace braid::train {

// Parameters that share their settings.
struct ParamGroup {
  std::vector<std::string> names;
  std::vector<torch::Tensor> params;
  std::set<std::string> tables = {};  // the names of embeddings: a step sees few of their rows
  double weight_decay = 0;
  double lr_scale = 1;
  bool orthogonal = false;  // Muon: its updates are orthogonalized
};

// Weight decay on matrices and convolutions alone: not on norms, biases and what
// model.no_weight_decay() names. With layer_decay below 1 a group per layer, its learning rate
// scaled by layer_decay^(layers above it). With head_lr the classifier's parameters have groups of
// their own, scaled by head_lr / lr too. With bias_lr_scale so have biases, those of norms too,
// scaled by it as well (hlb-CIFAR10 and airbench train with 64 times the rate of the others:
// Keller Jordan, https://arxiv.org/abs/2404.00498; detectron2's BIAS_LR_FACTOR); no decay grows
// with it, since biases have none. Parameters that need no gradient are in no group.
std::vector<ParamGroup> make_param_groups(models::Model& model, const OptimizerConfig& config);

class Optimizer {
 public:
  explicit Optimizer(std::vector<ParamGroup> groups) : groups_(std::move(groups)) {}
  virtual ~Optimizer() = default;
  void look_ahead(const LookaheadOptions& options) { lookahead_ = options; }
  // Applies the gradients; parameters without one are left alone. lr is scaled per group.
  void step(double lr);
  void zero_grad();  // sets gradients to none
  // Every tensor that the next step depends on, named "<parameter>.<state>".
  std::map<std::string, torch::Tensor> state() const;
  // Throws DataError when a tensor does not fit its parameter.
  void load_state(const std::map<std::string, torch::Tensor>& state);
  const std::vector<ParamGroup>& groups() const { return groups_; }
  std::vector<torch::Tensor> parameters() const;  // of all groups

 protected:
  // The tensors of one step: those parameters of a group that have gradients, and their state in
  // the order of state_names().
  struct Slice {
    const ParamGroup& group;
    double lr;
    std::vector<torch::Tensor> params, grads;
    std::vector<std::vector<torch::Tensor>> state;
  };
  virtual std::vector<std::string> state_names(const ParamGroup& group) const = 0;
  virtual void update(Slice& slice) = 0;

 private:
  // "step" is a float scalar, the others look like the parameter.
  torch::Tensor make_state(const std::string& name, const torch::Tensor& param) const;
  void step_slow_weights();
  std::vector<ParamGroup> groups_;
  std::map<std::string, torch::Tensor> state_;
  std::optional<LookaheadOptions> lookahead_;
};

// Scales gradients so that their joint 2-norm is at most max_norm; returns the norm before.
double clip_grad_norm(const Optimizer& optimizer, double max_norm);

}  // namespace braid::train
