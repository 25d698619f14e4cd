// The contract of every network: what saving, loading, fine-tuning and optimizing it need. What it
// takes and returns is the matter of its kind, such as ImageModel.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "braid/core/config.h"
#include "braid/torch.h"

namespace braid::models {

// One part of a network, for a table of what it consists of.
struct Part {
  std::string name;                  // module, or part of a design
  std::string text;                  // what a design says of it; empty for named models
  std::vector<std::string> modules;  // those whose parameters it has
  std::vector<int64_t> shape;        // of its output for one example, without the batch
  // Runs it on what the part before it returned, the first one on an example of zeros; returns the
  // output's shape. Empty: this part cannot be run by itself.
  std::function<std::vector<int64_t>()> run;
};

// What a tensor of a file is to a model.
enum class WeightUse {
  kLoad,      // a tensor of the model, or a copy of one that it is tied to
  kIgnore,    // something that the model computes, such as the numbers of positions
  kOtherHead  // of a head that the model could have, but has not
};
struct WeightPlace {
  std::string name;  // in the model, of kLoad
  WeightUse use = WeightUse::kLoad;
};

class Model : public torch::nn::Module {
 public:
  // The resolved config struct as JSON; the registry rebuilds the same model from it.
  virtual Json config() const = 0;
  // Names of the modules that make the task's output of the features, such as {"fc"} or {"head",
  // "head_dist"}.
  virtual std::vector<std::string> head_modules() const = 0;
  // Whether their rows stand for classes, of which another data set has another number.
  virtual bool classifies() const { return true; }
  // Whether a parameter belongs to one of them.
  bool in_head(const std::string& parameter) const;
  // Parameters beyond norms and biases that weight decay must leave alone (full names), such as
  // pos_embed.
  virtual std::vector<std::string> no_weight_decay() const { return {}; }
  // For layer-wise learning-rate decay: the depth of a parameter, 0 for the stem up to
  // layer_count() - 1 for the head.
  virtual int64_t layer_id(const std::string& parameter) const = 0;
  virtual int64_t layer_count() const = 0;
  // A checkpoint's tensor of this name made to fit the model: positional embeddings of another
  // input size are resampled. Returns `loaded` itself where nothing fits; the caller compares
  // shapes.
  virtual torch::Tensor resample_weight(const std::string& name,
                                        const torch::Tensor& loaded) const {
    (void)name;
    return loaded;
  }
  // What a file's tensor of this name is; a file of another origin or for another head may name
  // things otherwise, or name things that this model has not. Default: the model's own of that
  // name.
  virtual WeightPlace place_weight(const std::string& in_file) const { return {in_file}; }
  // Whether a tensor beside the head may begin fresh where a file to fine-tune from lacks it, such
  // as a layer that pools.
  virtual bool may_begin_fresh(const std::string& name) const {
    (void)name;
    return false;
  }
  // Names of the weights [O,C,..] over the C channels of the input, which fine-tuning adapts to
  // another number of them.
  virtual std::vector<std::string> input_weights() const { return {}; }
  // Sums the branches that only training needs into single operators, in place: in eval mode the
  // same function, in fewer operators. Parameters change their names and config() says
  // `inference_mode` from then on. Throws UsageError in training mode. Default: nothing.
  virtual void reparameterize() {}
  // In the order in which they run. Default: the child modules.
  virtual std::vector<Part> parts();
  // Recomputes blocks in the backward pass to save memory. The models' blocks ask checkpointing().
  void set_grad_checkpointing(bool enable) { checkpointing_ = enable; }
  bool checkpointing() const { return checkpointing_; }

 private:
  bool checkpointing_ = false;
};
using ModelPtr = std::shared_ptr<Model>;

}  // namespace braid::models
