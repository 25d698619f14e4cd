#include "braid/runtime/device.h"

#include <optional>

#include "braid/core/error.h"

namespace braid::runtime {
namespace {

std::optional<torch::Device> parse_device(const std::string& name) {
  try {
    const torch::Device device(name);
    // LibTorch keeps an index in a byte: 256 would become 0.
    if ((device.is_cpu() || device.is_cuda()) && device.str() == name) return device;
  } catch (const c10::Error&) {
    return std::nullopt;
  }
  return std::nullopt;
}

}  // namespace

torch::Device resolve_device(const std::string& name) {
  const auto device = parse_device(name);
  if (!device)
    throw ConfigError("device", "expected cpu, cuda or cuda:N, got '" + name + "'", "--device");
  if (device->is_cuda() &&
      (!torch::cuda::is_available() || device->index() >= torch::cuda::device_count()))
    throw ConfigError("device", "no such CUDA device can be used", "--device " + name,
                      "use --device cpu");
  return *device;
}

torch::Device device_of(const torch::nn::Module& module) {
  const auto parameters = module.parameters();
  return parameters.empty() ? torch::Device(torch::kCPU) : parameters.front().device();
}

}  // namespace braid::runtime
