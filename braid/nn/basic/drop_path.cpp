#include "braid/nn/basic/drop_path.h"

#include <numeric>

namespace braid::nn {

torch::Tensor drop_path(const torch::Tensor& x, double rate, bool training) {
  if (rate == 0.0 || !training) return x;
  std::vector<int64_t> shape(static_cast<size_t>(x.dim()), 1);
  shape[0] = x.size(0);
  const double keep = 1.0 - rate;
  return x * torch::empty(shape, x.options()).bernoulli_(keep).div_(keep);
}

std::vector<double> drop_path_rates(double rate, int64_t blocks) {
  std::vector<double> rates;
  for (int64_t i = 0; i < blocks; ++i)
    rates.push_back(blocks > 1 ? rate * static_cast<double>(i) / static_cast<double>(blocks - 1)
                               : 0.0);
  return rates;
}

std::vector<std::vector<double>> drop_path_rates(double rate, const std::vector<int64_t>& depths) {
  const auto rates =
      drop_path_rates(rate, std::accumulate(depths.begin(), depths.end(), int64_t{0}));
  std::vector<std::vector<double>> stages;
  auto first = rates.begin();
  for (const int64_t depth : depths) {
    stages.emplace_back(first, first + depth);
    first += depth;
  }
  return stages;
}

}  // namespace braid::nn
