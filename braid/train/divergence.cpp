#include "braid/train/divergence.h"

#include <algorithm>
#include <map>
#include <string_view>

#include "braid/runtime/op_observer.h"

namespace braid::train {
namespace {

bool finite(const c10::IValue& value) {
  if (!value.isTensor() || !value.toTensor().defined() || !value.toTensor().is_floating_point())
    return true;
  return value.toTensor().isfinite().all().item<bool>();
}

// Whether it writes no numbers: memory that others write, earlier or later.
bool gives_memory_alone(const at::RecordFunction& op) {
  if (std::string_view(op.name()).find("empty") != std::string_view::npos) return true;
  const auto schema = op.operator_schema();
  return schema && !schema->returns().empty() &&
         std::all_of(schema->returns().begin(), schema->returns().end(), [](const auto& value) {
           return value.alias_info() != nullptr && !value.alias_info()->isWrite();  // a view
         });
}

// LibTorch's C++ modules have no hooks, so operators are watched instead: an operator belongs to
// the module that owns its last parameter argument, or to the module of the operator before it.
class NonFiniteWatcher final : public runtime::OpWatcher {
 public:
  explicit NonFiniteWatcher(const torch::nn::Module& model) {
    for (const auto& item : model.named_parameters()) {
      const auto dot = item.key().rfind('.');
      owner_[item.value().storage().data()] =
          dot == std::string::npos ? item.key() : item.key().substr(0, dot);
    }
  }
  std::unique_ptr<at::ObserverContext> before(const at::RecordFunction& op) override {
    for (const auto& input : op.inputs())
      if (input.isTensor() && input.toTensor().defined() && input.toTensor().has_storage()) {
        const auto it = owner_.find(input.toTensor().storage().data());
        if (it != owner_.end()) current_ = it->second;
      }
    return nullptr;
  }
  void after(const at::RecordFunction& op, at::ObserverContext*) override {
    if (!found_.empty() || gives_memory_alone(op)) return;
    for (const auto& output : op.outputs())
      if (!finite(output)) found_ = current_;
  }
  const std::string& found() const { return found_; }

 private:
  std::map<const void*, std::string> owner_;  // parameter storage -> module name
  std::string current_ = "the first module";
  std::string found_;
};

}  // namespace

std::string first_non_finite_module(const torch::nn::Module& model, const data::Batch& batch,
                                    const std::function<void()>& forward) {
  const torch::NoGradGuard no_grad;
  for (const auto& [name, tensor] : batch.tensors)
    if (!finite(tensor)) return "the input";
  NonFiniteWatcher watcher(model);
  const runtime::OpObserver observer(watcher);
  forward();
  return watcher.found().empty() ? "the loss" : watcher.found();
}

}  // namespace braid::train
