// Named tensors in safetensors files.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "braid/io/safetensors.h"
#include "braid/torch.h"

namespace braid::runtime {

using TensorMap = std::map<std::string, torch::Tensor>;

// The tensors of a file, or of a folder's shards, each read when it is asked for.
class TensorReader {
 public:
  // Reads and checks the headers. Throws IoError or DataError, also for a dtype that LibTorch
  // lacks.
  explicit TensorReader(const std::filesystem::path& path);
  struct Info {
    at::ScalarType dtype;
    std::vector<int64_t> shape;
  };
  const std::map<std::string, Info>& tensors() const { return tensors_; }
  // Of the file, or of the first shard.
  const std::map<std::string, std::string>& metadata() const { return files_.at(0).metadata(); }
  // A copy on the CPU of one of them. Throws IoError.
  torch::Tensor load(const std::string& name) const;

 private:
  std::vector<io::SafetensorsFile> files_;
  std::map<std::string, Info> tensors_;
  std::map<std::string, size_t> file_of_;
};

struct TensorFile {
  TensorMap tensors;  // copies on the CPU
  std::map<std::string, std::string> metadata;
};
// All of it at once. Throws IoError or DataError.
TensorFile load_tensor_file(const std::filesystem::path& path);
TensorMap load_tensors(const std::filesystem::path& path);  // its tensors
// Written whole or not at all. Throws IoError.
void save_tensors(const TensorMap& tensors, const std::filesystem::path& file,
                  const std::map<std::string, std::string>& metadata = {{"format", "pt"}});
// The same into a folder, as one file or in shards of at most so many bytes: see io::write_weights.
void save_tensors_sharded(const TensorMap& tensors, const std::filesystem::path& folder,
                          uint64_t max_shard_size);
// Whether it holds neither NaN nor infinity; true for whole numbers. One pass, without a copy.
bool is_finite(const torch::Tensor& tensor);
// Parameters and persistent buffers under their full names; they share storage with the model.
TensorMap named_state(const torch::nn::Module& module);

}  // namespace braid::runtime
