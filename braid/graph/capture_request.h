// What is captured.
#pragma once
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "braid/torch.h"

namespace braid::graph {

struct CaptureRequest {
  using Tensors = std::vector<torch::Tensor>;
  std::function<Tensors(const Tensors& inputs)> run;
  // Inputs at a batch size; their values must differ from call to call, so that numbers which
  // follow from them are told from constants.
  std::function<Tensors(int64_t batch)> example;
  const torch::nn::Module* module = nullptr;  // whose parameters and buffers constants are named by
  std::vector<std::string> input_names;
  std::vector<std::string> output_names;
};

}  // namespace braid::graph
