#include "braid/decoding/candidates.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>
#include <utility>

namespace braid::decoding {

bool is_better(const Candidate& a, const Candidate& b) {
  if (a.score != b.score) return a.score > b.score;
  return a.beam != b.beam ? a.beam < b.beam : a.token < b.token;
}

namespace {

constexpr int64_t kLanes = 16, kBlock = 128;

// The greatest of kBlock numbers, in lanes that the compiler makes vectors of.
float greatest(const float* x) {
  std::array<float, kLanes> most;
  most.fill(-INFINITY);
  for (int64_t i = 0; i < kBlock; i += kLanes)
    for (int64_t lane = 0; lane < kLanes; ++lane) {
      const auto l = static_cast<size_t>(lane);
      most[l] = most[l] < x[i + lane] ? x[i + lane] : most[l];
    }
  return *std::max_element(most.begin(), most.end());
}

// Keeps the best of what it is shown in order of beam and token.
class Best {
 public:
  explicit Best(int64_t count) : count_(static_cast<size_t>(count)) { kept_.reserve(count_); }
  // Whether a score could be kept: equals of what is there come later, and lose.
  bool takes(float score) const { return kept_.size() < count_ || score > kept_.front().score; }
  void show(Candidate candidate) {
    if (std::isnan(candidate.score)) candidate.score = -INFINITY;
    if (!takes(candidate.score)) return;
    if (kept_.size() == count_) {
      std::pop_heap(kept_.begin(), kept_.end(), is_better);  // the worst is in front
      kept_.pop_back();
    }
    kept_.push_back(candidate);
    std::push_heap(kept_.begin(), kept_.end(), is_better);
  }
  std::vector<Candidate> sorted() {
    std::sort(kept_.begin(), kept_.end(), is_better);
    return std::move(kept_);
  }

 private:
  size_t count_;
  std::vector<Candidate> kept_;
};

void show_row(Best& best, const float* row, int64_t words, float before, int64_t beam) {
  int64_t i = 0;
  const auto show = [&](int64_t until) {
    for (; i < until; ++i) best.show({row[i] + before, beam, i});
  };
  while (i + kBlock <= words) {
    if (best.takes(greatest(row + i) + before))
      show(i + kBlock);
    else
      i += kBlock;
  }
  show(words);
}

}  // namespace

std::vector<Candidate> best_candidates(const BeamScores& scores, const float* before,
                                       int64_t count) {
  Best best(count);
  for (int64_t beam = 0; beam < scores.beams; ++beam)
    show_row(best, scores.data + beam * scores.words, scores.words, before[beam], beam);
  return best.sorted();
}

std::vector<Candidate> candidates_by_topk(const BeamScores& scores, const float* before,
                                          int64_t count) {
  std::vector<float> sums;
  sums.reserve(static_cast<size_t>(scores.beams * scores.words));
  for (int64_t beam = 0; beam < scores.beams; ++beam)
    for (int64_t token = 0; token < scores.words; ++token) {
      const float sum = scores.data[beam * scores.words + token] + before[beam];
      sums.push_back(std::isnan(sum) ? -INFINITY : sum);
    }
  std::vector<Candidate> found;
  for (const size_t place : best_places(sums, static_cast<size_t>(count))) {
    const auto at = static_cast<int64_t>(place);
    found.push_back({sums[place], at / scores.words, at % scores.words});
  }
  return found;
}

std::vector<size_t> best_places(const std::vector<float>& scores, size_t count) {
  std::vector<size_t> order(scores.size());
  std::iota(order.begin(), order.end(), size_t{0});
  const auto greater = [&](size_t a, size_t b) { return scores[a] > scores[b]; };
  const auto last = order.begin() + static_cast<int64_t>(std::min(count, order.size())) - 1;
  constexpr size_t kFew = 64;  // below one in so many topk sorts a heap
  if (count * kFew <= scores.size()) {
    std::partial_sort(order.begin(), last + 1, order.end(), greater);
  } else {
    std::nth_element(order.begin(), last, order.end(), greater);
    std::sort(order.begin(), last, greater);
  }
  order.resize(std::min(count, order.size()));
  return order;
}

}  // namespace braid::decoding
