#include "braid/data/batch.h"

#include <fmt/format.h>

#include "braid/core/error.h"

namespace braid::data {

const torch::Tensor& Batch::at(const std::string& name) const {
  const auto it = tensors.find(name);
  if (it != tensors.end()) return it->second;
  std::vector<std::string> names;
  for (const auto& [key, tensor] : tensors) names.push_back(key);
  throw InternalError("data", fmt::format("expected a batch with '{}', got one of {}", name,
                                          fmt::join(names, ", ")));
}

Batch Batch::to(const torch::Device& device) const {
  Batch moved{{}, indices};
  for (const auto& [name, tensor] : tensors)
    // From pinned memory the copy goes on beside the host.
    moved.tensors[name] = device.is_cuda() && tensor.is_cpu()
                              ? tensor.pin_memory().to(device, /*non_blocking=*/true)
                              : tensor.to(device);
  return moved;
}

}  // namespace braid::data
