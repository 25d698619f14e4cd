#include "braid/runtime/skip_random_init.h"

#include <torch/library.h>

namespace braid::runtime {
namespace {

// LibTorch reserves this key for initialization that is put off, and has no kernels of its own
// there.
constexpr auto kKey = c10::DispatchKey::DeferredInit;

// The dispatcher wants the signatures of its schemas, the generator by value.
// NOLINTBEGIN(performance-unnecessary-value-param)
at::Tensor& keep_uniform(at::Tensor& self, double /*from*/, double /*to*/,
                         std::optional<at::Generator> /*generator*/) {
  return self;
}
at::Tensor& keep_normal(at::Tensor& self, double /*mean*/, double /*std*/,
                        std::optional<at::Generator> /*generator*/) {
  return self;
}
// NOLINTEND(performance-unnecessary-value-param)
at::Tensor& keep_erfinv(at::Tensor& self) { return self; }

// Registered at the first use: it costs what nobody pays who loads no model.
void register_kernels() {
  static torch::Library others(torch::Library::IMPL, "_", kKey, __FILE__, __LINE__);
  static torch::Library random(torch::Library::IMPL, "aten", kKey, __FILE__, __LINE__);
  static const bool once = [] {
    others.fallback(torch::CppFunction::makeFallthrough());
    random.impl("uniform_", TORCH_FN(keep_uniform));
    random.impl("normal_", TORCH_FN(keep_normal));
    random.impl("erfinv_", TORCH_FN(keep_erfinv));
    return true;
  }();
  static_cast<void>(once);
}

}  // namespace

SkipRandomInit::SkipRandomInit() : guard_((register_kernels(), kKey)) {}

}  // namespace braid::runtime
