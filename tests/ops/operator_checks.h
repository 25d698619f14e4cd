// What tests of fused operators compare with.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "braid/runtime/op_observer.h"
#include "braid/torch.h"

namespace braid::ops {

inline double largest(const torch::Tensor& t) { return t.abs().max().item<double>(); }
inline double difference(const torch::Tensor& a, const torch::Tensor& b) {
  return largest(a.to(torch::kDouble) - b.to(torch::kDouble));
}

struct NamesOfOperators : runtime::OpWatcher {
  std::unique_ptr<at::ObserverContext> before(const at::RecordFunction& op) override {
    names.emplace_back(op.name());
    return nullptr;
  }
  void after(const at::RecordFunction&, at::ObserverContext*) override {}
  std::vector<std::string> names;
};

}  // namespace braid::ops
