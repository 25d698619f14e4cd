#include "braid/data/loader.h"

#include <algorithm>
#include <condition_variable>
#include <exception>
#include <map>
#include <mutex>
#include <numeric>
#include <thread>

#include "braid/core/error.h"
#include "braid/data/image/mix.h"
#include "braid/data/random.h"

namespace braid::data {
namespace {
constexpr size_t kKeptMessages = 100;
constexpr uint64_t kOrderStream =
    ~uint64_t{0};  // the item of an epoch's shuffle; images use their index
}  // namespace

struct Loader::State {
  DatasetPtr dataset;
  LoaderOptions options;
  std::vector<int64_t> order;
  int64_t epoch = 0;
  int64_t batches = 0;

  // Workers take batch numbers from `claimed` and put results into `ready`; next() hands them out
  // in order.
  std::mutex mutex;
  std::condition_variable work, done;
  std::vector<std::thread> threads;
  int64_t claimed = 0, delivered = 0;
  int64_t generation = 0;  // rises with every epoch: results of an abandoned one are dropped
  bool stop = false;
  struct Result {
    std::optional<Batch> batch;
    std::exception_ptr error;
  };
  std::map<int64_t, Result> ready;
  int64_t bad = 0;
  std::vector<std::string> messages;

  int64_t ahead() const { return 2 * options.workers + 2; }

  // Everything a batch is made of: taken under the lock, so that a new epoch cannot change it
  // midway.
  struct Job {
    int64_t epoch = 0, number = 0;
    std::vector<int64_t> indices;
  };
  Job job(int64_t number) const {
    Job job{epoch, number, {}};
    const auto begin = number * options.batch_size;
    const auto end =
        std::min<int64_t>(begin + options.batch_size, static_cast<int64_t>(order.size()));
    job.indices.assign(order.begin() + begin, order.begin() + end);
    return job;
  }

  Batch make(const Job& job);
  void run();
};

Batch Loader::State::make(const Job& job) {
  const auto& input = options.input;
  const auto count = static_cast<int64_t>(job.indices.size());
  const int64_t image_size = input.height * input.width * input.channels;
  auto pixels = torch::empty(
      {count, input.height, input.width, input.channels});  // NHWC: channels-last memory
  auto labels = torch::empty({count}, torch::kInt64);
  auto* out = pixels.data_ptr<float>();
  auto* label = labels.data_ptr<int64_t>();
  Batch batch;
  for (const int64_t index : job.indices) {
    Random random(static_cast<uint64_t>(options.seed), static_cast<uint64_t>(job.epoch),
                  static_cast<uint64_t>(index));
    Example example;
    try {
      example = dataset->get(index);
    } catch (const DataError& e) {
      if (options.on_bad_sample != "skip") throw;
      const std::lock_guard lock(mutex);
      ++bad;
      if (messages.size() < kKeptMessages) messages.emplace_back(e.what());
      continue;
    }
    const io::Image image =
        options.train ? prepare_for_training(example.image, input, options.augment, random)
                      : prepare_for_evaluation(example.image, input);
    normalize(image, input, out);
    if (options.train && !options.augment.no_aug)
      random_erase(out, input, options.augment.reprob, random);
    out += image_size;
    *label++ = example.label;
    batch.indices.push_back(index);
  }
  const auto kept = static_cast<int64_t>(batch.indices.size());
  auto images = pixels.narrow(0, 0, kept).permute({0, 3, 1, 2});  // [B,C,H,W]
  batch.tensors[kPixelValues] = input.channels == 1 ? images.contiguous() : images;
  batch.tensors[kLabels] = labels.narrow(0, 0, kept);
  if (options.train && !options.augment.no_aug && kept > 1) {
    Random random(static_cast<uint64_t>(options.seed) ^ 0xba7c4, static_cast<uint64_t>(job.epoch),
                  static_cast<uint64_t>(job.number));
    mix(batch, options.augment, static_cast<int64_t>(dataset->classes().size()),
        options.label_smoothing, random);
  }
  return batch;
}

void Loader::State::run() {
  std::unique_lock lock(mutex);
  while (true) {
    work.wait(lock, [&] { return stop || (claimed < batches && claimed < delivered + ahead()); });
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

Loader::Loader(DatasetPtr dataset, LoaderOptions options) : state_(std::make_unique<State>()) {
  if (options.batch_size < 1)
    throw ConfigError("data", "expected a batch size of at least 1", "--batch-size");
  if (options.workers < 0 || options.workers > 256)
    throw ConfigError("data", "expected 0 to 256 workers", "--workers");
  if (options.on_bad_sample != "error" && options.on_bad_sample != "skip")
    throw ConfigError("data", "expected error or skip, got '" + options.on_bad_sample + "'",
                      "--on-bad-sample");
  validate(options.augment);
  state_->dataset = std::move(dataset);
  state_->options = std::move(options);
  for (int64_t i = 0; i < state_->options.workers; ++i)
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

int64_t Loader::size() const {
  const int64_t count = state_->dataset->size(), B = state_->options.batch_size;
  // A training set smaller than one batch is one batch.
  return state_->options.train && count >= B ? count / B : (count + B - 1) / B;
}

void Loader::start_epoch(int64_t epoch, int64_t first_batch) {
  const std::lock_guard lock(state_->mutex);
  auto& s = *state_;
  s.order.resize(static_cast<size_t>(s.dataset->size()));
  std::iota(s.order.begin(), s.order.end(), int64_t{0});
  if (s.options.train) {
    Random random(static_cast<uint64_t>(s.options.seed), static_cast<uint64_t>(epoch),
                  kOrderStream);
    random.shuffle(s.order);
  }
  s.epoch = epoch;
  s.batches = size();
  s.claimed = s.delivered = first_batch;
  ++s.generation;
  s.ready.clear();
  s.work.notify_all();
}

std::optional<Batch> Loader::next() {
  auto& s = *state_;
  while (true) {
    std::unique_lock lock(s.mutex);
    if (s.delivered >= s.batches) return std::nullopt;
    State::Result result;
    if (s.options.workers == 0) {
      const auto todo = s.job(s.delivered++);
      lock.unlock();
      result.batch = s.make(todo);
    } else {
      s.done.wait(lock, [&] { return s.ready.contains(s.delivered); });
      result = std::move(s.ready.extract(s.delivered).mapped());
      ++s.delivered;
      s.work.notify_all();
    }
    if (result.error) std::rethrow_exception(result.error);
    if (!result.batch->indices.empty())
      return std::move(result.batch);  // else: every sample was bad
  }
}

int64_t Loader::bad_samples() const {
  const std::lock_guard lock(state_->mutex);
  return state_->bad;
}

std::vector<std::string> Loader::bad_sample_messages() const {
  const std::lock_guard lock(state_->mutex);
  return state_->messages;
}

torch::Tensor prepare_image(const io::Image& image, const InputConfig& input) {
  auto pixels = torch::empty({1, input.height, input.width, input.channels});
  normalize(prepare_for_evaluation(image, input), input, pixels.data_ptr<float>());
  return pixels.permute({0, 3, 1, 2});
}

}  // namespace braid::data
