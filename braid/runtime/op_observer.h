// Watches the operators that run on this thread.
#pragma once
#include <ATen/record_function.h>

#include <memory>

namespace braid::runtime {

// What wants to see operators. An operator's inputs and outputs are there only during the call.
class OpWatcher {
 public:
  virtual ~OpWatcher() = default;
  // Before the operator runs. What is returned comes back to after(); may be null.
  virtual std::unique_ptr<at::ObserverContext> before(const at::RecordFunction& op) = 0;
  // After it has run. Not called for an operator that threw, or that gives nothing.
  virtual void after(const at::RecordFunction& op, at::ObserverContext* context) = 0;
};

// From construction to destruction, by an exception too, every dispatched operator of this thread
// goes to `watcher`, those that operators are composed of included; those that the watcher itself
// calls do not. An observer inside another one takes its place for a while.
class OpObserver {
 public:
  explicit OpObserver(OpWatcher& watcher);
  ~OpObserver();
  OpObserver(const OpObserver&) = delete;
  OpObserver& operator=(const OpObserver&) = delete;

 private:
  OpWatcher* outer_;
  at::CallbackHandle handle_;
};

}  // namespace braid::runtime
