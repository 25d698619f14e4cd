#include "braid/serve/batcher.h"

#include <algorithm>
#include <exception>
#include <new>
#include <utility>

namespace braid::serve {
namespace {

double elapsed_seconds(Batcher::Clock::time_point from, Batcher::Clock::time_point to) {
  return std::chrono::duration<double>(to - from).count();
}

// LibTorch's errors carry a backtrace.
std::string first_line(const std::string& text) { return text.substr(0, text.find('\n')); }

}  // namespace

Batcher::Batcher(Engine& engine, const BatchOptions& options, ModelMetrics& metrics)
    : engine_(engine), options_(options), metrics_(metrics), thread_([this] { run(); }) {}

Batcher::~Batcher() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  thread_.join();
}

std::optional<Batcher::Place> Batcher::enter() {
  const std::lock_guard lock(mutex_);
  if (options_.max_queue_size > 0 && places_ >= options_.max_queue_size) return std::nullopt;
  ++places_;
  ++metrics_.waiting;
  return Place(this);
}

void Batcher::leave() {
  const std::lock_guard lock(mutex_);
  --places_;
  --metrics_.waiting;
}

uint64_t Batcher::submit(Place place, Job job) {
  const int64_t rows = job.inputs.front().rows();
  uint64_t number = 0;
  {
    const std::lock_guard lock(mutex_);
    number = ++last_number_;
    rows_waiting_ += rows;
    queue_.push_back({number, std::move(place), std::move(job), Clock::now(), rows});
  }
  wake_.notify_one();
  return number;
}

bool Batcher::cancel(uint64_t number) {
  std::optional<Waiting> removed;  // goes after the lock
  const std::lock_guard lock(mutex_);
  const auto found = std::find_if(queue_.begin(), queue_.end(),
                                  [&](const auto& one) { return one.number == number; });
  if (found == queue_.end()) return false;
  rows_waiting_ -= found->rows;
  std::deque<Waiting> rest;
  for (auto& one : queue_)
    if (one.number == number)
      removed.emplace(std::move(one));
    else
      rest.push_back(std::move(one));
  queue_.swap(rest);
  return true;
}

double Batcher::seconds_to_drain() const {
  const std::lock_guard lock(mutex_);
  return seconds_per_job_ * static_cast<double>(places_);
}

void Batcher::run() {
  std::unique_lock lock(mutex_);
  while (true) {
    wake_.wait(lock, [&] { return stopping_ || !queue_.empty(); });
    if (queue_.empty()) return;
    wake_.wait_until(lock, queue_.front().since + options_.max_queue_delay, [&] {
      return stopping_ || queue_.empty() || rows_waiting_ >= options_.max_batch_size;
    });
    std::vector<Waiting> expired;
    auto batch = take(expired);
    lock.unlock();
    for (const auto& one : expired)
      one.job.done({.ending = Ending::kTimeout,
                    .error = "the request's deadline passed while it waited",
                    .queue_seconds = elapsed_seconds(one.since, Clock::now())});
    for (auto& one : batch) {
      metrics_.queue.observe(elapsed_seconds(one.since, Clock::now()));
      [[maybe_unused]] const Place left = std::move(one.place);  // who computes waits no longer
    }
    if (!batch.empty()) execute(batch);
    expired.clear();
    batch.clear();
    lock.lock();
  }
}

std::vector<Batcher::Waiting> Batcher::take(std::vector<Waiting>& expired) {
  std::vector<Waiting> batch;
  const auto now = Clock::now();
  int64_t rows = 0;
  while (!queue_.empty()) {
    auto& next = queue_.front();
    const bool too_late = next.job.deadline <= now;
    if (!too_late && rows + next.rows > options_.max_batch_size && !batch.empty()) break;
    rows_waiting_ -= next.rows;
    if (!too_late) rows += next.rows;
    (too_late ? expired : batch).push_back(std::move(next));
    queue_.pop_front();
  }
  return batch;
}

std::vector<Tensor> Batcher::infer(const std::vector<Waiting>& batch) const {
  const auto& specs = engine_.inputs();
  std::vector<Tensor> inputs;
  for (size_t i = 0; i < specs.size(); ++i) {
    std::vector<const Tensor*> parts;
    parts.reserve(batch.size());
    for (const auto& one : batch) parts.push_back(&one.job.inputs[i]);
    inputs.push_back(concatenate(parts, specs[i]));
  }
  return serve::infer(engine_, inputs);
}

void Batcher::execute(std::vector<Waiting>& batch) {
  const auto begin = Clock::now();
  int64_t rows = 0;
  for (const auto& one : batch) rows += one.rows;
  std::vector<Tensor> outputs;
  std::string error;
  Ending ending = Ending::kSuccess;
  bool too_large = false;
  try {
    outputs = infer(batch);
  } catch (const BatchTooLargeError& e) {
    ending = Ending::kInvalid;
    too_large = true;
    error = e.what();
  } catch (const std::bad_alloc&) {
    ending = Ending::kOverload;
    error = "the server is out of memory";
  } catch (const std::exception& e) {
    ending = Ending::kFailed;
    error = first_line(e.what());
    if (error.empty()) error = "the model failed and does not say why";
  }
  if (!error.empty() && batch.size() > 1) {  // one request's fault is not the others'
    for (auto& one : batch) {
      std::vector<Waiting> alone;
      alone.push_back(std::move(one));
      execute(alone);
    }
    return;
  }
  const double seconds = elapsed_seconds(begin, Clock::now());
  if (error.empty()) metrics_.add_batch(rows, static_cast<uint64_t>(seconds * 1e9));
  {
    constexpr double kWeight = 0.1;  // of the latest batch
    const std::lock_guard lock(mutex_);
    const double one = seconds / static_cast<double>(batch.size());
    seconds_per_job_ += (seconds_per_job_ == 0 ? 1 : kWeight) * (one - seconds_per_job_);
  }
  int64_t row = 0;
  for (const auto& one : batch) {
    JobResult result{.ending = ending,
                     .too_large = too_large,
                     .error = error,
                     .queue_seconds = elapsed_seconds(one.since, begin),
                     .inference_seconds = seconds,
                     .batch_rows = rows};
    for (const auto& output : outputs) {
      result.outputs.push_back(slice_rows(output, row, one.rows));
      if (!is_finite(result.outputs.back())) {
        result.ending = Ending::kInvalid;
        result.error = "the model's output for this input is not finite";
      }
    }
    row += one.rows;
    one.job.done(std::move(result));
  }
}

}  // namespace braid::serve
