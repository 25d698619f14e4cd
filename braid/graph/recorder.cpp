#include "braid/graph/recorder.h"

#include <optional>

namespace braid::graph {
namespace {

const void* identity(const torch::Tensor& tensor) { return tensor.unsafeGetTensorImpl(); }

bool is_same_view(const torch::Tensor& a, const torch::Tensor& b) {
  return a.scalar_type() == b.scalar_type() && a.storage_offset() == b.storage_offset() &&
         a.sizes() == b.sizes() && a.strides() == b.strides();
}

}  // namespace

std::vector<torch::Tensor> tensors_of(const c10::IValue& value) {
  std::vector<torch::Tensor> found;
  const auto keep = [&](const torch::Tensor& t) {
    if (t.defined()) found.push_back(t);
  };
  if (value.isTensor()) {
    keep(value.toTensor());
  } else if (value.isTensorList()) {
    for (const torch::Tensor& t : value.toTensorVector()) keep(t);
  } else if (value.isOptionalTensorList()) {
    for (const std::optional<torch::Tensor> t : value.toOptionalTensorList())
      if (t) keep(*t);
  }
  return found;
}

// Operators nest by these objects' lifetimes, which end with the operator even where it throws or
// gives nothing.
struct Recorder::Open final : at::ObserverContext {
  Open(Recorder& r, std::optional<size_t> c) : recorder(r), call(c) { ++recorder.depth_; }
  ~Open() override { --recorder.depth_; }
  Open(const Open&) = delete;
  Open& operator=(const Open&) = delete;
  Recorder& recorder;
  std::optional<size_t> call;
};

ValueId Recorder::add(const torch::Tensor& tensor) {
  const auto id = static_cast<ValueId>(tensors.size());
  id_of_[identity(tensor)] = id;
  overwritten_.erase(identity(tensor));
  tensors.push_back({tensor, tensor.sizes().vec()});
  if (tensor.has_storage())
    on_storage_[tensor.storage().unsafeGetStorageImpl()].push_back(identity(tensor));
  return id;
}

ValueId Recorder::find(const torch::Tensor& tensor) const {
  const auto it = id_of_.find(identity(tensor));
  if (it != id_of_.end()) return it->second;
  if (!tensor.has_storage()) return kNoValue;
  // Another handle to what was seen: torch::ones() and its like return one.
  const auto views = on_storage_.find(tensor.storage().unsafeGetStorageImpl());
  if (views == on_storage_.end()) return kNoValue;
  for (const auto* seen : views->second) {
    const ValueId id = id_of_.at(seen);
    if (is_same_view(tensors.at(static_cast<size_t>(id)).tensor, tensor)) return id;
  }
  return kNoValue;
}

std::unique_ptr<at::ObserverContext> Recorder::before(const at::RecordFunction& op) {
  const auto name = op.operator_name();
  const auto handle = name ? c10::Dispatcher::singleton().findSchema(*name) : std::nullopt;
  if (depth_ > 0 || !handle) return std::make_unique<Open>(*this, std::nullopt);
  RecordedCall call{.op = *handle,
                    .arguments = std::vector<c10::IValue>(op.inputs().begin(), op.inputs().end()),
                    .inputs = {},
                    .outputs = {}};
  for (const auto& argument : call.arguments) {
    auto& inputs = call.inputs.emplace_back();
    for (const auto& tensor : tensors_of(argument)) {
      const bool overwritten = overwritten_.contains(identity(tensor));
      const auto id = find(tensor);
      inputs.push_back({id == kNoValue ? add(tensor) : id, tensor._version(), overwritten});
    }
  }
  calls.push_back(std::move(call));
  return std::make_unique<Open>(*this, calls.size() - 1);
}

void Recorder::mark_overwritten(const RecordedCall& call) {
  const auto& schema = call.op.schema();
  for (size_t i = 0; i < call.arguments.size(); ++i) {
    const auto* alias = schema.arguments().at(i).alias_info();
    if (alias == nullptr || !alias->isWrite()) continue;
    for (const auto& tensor : tensors_of(call.arguments[i]))
      for (const void* other : on_storage_[tensor.storage().unsafeGetStorageImpl()])
        overwritten_.insert(other);
  }
}

void Recorder::after(const at::RecordFunction& op, at::ObserverContext* context) {
  const auto& open = static_cast<const Open&>(*context);
  if (!open.call) return;
  auto& call = calls.at(*open.call);
  mark_overwritten(call);
  for (const auto& output : op.outputs())
    for (const auto& tensor : tensors_of(output)) call.outputs.push_back(add(tensor));
}

}  // namespace braid::graph
