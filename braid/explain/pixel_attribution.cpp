#include "braid/explain/pixel_attribution.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace braid::explain {
namespace {

using torch::Tensor;

// Where squares begin so that every pixel is covered.
std::vector<int64_t> starts(int64_t size, int64_t window, int64_t stride) {
  std::vector<int64_t> found;
  for (int64_t start = 0; start + window < size; start += stride) found.push_back(start);
  found.push_back(std::max<int64_t>(0, size - window));
  return found;
}

}  // namespace

Differentiable logit_of(const Classify& classify, int64_t target) {
  return {.value = [=](const Tensor& points) { return classify(points).select(1, target); },
          .gradient =
              [=](const Tensor& points) {
                const torch::AutoGradMode with_grad(true);
                const auto x = points.detach().requires_grad_(true);
                return torch::autograd::grad({classify(x).select(1, target).sum()}, {x})[0];
              }};
}

IntegratedGradients integrated_gradients(const Differentiable& function, const Tensor& input,
                                         const Tensor& baseline, int64_t steps, int64_t batch) {
  const torch::NoGradGuard no_grad;
  const auto difference = input - baseline;
  auto sum = torch::zeros_like(difference);
  for (int64_t begin = 0; begin < steps; begin += batch) {
    const int64_t end = std::min(steps, begin + batch);
    const auto parts =
        ((torch::arange(begin, end, torch::kFloat) + 0.5) / static_cast<double>(steps))
            .to(input.device());
    std::vector<int64_t> shape(static_cast<size_t>(input.dim()), 1);
    shape[0] = end - begin;
    sum += function.gradient(baseline + parts.view(shape) * difference).sum(0, true);
  }
  return {.values = (sum / static_cast<double>(steps) * difference)[0],
          .total = function.value(input).item<double>() - function.value(baseline).item<double>()};
}

Tensor occlusion(const Classify& classify, const Tensor& image, int64_t target,
                 const OcclusionOptions& options) {
  const torch::NoGradGuard no_grad;
  const int64_t height = image.size(2), width = image.size(3);
  std::vector<std::pair<int64_t, int64_t>> squares;
  const int64_t stride = std::min(options.stride, options.window);  // no pixel is left out
  for (const int64_t y : starts(height, options.window, stride))
    for (const int64_t x : starts(width, options.window, stride)) squares.push_back({y, x});
  const auto part = [&](Tensor& map, const std::pair<int64_t, int64_t>& at) {
    return map.slice(-2, at.first, at.first + options.window)
        .slice(-1, at.second, at.second + options.window);
  };
  const double whole = classify(image)[0][target].item<double>();
  auto sum = torch::zeros({height, width}), count = torch::zeros({height, width});
  for (size_t begin = 0; begin < squares.size(); begin += static_cast<size_t>(options.batch)) {
    const size_t end = std::min(squares.size(), begin + static_cast<size_t>(options.batch));
    auto hidden = image.repeat({static_cast<int64_t>(end - begin), 1, 1, 1});
    for (size_t i = begin; i < end; ++i) {
      auto one = hidden[static_cast<int64_t>(i - begin)];
      part(one, squares[i]).fill_(options.fill);
    }
    const auto logits = classify(hidden).select(1, target).cpu();
    for (size_t i = begin; i < end; ++i) {
      part(sum, squares[i]) += whole - logits[static_cast<int64_t>(i - begin)].item<double>();
      part(count, squares[i]) += 1;
    }
  }
  return sum / count;
}

}  // namespace braid::explain
