#include "braid/runtime/op_observer.h"

#include <utility>

namespace braid::runtime {
namespace {

thread_local OpWatcher* current_watcher = nullptr;

struct Watched final : at::ObserverContext {
  Watched(OpWatcher* w, std::unique_ptr<at::ObserverContext> c)
      : watcher(w), context(std::move(c)) {}
  OpWatcher* watcher;
  std::unique_ptr<at::ObserverContext> context;
};

// No watcher while a watcher works.
class WatcherPause {
 public:
  WatcherPause() : held_(std::exchange(current_watcher, nullptr)) {}
  ~WatcherPause() { current_watcher = held_; }
  WatcherPause(const WatcherPause&) = delete;
  WatcherPause& operator=(const WatcherPause&) = delete;

 private:
  OpWatcher* held_;
};

std::unique_ptr<at::ObserverContext> on_enter(const at::RecordFunction& op) {
  OpWatcher* const watcher = current_watcher;
  if (watcher == nullptr) return nullptr;
  const WatcherPause pause;
  return std::make_unique<Watched>(watcher, watcher->before(op));
}

void on_exit(const at::RecordFunction& op, at::ObserverContext* context) {
  auto* const watched = static_cast<Watched*>(context);
  if (watched == nullptr || watched->watcher != current_watcher || op.outputs().empty()) return;
  const WatcherPause pause;
  watched->watcher->after(op, watched->context.get());
}

}  // namespace

OpObserver::OpObserver(OpWatcher& watcher)
    : outer_(std::exchange(current_watcher, &watcher)),
      handle_(outer_ == nullptr
                  ? at::addThreadLocalCallback(at::RecordFunctionCallback(on_enter, on_exit)
                                                   .needsInputs(true)
                                                   .needsOutputs(true)
                                                   .scopes({at::RecordScope::FUNCTION}))
                  : at::CallbackHandle{}) {}

OpObserver::~OpObserver() {
  current_watcher = outer_;
  if (outer_ == nullptr) at::removeCallback(handle_);
}

}  // namespace braid::runtime
