#include "braid/train/divergence.h"

#include <ATen/record_function.h>

#include <map>

namespace braid::train {
namespace {

// LibTorch's C++ modules have no hooks, so operators are watched instead: an operator belongs to
// the module that owns its last parameter argument, or to the module of the operator before it.
struct Watch {
  std::map<const void*, std::string> owner;  // parameter storage -> module name
  std::string current = "the first module";
  std::string found;
};
thread_local Watch* watch = nullptr;

bool finite(const c10::IValue& value) {
  if (!value.isTensor() || !value.toTensor().defined() || !value.toTensor().is_floating_point())
    return true;
  Watch* const held = std::exchange(watch, nullptr);  // the check itself is not watched
  const bool all = value.toTensor().isfinite().all().item<bool>();
  watch = held;
  return all;
}

std::unique_ptr<at::ObserverContext> on_enter(const at::RecordFunction& function) {
  if (watch == nullptr) return nullptr;
  for (const auto& input : function.inputs())
    if (input.isTensor() && input.toTensor().defined() && input.toTensor().has_storage()) {
      const auto it = watch->owner.find(input.toTensor().storage().data());
      if (it != watch->owner.end()) watch->current = it->second;
    }
  return nullptr;
}

void on_exit(const at::RecordFunction& function, at::ObserverContext*) {
  if (watch == nullptr || !watch->found.empty()) return;
  if (std::string(function.name()).find("empty") != std::string::npos) return;  // not written yet
  for (const auto& output : function.outputs())
    if (!finite(output)) watch->found = watch->current;
}

}  // namespace

std::string first_non_finite_module(models::Model& model, const torch::Tensor& input) {
  torch::NoGradGuard no_grad;
  if (!input.isfinite().all().item<bool>()) return "the input";
  Watch state;
  for (const auto& item : model.named_parameters()) {
    const auto dot = item.key().rfind('.');
    state.owner[item.value().storage().data()] =
        dot == std::string::npos ? item.key() : item.key().substr(0, dot);
  }
  const auto handle = at::addThreadLocalCallback(at::RecordFunctionCallback(on_enter, on_exit)
                                                     .needsInputs(true)
                                                     .needsOutputs(true)
                                                     .scopes({at::RecordScope::FUNCTION}));
  watch = &state;
  model.forward(input);
  watch = nullptr;
  at::removeCallback(handle);
  return state.found.empty() ? "the loss" : state.found;
}

}  // namespace braid::train
