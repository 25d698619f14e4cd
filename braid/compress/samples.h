// What a graph is calibrated and judged on.
#pragma once
#include <cstdint>
#include <functional>
#include <vector>

#include "braid/torch.h"

namespace braid::compress {

// A batch of what a graph takes, in the order of its inputs. Batches may differ in size, and of
// texts in length.
using Inputs = std::vector<torch::Tensor>;

struct Samples {
  std::vector<Inputs> batches;
  std::vector<torch::Tensor> labels{};  // [B] int64 a batch, or [B,L]; empty: none are known
  // Of outputs per token: [B,L] bool a batch, the tokens that are asked for; empty: no such.
  std::vector<torch::Tensor> asked{};
  // What another graph makes of the first items of a batch's output, which is judged in its place:
  // of an encoder, the logits of the decoder that reads it. Empty: the output itself is.
  std::function<torch::Tensor(const torch::Tensor& output, size_t batch)> reader{};
  int64_t count() const;  // items
  Samples first(int64_t items) const;
};

std::vector<Inputs> first_items(const std::vector<Inputs>& batches, int64_t count);

}  // namespace braid::compress
