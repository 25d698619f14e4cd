// The folder that explanations are written to.
#pragma once
#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "braid/explain/explanation.h"
#include "braid/io/image.h"
#include "braid/runtime/tensor_file.h"

namespace braid::explain {

// Pictures are written as they come; the page needs them again at the end.
class Output {
 public:
  // Makes the folder. Throws IoError.
  explicit Output(std::filesystem::path folder);

  // Both return the name.
  std::string add_picture(const std::string& name, const io::Image& image);
  std::string add_tensor(const std::string& name, const torch::Tensor& tensor);
  // explain.json, index.html and, of images, maps.safetensors.
  void finish(const Explanations& explanations);

 private:
  std::filesystem::path folder_;
  std::map<std::string, std::vector<uint8_t>> pictures_;
  runtime::TensorMap tensors_;
};

}  // namespace braid::explain
