#include "braid/models/macs.h"

#include <algorithm>
#include <numeric>
#include <string_view>
#include <vector>

#include "braid/models/operator_macs.h"
#include "braid/runtime/op_observer.h"

namespace braid::models {
namespace {

using Shape = std::vector<int64_t>;

// An operator's input shapes: its inputs themselves are gone when it returns.
struct Call final : at::ObserverContext {
  std::vector<Shape> inputs;  // of tensors; empty for anything else
};

int64_t product(const Shape& shape) {
  return std::accumulate(shape.begin(), shape.end(), int64_t{1}, std::multiplies<>());
}

// The operator's multiply-accumulates; out: numbers in its output.
int64_t macs_of(std::string_view name, const std::vector<Shape>& in, int64_t out) {
  if (name == "aten::conv2d" || name == "aten::conv1d" || name == "braid::depthwise_conv2d")
    return out * (product(in[1]) / in[1][0]);         // weight [O,I/g,kh,kw]
  if (name == "aten::linear") return out * in[1][1];  // weight [O,I]
  if (name == "aten::addmm") return out * in[1].back();
  if (name == "aten::scaled_dot_product_attention")  // q [B,h,N,d], k [B,h,M,d], v [B,h,M,e]
    return product(in[0]) * in[1][2] + product(in[0]) / in[0][3] * in[1][2] * in[2][3];
  return out * in[0].back();  // matmul, mm, bmm: [..,N,D] x [..,D,M]
}

bool is_counted(std::string_view name) {
  return name == "aten::conv2d" || name == "aten::conv1d" || name == "aten::linear" ||
         name == "aten::matmul" || name == "aten::mm" || name == "aten::bmm" ||
         name == "aten::addmm" || name == "aten::scaled_dot_product_attention" ||
         name == "braid::depthwise_conv2d";
}

class MacCounter final : public runtime::OpWatcher {
 public:
  std::unique_ptr<at::ObserverContext> before(const at::RecordFunction& op) override {
    if (inside_ || !is_counted(op.name())) return nullptr;
    inside_ = true;  // what a counted operator is composed of is its own work
    auto call = std::make_unique<Call>();
    for (const auto& input : op.inputs())
      call->inputs.push_back(input.isTensor() && input.toTensor().defined()
                                 ? input.toTensor().sizes().vec()
                                 : Shape());
    return call;
  }
  void after(const at::RecordFunction& op, at::ObserverContext* context) override {
    if (context == nullptr) return;
    inside_ = false;
    macs_ += macs_of(op.name(), static_cast<Call*>(context)->inputs,
                     op.outputs().at(0).toTensor().numel());
  }
  int64_t macs() const { return macs_; }

 private:
  int64_t macs_ = 0;
  bool inside_ = false;
};

}  // namespace

int64_t count_parameters(const Model& model) {
  int64_t count = 0;
  for (const auto& p : model.parameters()) count += p.numel();
  return count;
}

bool keeps_statistics(const torch::nn::Module& layer) {
  return layer.named_buffers(/*recurse=*/false).contains("running_mean");
}

int64_t count_batch_norms(const Model& model) {
  const auto modules = model.modules(/*include_self=*/false);
  return std::count_if(modules.begin(), modules.end(),
                       [](const auto& module) { return keeps_statistics(*module); });
}

std::optional<int64_t> macs_of_operator(std::string_view name, const std::vector<Shape>& inputs,
                                        int64_t outputs) {
  if (!is_counted(name)) return std::nullopt;
  return macs_of(name, inputs, outputs);
}

int64_t count_macs(const std::function<void()>& run) {
  MacCounter counter;
  const runtime::OpObserver observer(counter);
  run();
  return counter.macs();
}

}  // namespace braid::models
