#include "braid/data/loader.h"

#include <fmt/format.h>

#include <algorithm>
#include <condition_variable>
#include <exception>
#include <map>
#include <mutex>
#include <set>
#include <thread>

#include "braid/core/error.h"
#include "braid/data/run_fields.h"

namespace braid::data {

struct Loader::State {
  State(std::shared_ptr<const Collate> with, std::unique_ptr<const Sampler> order,
        const LoaderOptions& options)
      : collate(std::move(with)),
        sampler(std::move(order)),
        workers(options.workers),
        bad(options.on_bad_sample) {}

  std::shared_ptr<const Collate> collate;
  std::unique_ptr<const Sampler> sampler;
  int64_t workers;
  BadSamples bad;

  // Workers take batch numbers from `claimed` and put results into `ready`; next() hands them out
  // in order.
  std::mutex mutex;
  std::condition_variable work, done;
  std::vector<std::thread> threads;
  int64_t epoch = 0;
  std::vector<std::vector<int64_t>> batches;
  int64_t claimed = 0, delivered = 0;
  int64_t generation = 0;  // rises with every epoch: results of an abandoned one are dropped
  bool stop = false;
  struct Result {
    std::optional<Batch> batch;
    std::exception_ptr error;
  };
  std::map<int64_t, Result> ready;
  std::set<int64_t> left_out;  // of the batches that were handed out

  int64_t count() const { return static_cast<int64_t>(batches.size()); }
  int64_t ahead() const { return 2 * workers + 2; }

  // Everything a batch is made of: taken under the lock, so that a new epoch cannot change it
  // midway.
  struct Job {
    Collate::Place place;
    std::vector<int64_t> indices;
  };
  Job job(int64_t number) const {
    return {{epoch, number}, batches.at(static_cast<size_t>(number))};
  }
  Batch make(const Job& job) { return (*collate)(job.indices, job.place, bad); }
  // Under the lock. What a batch was to have and has not could not be read.
  void note_left_out(const std::vector<int64_t>& wanted, const std::vector<int64_t>& got) {
    if (got.size() == wanted.size()) return;
    const std::set<int64_t> read(got.begin(), got.end());
    std::copy_if(wanted.begin(), wanted.end(), std::inserter(left_out, left_out.end()),
                 [&](int64_t index) { return !read.contains(index); });
  }
  void run();
};

void Loader::State::run() {
  std::unique_lock lock(mutex);
  while (true) {
    work.wait(lock, [&] { return stop || (claimed < count() && claimed < delivered + ahead()); });
    if (stop) return;
    const int64_t number = claimed++, mine = generation;
    const Job todo = job(number);
    lock.unlock();
    Result result;
    try {
      result.batch = make(todo);
    } catch (...) {
      result.error = std::current_exception();
    }
    lock.lock();
    if (mine != generation) continue;
    ready[number] = std::move(result);
    done.notify_all();
  }
}

Loader::Loader(std::shared_ptr<const Collate> collate, std::unique_ptr<const Sampler> sampler,
               const LoaderOptions& options) {
  if (options.workers < 0 || options.workers > kMostThreads)
    throw ConfigError("data", fmt::format("expected 0 to {} workers", kMostThreads), "--workers");
  state_ = std::make_unique<State>(std::move(collate), std::move(sampler), options);
  for (int64_t i = 0; i < options.workers; ++i)
    state_->threads.emplace_back([state = state_.get()] { state->run(); });
}

Loader::~Loader() {
  {
    const std::lock_guard lock(state_->mutex);
    state_->stop = true;
  }
  state_->work.notify_all();
  for (auto& thread : state_->threads) thread.join();
}

int64_t Loader::size() const { return state_->sampler->size(); }

void Loader::start_epoch(int64_t epoch, int64_t first_batch) {
  auto batches = state_->sampler->batches(epoch);
  const std::lock_guard lock(state_->mutex);
  auto& s = *state_;
  s.epoch = epoch;
  s.batches = std::move(batches);
  s.claimed = s.delivered = first_batch;
  ++s.generation;
  s.ready.clear();
  s.work.notify_all();
}

std::optional<Batch> Loader::next() {
  auto& s = *state_;
  while (true) {
    std::unique_lock lock(s.mutex);
    if (s.delivered >= s.count()) return std::nullopt;
    const auto wanted = s.batches[static_cast<size_t>(s.delivered)];
    State::Result result;
    if (s.workers == 0) {
      const auto todo = s.job(s.delivered++);
      lock.unlock();
      result.batch = s.make(todo);
      lock.lock();
    } else {
      s.done.wait(lock, [&] { return s.ready.contains(s.delivered); });
      result = std::move(s.ready.extract(s.delivered).mapped());
      ++s.delivered;
      s.work.notify_all();
    }
    if (result.error) std::rethrow_exception(result.error);
    s.note_left_out(wanted, result.batch->indices);
    if (!result.batch->indices.empty())
      return std::move(result.batch);  // else: every sample was bad
  }
}

int64_t Loader::position() const {
  const std::lock_guard lock(state_->mutex);
  return state_->delivered;
}

int64_t Loader::bad_samples() const { return std::ssize(bad_indices()); }

std::vector<int64_t> Loader::bad_indices() const {
  const std::lock_guard lock(state_->mutex);
  return {state_->left_out.begin(), state_->left_out.end()};
}

std::vector<std::string> Loader::bad_sample_messages() const { return state_->bad.messages(); }

CutExamples Loader::cut() const { return state_->collate->cut(); }

}  // namespace braid::data
