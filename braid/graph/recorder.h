// One observed run of a model: its operators and every tensor that they took or gave.
#pragma once
#include <cstdint>
#include <memory>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "braid/graph/graph.h"
#include "braid/runtime/op_observer.h"

namespace braid::graph {

// The tensors of an argument or a result, undefined ones left out; a list of them too.
std::vector<torch::Tensor> tensors_of(const c10::IValue& value);

struct RecordedCall {
  c10::OperatorHandle op;
  std::vector<c10::IValue> arguments;
  struct Input {
    ValueId id = kNoValue;
    int64_t version = 0;       // of its contents when it was read
    bool overwritten = false;  // before that, through another view of it
  };
  std::vector<std::vector<Input>> inputs;  // per argument
  std::vector<ValueId> outputs;
};

struct RecordedTensor {
  torch::Tensor tensor;  // kept alive: its address is its identity
  std::vector<int64_t> shape;
};

// Observes the outermost operators of this thread from construction to stop().
class Recorder final : public runtime::OpWatcher {
 public:
  Recorder() : observer_(std::make_unique<runtime::OpObserver>(*this)) {}
  Recorder(const Recorder&) = delete;
  Recorder& operator=(const Recorder&) = delete;

  void stop() { observer_.reset(); }

  ValueId add(const torch::Tensor& tensor);
  // kNoValue for a tensor that was not seen.
  ValueId find(const torch::Tensor& tensor) const;

  std::unique_ptr<at::ObserverContext> before(const at::RecordFunction& op) override;
  void after(const at::RecordFunction& op, at::ObserverContext* context) override;

  std::vector<RecordedCall> calls;
  std::vector<RecordedTensor> tensors;

 private:
  struct Open;  // between before() and after()
  void mark_overwritten(const RecordedCall& call);

  int64_t depth_ = 0;
  std::unordered_map<const void*, ValueId> id_of_;                        // by TensorImpl
  std::unordered_map<const void*, std::vector<const void*>> on_storage_;  // TensorImpls
  std::unordered_set<const void*> overwritten_;                           // through an alias
  std::unique_ptr<runtime::OpObserver> observer_;
};

}  // namespace braid::graph
