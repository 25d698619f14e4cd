// What `braid forward` does with models of one kind.
#pragma once
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "braid/models/hub_config.h"
#include "braid/models/registry.h"
#include "braid/models/text/truncate_input.h"
#include "braid/runtime/tensor_file.h"

namespace braid::cli {

struct ForwardOptions {
  std::string model, weights, input, output, grads, save_weights;
  std::optional<uint64_t> init;
  std::optional<int64_t> num_classes, in_chans, img_size;
  std::string model_kwargs = "{}";
  bool reparameterize = false;
  bool truncate = false;
  std::string max_shard_size;
  std::string device = "cpu";
  std::string dtype = "float32";
};

class ForwardKind {
 public:
  virtual ~ForwardKind() = default;

  // Reads --input, where it is given. Returns the fields of the model's config: `given`
  // (--model-kwargs) with what input, weights and flags say. weights: a file or a folder, empty for
  // --init; tensors: what it holds.
  virtual Json fields(const Json& given, const std::filesystem::path& weights,
                      const runtime::TensorMap& tensors) = 0;
  // Writes a checkpoint's folder.
  virtual void save(const models::Model& model, const std::filesystem::path& folder,
                    uint64_t max_shard_size) const = 0;
  // The outputs of the input, by their names in the file.
  virtual runtime::TensorMap run(models::Model& model, torch::Device device,
                                 torch::ScalarType type) const = 0;
  // What --grads is the gradient of.
  virtual torch::Tensor loss(const runtime::TensorMap& outputs) const {
    return outputs.at("logits").square().mean();
  }
};

// options: must outlive what is returned.
std::unique_ptr<ForwardKind> make_image_forward(const ForwardOptions& options,
                                                const models::ModelEntry& entry);
std::unique_ptr<ForwardKind> make_text_forward(const ForwardOptions& options,
                                               const models::ModelEntry& entry);
std::unique_ptr<ForwardKind> make_encoder_decoder_forward(const ForwardOptions& options,
                                                          const models::ModelEntry& entry);

// Tokens as the model takes them: those of --input, with --truncate cut to its positions, which is
// said. name: of their tensor.
models::TextInput forward_tokens(const ForwardOptions& options, const models::TextInput& given,
                                 int64_t positions, models::LastToken last,
                                 const std::string& name);

// What a folder's config.json says of a model of the entry's family. Throws DataError for another
// family's.
models::HubConfig read_family_config(const std::filesystem::path& config,
                                     const models::ModelEntry& entry);

}  // namespace braid::cli
