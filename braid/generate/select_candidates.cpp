#include "braid/generate/select_candidates.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <array>
#include <cmath>

namespace braid::generate {
namespace {

using torch::Tensor;

bool is_better(const Candidate& a, const Candidate& b) {
  if (a.score != b.score) return a.score > b.score;
  return a.beam != b.beam ? a.beam < b.beam : a.token < b.token;
}

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

std::vector<std::vector<Candidate>> best_on_cpu(const Tensor& scores,
                                                const std::vector<float>& before, int64_t texts,
                                                int64_t count) {
  const int64_t rows = scores.size(0) / texts, words = scores.size(1);
  const float* data = scores.const_data_ptr<float>();
  std::vector<std::vector<Candidate>> found(static_cast<size_t>(texts));
  at::parallel_for(0, texts, 1, [&](int64_t begin, int64_t end) {
    for (int64_t text = begin; text < end; ++text) {
      Best best(count);
      for (int64_t beam = 0; beam < rows; ++beam) {
        const int64_t row = text * rows + beam;
        show_row(best, data + row * words, words, before[static_cast<size_t>(row)], beam);
      }
      found[static_cast<size_t>(text)] = best.sorted();
    }
  });
  return found;
}

Tensor summed(const Tensor& scores, const std::vector<float>& before) {
  const auto sums = torch::tensor(before, torch::kFloat).to(scores.device());
  return scores.add(sums.unsqueeze(1)).nan_to_num_(-INFINITY, INFINITY, -INFINITY);
}

// sums: [T,r*V].
std::vector<std::vector<Candidate>> topk_of(const Tensor& sums, int64_t words, int64_t count) {
  const auto [values, places] = sums.topk(count);
  const auto host_values = values.cpu(), host_places = places.cpu();
  std::vector<std::vector<Candidate>> found(static_cast<size_t>(sums.size(0)));
  for (int64_t i = 0; i < host_values.numel(); ++i) {
    const int64_t place = host_places.const_data_ptr<int64_t>()[i];
    found[static_cast<size_t>(i / count)].push_back(
        {host_values.const_data_ptr<float>()[i], place / words, place % words});
  }
  return found;
}

std::vector<std::vector<Candidate>> best_on_device(const Tensor& scores,
                                                   const std::vector<float>& before, int64_t texts,
                                                   int64_t count) {
  auto found = topk_of(summed(scores, before).view({texts, -1}), scores.size(1), count);
  for (auto& list : found) std::sort(list.begin(), list.end(), is_better);
  return found;
}

}  // namespace

std::vector<std::vector<Candidate>> best_candidates(const Tensor& scores,
                                                    const std::vector<float>& before, int64_t texts,
                                                    int64_t count) {
  return scores.is_cpu() ? best_on_cpu(scores.contiguous(), before, texts, count)
                         : best_on_device(scores, before, texts, count);
}

std::vector<Candidate> candidates_by_topk(const Tensor& scores, const std::vector<float>& before,
                                          int64_t count) {
  return topk_of(summed(scores.cpu(), before).view({1, -1}), scores.size(1), count).at(0);
}

}  // namespace braid::generate
