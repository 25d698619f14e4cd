// What is captured.
#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "braid/graph/graph.h"
#include "braid/torch.h"

namespace braid::graph {

struct CaptureRequest {
  using Tensors = std::vector<torch::Tensor>;
  std::function<Tensors(const Tensors& inputs)> run;
  // Inputs of these sizes; their values must differ from call to call, so that numbers which follow
  // from them are told from constants.
  std::function<Tensors(Sizes sizes)> example;
  const torch::nn::Module* module = nullptr;  // whose parameters and buffers constants are named by
  std::vector<std::string> input_names;
  std::vector<std::string> output_names;
  // Of texts: the most tokens that a row may have, 0: any. Images have no length.
  std::optional<int64_t> max_length{};
  // The same of the memory of a decoder, which has a length too; others have none.
  std::optional<int64_t> max_memory{};
};

}  // namespace braid::graph
