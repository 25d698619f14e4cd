// How tensors get into a model: planned as a whole, said, then carried out, so that nothing is
// copied where anything does not fit.
#pragma once
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "braid/core/progress.h"
#include "braid/models/model.h"
#include "braid/runtime/tensor_file.h"

namespace braid::models {

// Tensors by name, in memory or still in their file.
struct WeightSource {
  std::map<std::string, runtime::TensorReader::Info> tensors;
  std::function<torch::Tensor(const std::string& name)> load;
  std::string where;  // for errors
};
WeightSource source_of(const std::filesystem::path& path);
// tensors: stay alive as long as the source.
WeightSource source_of(const runtime::TensorMap& tensors, const std::string& where);

enum class Fit {
  kCopy,      // as it is
  kKeep,      // the model's own stays
  kAdapt,     // input channels of another number, see adapt_input_convolution
  kResample,  // the model's resample_weight changed its shape
};

struct LoadStep {
  Fit fit = Fit::kCopy;
  std::string name;            // in the source
  std::vector<int64_t> shape;  // in the source
  torch::Tensor fitted;        // kAdapt, kResample: what is copied
};

struct LoadPlan {
  WeightSource source;
  std::map<std::string, LoadStep> steps;  // by the name of the model's tensor
  struct Head {                           // of the file, where the model's own is kept
    std::optional<int64_t> before;        // classes; none: the file has no head
    int64_t now = 0;                      // the model's; 0: the head has no classes
  };
  std::optional<Head> head;
  std::vector<std::string> other_heads;  // names in the source of heads that the model has not
};

// fine_tune: keeps the model's head where the file's is for other classes, and what may begin fresh
// where the file lacks it, and adapts input weights; else every tensor of the model must be there.
// Of a model without a classifier (num_classes 0) the file's is left out in both cases.
// Names are those that Model::place_weight knows. Throws DataError naming the first tensor that is
// missing, unexpected, of another shape, or unlike another one that it is tied to.
LoadPlan plan_load(const Model& model, WeightSource source, bool fine_tune);
// A line for what is kept, adapted and resampled each.
void report_plan(const LoadPlan& plan, const Model& model, Progress& progress);
// One tensor at a time. Throws IoError where the file can no longer be read.
void apply_plan(const LoadPlan& plan, Model& model);

// timm's adapt_input_conv. weight: [O,I,h,w] float; returns [O,in_chans,h,w]: for one channel the
// sum over the old ones, else the old ones repeated in turn and scaled by I / in_chans.
torch::Tensor adapt_input_convolution(const torch::Tensor& weight, int64_t in_chans);

// What a wrapper of PyTorch put before every one of the names, to be cut off; empty where the
// model's own names begin with it.
std::string wrapper_prefix(const std::vector<std::string>& names, const Model& model);

}  // namespace braid::models
