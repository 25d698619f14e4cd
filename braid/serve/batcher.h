// Requests that wait for a model, and the thread that runs it on several of them at once.
#pragma once
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "braid/serve/engine.h"
#include "braid/serve/metrics.h"

namespace braid::serve {

struct BatchOptions {
  int64_t max_batch_size = 32;                   // rows
  std::chrono::microseconds max_queue_delay{0};  // how long a batch waits for company
  int64_t max_queue_size = 256;                  // requests; 0: any number
};

struct JobResult {
  // success, timeout, invalid (not finite, too large), overload (no memory left) or failed
  Ending ending = Ending::kSuccess;
  bool too_large = false;  // the request's rows take more memory than the model may have
  std::string error{};
  std::vector<Tensor> outputs{};  // the engine's, of the request's rows
  double queue_seconds = 0, inference_seconds = 0;
  int64_t batch_rows = 0;
};

struct Job {
  std::vector<Tensor> inputs{};  // the engine's, in their order, checked; 1 to max_batch_size rows
  std::chrono::steady_clock::time_point deadline{};
  std::function<void(JobResult)> done{};  // called once, in the batcher's thread; throws nothing
};

class Batcher {
 public:
  using Clock = std::chrono::steady_clock;
  // engine: warmed up; used by the batcher's thread alone from now on.
  Batcher(Engine& engine, const BatchOptions& options, ModelMetrics& metrics);
  // Answers what is queued first.
  ~Batcher();
  Batcher(const Batcher&) = delete;
  Batcher& operator=(const Batcher&) = delete;

  // A place in the queue, taken before a request is read at all; given back at its end.
  class Place {
   public:
    Place(Place&& other) noexcept : batcher_(std::exchange(other.batcher_, nullptr)) {}
    Place& operator=(Place&&) = delete;
    ~Place() {
      if (batcher_ != nullptr) batcher_->leave();
    }

   private:
    friend class Batcher;
    explicit Place(Batcher* batcher) : batcher_(batcher) {}
    Batcher* batcher_;
  };
  // Nothing where the queue is full.
  std::optional<Place> enter();
  // Returns a number for cancel(). place: of this batcher.
  uint64_t submit(Place place, Job job);
  // True: the job was waiting and is gone, and `done` is never called.
  bool cancel(uint64_t number);

  const BatchOptions& options() const { return options_; }
  // Seconds until a full queue would have been worked off, by the latest batches.
  double seconds_to_drain() const;

 private:
  struct Waiting {
    uint64_t number;
    Place place;
    Job job;
    Clock::time_point since;
    int64_t rows;
  };
  void leave();
  void run();
  std::vector<Waiting> take(std::vector<Waiting>& expired);
  void execute(std::vector<Waiting>& batch);
  std::vector<Tensor> infer(const std::vector<Waiting>& batch) const;

  Engine& engine_;
  const BatchOptions options_;
  ModelMetrics& metrics_;
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Waiting> queue_;
  int64_t rows_waiting_ = 0, places_ = 0;
  uint64_t last_number_ = 0;
  double seconds_per_job_ = 0;  // moving average
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace braid::serve
