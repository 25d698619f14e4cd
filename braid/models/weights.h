// Weights into a model and out of it, under timm's keys.
#pragma once
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "braid/core/progress.h"
#include "braid/io/weight_shards.h"
#include "braid/models/model.h"
#include "braid/runtime/tensor_file.h"

namespace braid::models {

// A model that is kept in several folders: its own weights lie beside those of some of its modules,
// each of which is a checkpoint by itself.
class ModelInParts {
 public:
  virtual ~ModelInParts() = default;
  // The modules, which the folders within the model's are named like. Tensors of a file there have
  // that name before theirs when place_weight() is asked for them.
  virtual std::vector<std::string> folders() const = 0;
};

// Copies tensors from a .safetensors file (or a folder with model.safetensors or its shards) into
// the model by name: all of them or, where a DataError names the first missing, unexpected or
// ill-shaped tensor, none. Half precision becomes the model's own; names that a wrapper gave a
// prefix lose it; of a ModelInParts its parts are read too; the model's resample_weight resamples
// positional parameters; num_batches_tracked may be missing.
void load_weights(Model& model, const std::filesystem::path& path);
// The same from tensors already read; where names their origin for errors.
void load_tensors_into(Model& model, const runtime::TensorMap& tensors, const std::string& where);

// The same for fine-tuning on other data; beyond load_weights,
//   a classifier of another class count, or none, leaves the model's own in place, all heads of it;
//   first convolutions of another channel count are adapted by timm's rule
//   (adapt_input_convolution in load_plan.h).
// Both, and what resample_weight resampled, are said in a line each.
void load_weights_to_fine_tune(Model& model, const std::filesystem::path& path, Progress& progress);

// The tensors without the prefix that DataParallel, torch.compile or a Lightning module gave every
// name ("module.", "_orig_mod.", "model."), unless the model's own names begin with it.
runtime::TensorMap without_wrapper(const runtime::TensorMap& tensors, const Model& model);

// Parameters and buffers under timm's keys, one file.
void save_weights(const Model& model, const std::filesystem::path& file);
// Into a folder: model.safetensors or shards of at most so many bytes, see io::write_weights.
void save_weights(const Model& model, const std::filesystem::path& folder, uint64_t max_shard_size);

}  // namespace braid::models
