#include "braid/models/macs.h"

#include <ATen/record_function.h>

#include <functional>
#include <numeric>
#include <string_view>

namespace braid::models {
namespace {

thread_local int64_t* counter = nullptr;
thread_local int64_t depth = 0;  // above 1: inside a counted operator, whose work it is

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
  if (name == "aten::conv2d") return out * (product(in[1]) / in[1][0]);  // weight [O,I/g,kh,kw]
  if (name == "aten::linear") return out * in[1][1];                     // weight [O,I]
  if (name == "aten::addmm") return out * in[1].back();
  if (name == "aten::scaled_dot_product_attention")  // q [B,h,N,d], k [B,h,M,d], v [B,h,M,e]
    return product(in[0]) * in[1][2] + product(in[0]) / in[0][3] * in[1][2] * in[2][3];
  return out * in[0].back();  // matmul, mm, bmm: [..,N,D] x [..,D,M]
}

bool is_counted(std::string_view name) {
  return name == "aten::conv2d" || name == "aten::linear" || name == "aten::matmul" ||
         name == "aten::mm" || name == "aten::bmm" || name == "aten::addmm" ||
         name == "aten::scaled_dot_product_attention";
}

std::unique_ptr<at::ObserverContext> on_enter(const at::RecordFunction& function) {
  if (counter == nullptr || !is_counted(function.name()) || ++depth > 1) return nullptr;
  auto call = std::make_unique<Call>();
  for (const auto& input : function.inputs())
    call->inputs.push_back(
        input.isTensor() && input.toTensor().defined() ? input.toTensor().sizes().vec() : Shape());
  return call;
}

void on_exit(const at::RecordFunction& function, at::ObserverContext* context) {
  if (counter == nullptr || !is_counted(function.name()) || --depth > 0) return;
  *counter += macs_of(function.name(), static_cast<Call*>(context)->inputs,
                      function.outputs().at(0).toTensor().numel());
}

}  // namespace

int64_t count_parameters(const Model& model) {
  int64_t count = 0;
  for (const auto& p : model.parameters()) count += p.numel();
  return count;
}

int64_t count_macs(const std::function<void()>& run) {
  int64_t macs = 0;
  const auto handle = at::addThreadLocalCallback(at::RecordFunctionCallback(on_enter, on_exit)
                                                     .needsInputs(true)
                                                     .needsOutputs(true)
                                                     .scopes({at::RecordScope::FUNCTION}));
  counter = &macs;
  depth = 0;
  try {
    run();
  } catch (...) {
    counter = nullptr;
    at::removeCallback(handle);
    throw;
  }
  counter = nullptr;
  at::removeCallback(handle);
  return macs;
}

int64_t count_macs(Model& model, const std::vector<int64_t>& shape) {
  const torch::NoGradGuard no_grad;  // not inference mode: composite operators must be seen
  const bool was_training = model.is_training();
  model.eval();
  const auto input = torch::zeros(shape, model.parameters().at(0).device());
  const auto macs = count_macs([&] { model.forward(input); });
  model.train(was_training);
  return macs;
}

}  // namespace braid::models
