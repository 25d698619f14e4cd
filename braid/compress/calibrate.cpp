#include "braid/compress/calibrate.h"

#include <ATen/CPUGeneratorImpl.h>

#include <algorithm>
#include <cmath>

#include "braid/core/error.h"
#include "braid/graph/replay.h"

namespace braid::compress {
namespace {

using torch::Tensor;

constexpr int64_t kSample = 1 << 15;  // numbers kept of a value

// What masks hide is -infinity.
Tensor finite_of(const Tensor& numbers) {
  const auto finite = numbers.isfinite();
  return finite.all().item<bool>() ? numbers : numbers.masked_select(finite);
}

Tensor drawn(const Tensor& numbers, int64_t count, at::Generator& generator) {
  if (numbers.numel() <= count) return numbers.clone();
  return numbers.index_select(0, at::randint(numbers.numel(), {count}, generator, torch::kInt64));
}

}  // namespace

Observations observe(const Graph& graph, const std::vector<Inputs>& batches,
                     const std::set<ValueId>& values) {
  const torch::NoGradGuard no_grad;
  auto generator = at::make_generator<at::CPUGeneratorImpl>(0);
  double inputs = 0;  // numbers of all batches: each batch is drawn from by its share of them
  for (const auto& batch : batches) inputs += static_cast<double>(batch.at(0).numel());
  struct Seen {
    Range range;
    std::vector<Tensor> parts;
  };
  std::map<ValueId, Seen> seen;
  for (const auto& batch : batches) {
    const auto share = static_cast<double>(batch.at(0).numel()) / inputs;
    const auto count = std::max<int64_t>(std::llround(static_cast<double>(kSample) * share), 1);
    graph::replay(graph, batch, [&](ValueId id, Tensor& tensor) {
      if (!values.contains(id)) return;
      const auto numbers = finite_of(tensor.detach().flatten().to(torch::kFloat));
      if (numbers.numel() == 0) return;
      const auto [low, high] = numbers.aminmax();
      const bool first = !seen.contains(id);
      auto& [range, parts] = seen[id];
      const auto least = low.item<double>(), most = high.item<double>();
      range = first ? Range{least, most}
                    : Range{std::min(range.low, least), std::max(range.high, most)};
      parts.push_back(drawn(numbers, count, generator));
    });
  }
  Observations observations;
  for (const ValueId id : values) {
    const auto it = seen.find(id);
    if (it == seen.end())
      throw DataError("quantize", "expected finite activations, got none", graph.at(id).name,
                      "check the weights: NaN and infinity cannot be quantized");
    observations[id] = {.range = it->second.range, .sample = torch::cat(it->second.parts)};
  }
  return observations;
}

std::set<ValueId> ranged_values(const Placement& placement) {
  std::set<ValueId> values;
  for (const auto& item : placement.sites) values.insert(item.second.range_of);
  return values;
}

Ranges min_max_ranges(const Observations& observations) {
  Ranges ranges;
  for (const auto& [id, observation] : observations) ranges[id] = observation.range;
  return ranges;
}

Ranges mse_ranges(const Observations& observations) {
  Ranges ranges;
  for (const auto& [id, observation] : observations)
    ranges[id] = mse_range(observation.sample, observation.range);
  return ranges;
}

}  // namespace braid::compress
