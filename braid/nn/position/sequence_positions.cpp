#include "braid/nn/position/sequence_positions.h"

#include <algorithm>
#include <cmath>
#include <vector>

namespace braid::nn {
namespace {

using torch::Tensor;

constexpr double kTheta = 10000;

// Position times frequency, [length,count]; float64, since they are the angles of sines.
Tensor angles(int64_t length, int64_t first, int64_t count, int64_t dim, double theta,
              torch::Device device) {
  const auto options = torch::TensorOptions().dtype(torch::kDouble).device(device);
  const auto positions = torch::arange(first, first + length, options).unsqueeze(1);
  const auto exponents = torch::arange(count, options) * (2.0 / static_cast<double>(dim));
  return positions / torch::pow(theta, exponents);
}

// The references keep such tables in float32, whatever the model's type.
Tensor as_stored(const Tensor& table, const torch::TensorOptions& options) {
  return table.to(torch::kFloat).to(options);
}

// Key minus query, [queries,keys] int64.
Tensor offsets(int64_t queries, int64_t keys, torch::Device device, int64_t first) {
  const auto options = torch::TensorOptions().dtype(torch::kLong).device(device);
  return torch::arange(keys, options).unsqueeze(0) -
         torch::arange(first, first + queries, options).unsqueeze(1);
}

// A geometric series whose last number is 2^-8.
void append_slopes(std::vector<double>& slopes, int64_t of, int64_t step, int64_t count) {
  for (int64_t i = 0; i < count; ++i)
    slopes.push_back(std::exp2(-8.0 / static_cast<double>(of) * static_cast<double>(1 + i * step)));
}

}  // namespace

Tensor sinusoidal_positions(int64_t length, int64_t dim, const torch::TensorOptions& options,
                            int64_t first) {
  const int64_t sines = (dim + 1) / 2;  // of an odd number of channels one more than cosines
  const auto turned = angles(length, first, sines, dim, kTheta, options.device());
  return as_stored(torch::cat({turned.sin(), turned.narrow(1, 0, dim / 2).cos()}, 1), options);
}

Tensor sequence_rotary(int64_t length, int64_t dim, const torch::TensorOptions& options,
                       int64_t first, double theta) {
  const auto turned = angles(length, first, dim / 2, dim, theta, options.device());
  const auto spread = torch::stack({turned, turned}, -1).flatten(1);  // [length,dim]
  return as_stored(torch::cat({spread.sin(), spread.cos()}, -1), options);
}

Tensor distance_buckets(int64_t queries, int64_t keys, const DistanceBuckets& buckets,
                        torch::Device device, int64_t first) {
  auto distance = offsets(queries, keys, device, first);
  auto result = torch::zeros_like(distance);
  int64_t count = buckets.num_buckets;
  if (buckets.bidirectional) {
    count /= 2;
    result = distance.gt(0).to(torch::kLong) * count;
    distance = distance.abs();
  } else {
    distance = distance.neg().clamp_min(0);
  }
  const int64_t exact = count / 2;
  const double growth =
      std::log(static_cast<double>(buckets.max_distance) / static_cast<double>(exact));
  // float32 as in T5: in float64 some distances on an edge would fall on its other side.
  const auto large = distance.clamp_min(1).to(torch::kFloat).div(static_cast<double>(exact)).log() /
                     growth * static_cast<double>(count - exact);
  const auto far = (large.to(torch::kLong) + exact).clamp_max(count - 1);
  return result + torch::where(distance.lt(exact), distance, far);
}

Tensor alibi_slopes(int64_t heads) {
  int64_t power = 1;
  while (2 * power <= heads) power *= 2;
  std::vector<double> slopes;
  append_slopes(slopes, power, 1, power);
  append_slopes(slopes, 2 * power, 2, heads - power);  // between those
  return torch::tensor(slopes, torch::kDouble);
}

Tensor distance_bias(torch::nn::Embedding& table, int64_t tokens) {
  return table->forward(distance_buckets(tokens, tokens, {}, table->weight.device()))
      .permute({2, 0, 1})
      .unsqueeze(0);
}

Tensor alibi_bias(int64_t heads, int64_t queries, int64_t keys, const torch::TensorOptions& options,
                  int64_t first) {
  const auto distance = offsets(queries, keys, options.device(), first).abs().to(torch::kDouble);
  const auto slopes = alibi_slopes(heads).to(options.device()).view({1, heads, 1, 1});
  return (slopes * -distance).to(options);
}

}  // namespace braid::nn
