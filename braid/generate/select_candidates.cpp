#include "braid/generate/select_candidates.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <cmath>

namespace braid::generate {
namespace {

using torch::Tensor;

std::vector<std::vector<Candidate>> best_on_cpu(const Tensor& scores,
                                                const std::vector<float>& before, int64_t texts,
                                                int64_t count) {
  const int64_t rows = scores.size(0) / texts, words = scores.size(1);
  const float* data = scores.const_data_ptr<float>();
  std::vector<std::vector<Candidate>> found(static_cast<size_t>(texts));
  at::parallel_for(0, texts, 1, [&](int64_t begin, int64_t end) {
    for (int64_t text = begin; text < end; ++text) {
      const int64_t row = text * rows;
      found[static_cast<size_t>(text)] =
          decoding::best_candidates({data + row * words, rows, words}, before.data() + row, count);
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
  for (auto& list : found) std::sort(list.begin(), list.end(), decoding::is_better);
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
