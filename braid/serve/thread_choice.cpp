#include "braid/serve/thread_choice.h"

#include <algorithm>
#include <cmath>

namespace braid::serve {
namespace {

constexpr int64_t kFirst = 4;       // trials of each team before one is preferred
constexpr int64_t kTryAgain = 256;  // batches
constexpr double kPays = 1.1;       // times as fast
constexpr int64_t kMostThreads = 1024;

}  // namespace

ThreadChoice::ThreadChoice(int64_t most) {
  most = std::clamp<int64_t>(most, 1, kMostThreads);
  for (int64_t size = 1; size < most; size *= 2) team_sizes_.push_back(size);
  team_sizes_.push_back(most);
}

// The first trial prepares what later ones find ready.
double ThreadChoice::Trials::median() const {
  const auto used = static_cast<size_t>(std::max<int64_t>(0, count - 1));
  std::vector<double> sorted(recent.begin(), recent.begin() + std::min(used, recent.size()));
  if (sorted.empty()) return 0;
  const auto middle = sorted.begin() + static_cast<std::ptrdiff_t>(sorted.size() / 2);
  std::nth_element(sorted.begin(), middle, sorted.end());
  return *middle;
}

ThreadChoice::Sizes& ThreadChoice::of(int64_t numbers) {
  auto& sizes = by_magnitude_[std::ilogb(static_cast<double>(std::max<int64_t>(1, numbers)))];
  sizes.trials.resize(team_sizes_.size());
  return sizes;
}

size_t ThreadChoice::fastest(const Sizes& sizes) const {
  size_t best = 0;
  for (size_t i = 1; i < team_sizes_.size(); ++i)
    if (kPays * sizes.trials[i].median() < sizes.trials[best].median()) best = i;
  return best;
}

int64_t ThreadChoice::threads_for(int64_t numbers) {
  auto& sizes = of(numbers);
  const auto& trials = sizes.trials;
  const auto least =
      std::min_element(trials.begin(), trials.end(),
                       [](const Trials& a, const Trials& b) { return a.count < b.count; });
  if (least->count < kFirst) return team_sizes_[static_cast<size_t>(least - trials.begin())];
  const size_t best = fastest(sizes);
  if (++sizes.calls % kTryAgain != 0) return team_sizes_[best];
  // Half as many and twice as many by turns.
  const bool more = sizes.calls / kTryAgain % 2 == 0;
  if (more && best + 1 < team_sizes_.size()) return team_sizes_[best + 1];
  return team_sizes_[!more && best > 0 ? best - 1 : best];
}

void ThreadChoice::observe(int64_t numbers, int64_t threads, double seconds) {
  const auto place = std::find(team_sizes_.begin(), team_sizes_.end(), threads);
  if (place == team_sizes_.end()) return;
  auto& trials = of(numbers).trials[static_cast<size_t>(place - team_sizes_.begin())];
  if (trials.count > 0)
    trials.recent[static_cast<size_t>(trials.count - 1) % trials.recent.size()] =
        seconds / static_cast<double>(std::max<int64_t>(1, numbers));
  ++trials.count;
}

}  // namespace braid::serve
