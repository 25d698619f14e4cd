#include "braid/serve/torch/chosen_threads.h"

#include <ATen/Parallel.h>

#include <utility>

#include "braid/core/stopwatch.h"
#include "braid/serve/thread_choice.h"

namespace braid::serve {
namespace {

// Until the end of its scope; then as many as before.
class Threads {
 public:
  explicit Threads(int64_t count) : before_(at::get_num_threads()) { set(static_cast<int>(count)); }
  ~Threads() { set(before_); }
  Threads(const Threads&) = delete;
  Threads& operator=(const Threads&) = delete;

 private:
  static void set(int count) {
    if (count != at::get_num_threads()) at::set_num_threads(count);
  }
  const int before_;
};

class ChosenThreads final : public Engine {
 public:
  ChosenThreads(std::unique_ptr<Engine> engine, int64_t most)
      : engine_(std::move(engine)), choice_(most) {}
  const std::vector<TensorSpec>& inputs() const override { return engine_->inputs(); }
  const std::vector<TensorSpec>& outputs() const override { return engine_->outputs(); }
  std::vector<Tensor> infer(const std::vector<Tensor>& batch) override {
    const int64_t numbers = count_of(batch.front().shape).value_or(1);
    const int64_t count = choice_.threads_for(numbers);
    const Stopwatch watch;  // changing their number takes time too
    const Threads threads(count);
    auto outputs = engine_->infer(batch);
    choice_.observe(numbers, count, watch.seconds());
    return outputs;
  }

 private:
  std::unique_ptr<Engine> engine_;
  ThreadChoice choice_;
};

}  // namespace

std::unique_ptr<Engine> with_chosen_threads(std::unique_ptr<Engine> engine, int64_t most) {
  if (most < 2) return engine;
  return std::make_unique<ChosenThreads>(std::move(engine), most);
}

}  // namespace braid::serve
