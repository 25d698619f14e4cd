#include "braid/train/easiest.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <iterator>
#include <limits>
#include <string>
#include <utility>

#include "braid/core/error.h"

namespace braid::train {
namespace {

constexpr const char* kLosses = "losses";    // [N] float32
constexpr const char* kSkipped = "skipped";  // [N] uint8

void expect_list(const torch::Tensor& tensor, const char* name, at::ScalarType type) {
  if (tensor.dim() != 1 || tensor.scalar_type() != type)
    throw DataError("resume", std::string("expected a list of numbers for easiest.") + name +
                                  ", got another form");
}

}  // namespace

void EasiestItems::see(const std::vector<int64_t>& indices, const torch::Tensor& losses) {
  const auto values = losses.detach().to(torch::kCPU, torch::kFloat).contiguous();
  const auto* value = values.data_ptr<float>();
  for (const int64_t index : indices) {
    const auto at = static_cast<size_t>(index);
    if (at >= losses_.size()) losses_.resize(at + 1, std::numeric_limits<float>::quiet_NaN());
    losses_[at] = *value++;
  }
}

void EasiestItems::begin_epoch(int64_t epoch) {
  skipped_.clear();
  if (epoch < kWholeEpochs) return;
  std::vector<std::pair<float, size_t>> seen;  // equal losses go by their position
  for (size_t i = 0; i < losses_.size(); ++i)
    if (!std::isnan(losses_[i])) seen.emplace_back(losses_[i], i);
  const auto count = static_cast<std::ptrdiff_t>(share_ * static_cast<double>(seen.size()));
  std::nth_element(seen.begin(), seen.begin() + count, seen.end());
  skipped_.resize(losses_.size());
  for (auto it = seen.begin(); it != seen.begin() + count; ++it) skipped_[it->second] = true;
}

runtime::TensorMap EasiestItems::state() const {
  runtime::TensorMap tensors;
  if (!losses_.empty()) tensors[kLosses] = torch::tensor(losses_);
  if (skipped_.empty()) return tensors;
  auto skipped = torch::zeros({std::ssize(skipped_)}, torch::kUInt8);
  for (size_t i = 0; i < skipped_.size(); ++i) skipped.data_ptr<uint8_t>()[i] = skipped_[i] ? 1 : 0;
  tensors[kSkipped] = skipped;
  return tensors;
}

void EasiestItems::load_state(const runtime::TensorMap& state) {
  if (const auto it = state.find(kLosses); it != state.end()) {
    expect_list(it->second, kLosses, torch::kFloat);
    const auto losses = it->second.contiguous();
    losses_.assign(losses.data_ptr<float>(), losses.data_ptr<float>() + losses.numel());
  }
  if (const auto it = state.find(kSkipped); it != state.end()) {
    expect_list(it->second, kSkipped, torch::kUInt8);
    const auto skipped = it->second.contiguous();
    skipped_.assign(skipped.data_ptr<uint8_t>(), skipped.data_ptr<uint8_t>() + skipped.numel());
  }
}

}  // namespace braid::train
