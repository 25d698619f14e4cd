#include "braid/runtime/autocast.h"

#include <ATen/autocast_mode.h>

#include "braid/core/cpu.h"
#include "braid/core/error.h"
#include "braid/core/near_match.h"

namespace braid::runtime {

std::string resolve_dtype(const std::string& dtype, torch::DeviceType device) {
  if (dtype == "auto")
    return device == torch::kCUDA || cpu_has_bf16_matrix() ? "bfloat16" : "float32";
  if (dtype == "float32" || dtype == "bfloat16") return dtype;
  throw ConfigError("dtype", "expected float32, bfloat16 or auto, got '" + dtype + "'", "--dtype",
                    did_you_mean(dtype, {"float32", "bfloat16", "auto"}));
}

at::ScalarType product_type(const std::string& resolved) {
  return resolved == "bfloat16" ? at::kBFloat16 : at::kFloat;
}

at::ScalarType type_of_products(const torch::Tensor& x) {
  const auto device = x.device().type();
  return at::autocast::is_autocast_enabled(device) && x.scalar_type() != torch::kDouble
             ? at::autocast::get_autocast_dtype(device)
             : x.scalar_type();
}

at::ScalarType type_of_norms(const torch::Tensor& x) {
  const bool autocast = x.is_cpu() && at::autocast::is_autocast_enabled(at::kCPU);
  return autocast && x.scalar_type() != torch::kDouble ? at::kFloat : x.scalar_type();
}

Autocast::Autocast(torch::DeviceType device, const std::string& dtype)
    : device_(device), active_(resolve_dtype(dtype, device) == "bfloat16") {
  if (!active_) return;
  was_enabled_ = at::autocast::is_autocast_enabled(device_);
  old_dtype_ = at::autocast::get_autocast_dtype(device_);
  at::autocast::increment_nesting();
  at::autocast::set_autocast_enabled(device_, true);
  at::autocast::set_autocast_dtype(device_, at::kBFloat16);
}

Autocast::~Autocast() {
  if (!active_) return;
  // The outermost scope drops the casted weights, as torch.autocast does.
  if (at::autocast::decrement_nesting() == 0) at::autocast::clear_cache();
  at::autocast::set_autocast_enabled(device_, was_enabled_);
  at::autocast::set_autocast_dtype(device_, old_dtype_);
}

}  // namespace braid::runtime
