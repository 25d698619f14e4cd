#include "braid/explain/faithfulness.h"

#include <ATen/CPUGeneratorImpl.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <unordered_set>

namespace braid::explain {
namespace {

using torch::Tensor;

// Pixels of `from` are replaced by those of `to`, the map's largest first.
double area(const Classify& classify, const Tensor& from, const Tensor& to, const Tensor& map,
            const PixelOrder& how) {
  const torch::NoGradGuard no_grad;
  const int64_t pixels = map.numel();
  const auto order = map.flatten().argsort(/*dim=*/0, /*descending=*/true);
  auto place = torch::empty({pixels}, torch::kLong);
  place.index_put_({order.cpu()}, torch::arange(pixels, torch::kLong));
  const auto rank = place.view({1, 1, map.size(0), map.size(1)}).to(from.device());
  std::vector<double> probability;
  for (int64_t begin = 0; begin <= how.steps; begin += how.batch) {
    const int64_t end = std::min(how.steps + 1, begin + how.batch);
    const auto replaced =
        (torch::arange(begin, end, torch::kLong) * pixels).floor_divide(how.steps);
    const auto images =
        torch::where(rank < replaced.view({-1, 1, 1, 1}).to(from.device()), to, from);
    const auto p = classify(images).softmax(1).select(1, how.target).cpu();
    for (int64_t i = 0; i < p.size(0); ++i) probability.push_back(p[i].item<double>());
  }
  double sum = 0;
  for (size_t i = 0; i + 1 < probability.size(); ++i)
    sum += (probability[i] + probability[i + 1]) / 2;
  return sum / static_cast<double>(how.steps);
}

double probability_of(const Classify& classify, const Tensor& image, int64_t target) {
  return classify(image).softmax(1)[0][target].item<double>();
}

// Average ranks. What is no number, as models of noise may give, comes last, of one rank.
std::vector<double> ranks(const Tensor& values) {
  const auto flat = values.detach().flatten().to(torch::kCPU, torch::kDouble).contiguous();
  const double* v = flat.data_ptr<double>();
  std::vector<int64_t> order(static_cast<size_t>(flat.numel()));
  std::iota(order.begin(), order.end(), 0);
  const auto less = [](double a, double b) { return std::isnan(b) ? !std::isnan(a) : a < b; };
  std::sort(order.begin(), order.end(), [&](int64_t a, int64_t b) { return less(v[a], v[b]); });
  std::vector<double> rank(order.size());
  for (size_t i = 0; i < order.size();) {
    size_t end = i + 1;
    while (end < order.size() && !less(v[order[i]], v[order[end]])) ++end;
    for (size_t k = i; k < end; ++k)
      rank[static_cast<size_t>(order[k])] = static_cast<double>(i + end - 1) / 2;
    i = end;
  }
  return rank;
}

// The learned tensors of each module, in the order in which the modules run.
std::vector<std::vector<graph::ValueId>> learned_by_module(const graph::Graph& graph) {
  std::vector<std::vector<graph::ValueId>> groups;
  std::unordered_set<graph::ValueId> seen;
  std::string last;
  for (const auto& node : graph.nodes)
    for (const auto& argument : node.arguments)
      for (const auto id : argument.values) {
        if (!graph.is_constant(id) || !graph.at(id).learned || !seen.insert(id).second) continue;
        const auto& name = graph.at(id).name;
        const auto module = name.substr(0, name.rfind('.'));
        if (groups.empty() || module != last) groups.emplace_back();
        last = module;
        groups.back().push_back(id);
      }
  return groups;
}

}  // namespace

Tensor blurred(const Tensor& image) {
  const int64_t side = std::min(image.size(2), image.size(3));
  const int64_t radius = std::max<int64_t>(1, side / 22);
  const auto offsets = torch::arange(-2 * radius, 2 * radius + 1, torch::kFloat);
  auto kernel = (-0.5 * (offsets / static_cast<double>(radius)).square()).exp();
  kernel = (kernel / kernel.sum()).to(image.device());
  const int64_t C = image.size(1), k = kernel.numel();
  namespace F = torch::nn::functional;
  const auto by_channel = F::Conv2dFuncOptions().groups(C);
  const auto padded =
      at::replication_pad2d(image, {2 * radius, 2 * radius, 2 * radius, 2 * radius});
  const auto rows = F::conv2d(padded, kernel.view({1, 1, k, 1}).repeat({C, 1, 1, 1}), by_channel);
  return F::conv2d(rows, kernel.view({1, 1, 1, k}).repeat({C, 1, 1, 1}), by_channel);
}

double deletion_area(const Classify& classify, const Tensor& image, const Tensor& map,
                     const PixelOrder& order) {
  return area(classify, image, torch::zeros_like(image), map, order);
}

double insertion_area(const Classify& classify, const Tensor& image, const Tensor& map,
                      const PixelOrder& order) {
  return area(classify, blurred(image), image, map, order);
}

std::vector<Planted> plant_patches(const Classify& classify, const std::vector<Tensor>& images,
                                   const std::vector<int64_t>& targets, int64_t draws,
                                   uint64_t seed, double least) {
  const torch::NoGradGuard no_grad;
  auto generator = at::make_generator<at::CPUGeneratorImpl>(seed);
  const auto draw = [&](int64_t below) {
    return torch::randint(below, {1}, generator, torch::kLong).item<int64_t>();
  };
  std::vector<Planted> planted;
  for (size_t i = 0; i < images.size(); ++i) {
    const int64_t height = images[i].size(2), width = images[i].size(3);
    const auto patch = at::_upsample_bilinear2d_aa(images[i], {height / 2, width / 2}, false);
    for (int64_t k = 0; k < draws; ++k) {
      // Another image below, of another class where there is one.
      size_t host = i;
      for (size_t step = 1; step <= images.size(); ++step) {
        host = (i + static_cast<size_t>(k) + step) % images.size();
        if (targets[host] != targets[i]) break;
      }
      const auto below = 0.5 * blurred(blurred(images[host]));
      Planted one{.image = below.clone(),
                  .target = targets[i],
                  .top = draw(height - height / 2 + 1),
                  .left = draw(width - width / 2 + 1),
                  .height = height / 2,
                  .width = width / 2};
      one.image.slice(2, one.top, one.top + one.height)
          .slice(3, one.left, one.left + one.width)
          .copy_(patch);
      const double with = probability_of(classify, one.image, one.target);
      if (with > least && with > probability_of(classify, below, one.target))
        planted.push_back(std::move(one));
    }
  }
  return planted;
}

PointingGame pointing_game(const MapOf& map_of, const std::vector<Planted>& planted) {
  PointingGame game;
  for (const auto& one : planted) {
    const auto map = map_of(one.image, one.target);
    const auto peak = map.argmax().item<int64_t>();
    const int64_t y = peak / map.size(1), x = peak % map.size(1);
    ++game.planted;
    game.found +=
        y >= one.top && y < one.top + one.height && x >= one.left && x < one.left + one.width;
    game.chance = static_cast<double>(one.height * one.width) / static_cast<double>(map.numel());
  }
  return game;
}

std::vector<ExplainableGraph> cascade(const ExplainableGraph& explained,
                                      const std::vector<double>& shares, uint64_t seed) {
  const torch::NoGradGuard no_grad;
  auto generator = at::make_generator<at::CPUGeneratorImpl>(seed);
  const auto groups = learned_by_module(explained.graph);
  std::vector<ExplainableGraph> graphs;
  auto current = explained;
  size_t done = 0;
  for (const double share : shares) {
    const auto wanted = static_cast<size_t>(std::ceil(share * static_cast<double>(groups.size())));
    for (; done < std::min(wanted, groups.size()); ++done)
      for (const auto id : groups[groups.size() - 1 - done]) {
        auto& constant = current.graph.at(id).constant;
        const double deviation =
            constant.numel() > 1 ? constant.to(torch::kFloat).std().item<double>() : 0.0;
        const auto noise = torch::randn(constant.sizes(), generator) * deviation +
                           constant.to(torch::kFloat).mean().item<double>();
        constant = noise.to(constant.device(), constant.scalar_type());
      }
    graphs.push_back(current);
  }
  return graphs;
}

double rank_correlation(const Tensor& a, const Tensor& b) {
  const auto x = ranks(a), y = ranks(b);
  const double mean = (static_cast<double>(x.size()) - 1) / 2;
  double xy = 0, xx = 0, yy = 0;
  for (size_t i = 0; i < x.size(); ++i) {
    xy += (x[i] - mean) * (y[i] - mean);
    xx += (x[i] - mean) * (x[i] - mean);
    yy += (y[i] - mean) * (y[i] - mean);
  }
  return xx > 0 && yy > 0 ? xy / std::sqrt(xx * yy) : 0;
}

}  // namespace braid::explain
