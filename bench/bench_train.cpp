// braid's side of bench/train_ratio.py: trains one model on one fixed random batch.
//
// Flags: --model NAME --dtype float32|bfloat16 --batch-size N --img-size N --device cpu|cuda. Reads
// a line with a number of steps, trains them, answers with the seconds they took; ends at end of
// input.
#include <fmt/format.h>

#include <chrono>
#include <cstdio>
#include <iostream>
#include <map>
#include <string>

#include "braid/models/registry.h"
#include "braid/models/vision/image_model.h"
#include "braid/runtime/autocast.h"
#include "braid/runtime/device.h"
#include "braid/tasks/image_model.h"
#include "braid/train/make_optimizer.h"
#include "braid/train/step_graph.h"

int main(int argc, char** argv) {
  std::map<std::string, std::string> args = {{"--dtype", "float32"},
                                             {"--batch-size", "16"},
                                             {"--img-size", "224"},
                                             {"--device", "cpu"},
                                             {"--graph", "auto"}};
  for (int i = 1; i + 1 < argc; i += 2) args[argv[i]] = argv[i + 1];
  const int64_t batch = std::stoll(args["--batch-size"]);
  const int64_t size = std::stoll(args["--img-size"]);

  const auto model = braid::models::create_model<braid::models::ImageModel>(
      args["--model"], braid::Json::object(), /*seed=*/0);
  const auto device = braid::runtime::resolve_device(args["--device"]);
  at::globalContext().setBenchmarkCuDNN(device.is_cuda());
  model->to(device);
  model->train();
  braid::tasks::to_channels_last(*model);
  const braid::train::OptimizerConfig config;  // AdamW, the defaults of timm and braid
  const auto optimizer =
      braid::train::make_optimizer(braid::train::make_param_groups(*model, config), config);
  const braid::data::Batch input{
      {{braid::data::kPixelValues,
        torch::randn({batch, 3, size, size}, device).contiguous(at::MemoryFormat::ChannelsLast)},
       {braid::data::kLabels,
        torch::randint(1000, {batch}, torch::device(device).dtype(torch::kInt64))}},
      {}};
  const auto loss_of = [&](const braid::data::Batch& b) {
    const braid::runtime::Autocast autocast(device.type(), args["--dtype"]);
    return torch::nn::functional::cross_entropy(model->forward(b.at(braid::data::kPixelValues)),
                                                b.at(braid::data::kLabels));
  };
  std::optional<braid::train::StepGraph> graph;
  if (device.is_cuda() && args["--graph"] == "auto") graph.emplace(optimizer->parameters());
  fmt::print("ready\n");
  std::fflush(stdout);
  for (int64_t steps = 0; std::cin >> steps;) {
    const auto start = std::chrono::steady_clock::now();
    for (int64_t i = 0; i < steps; ++i) {
      optimizer->zero_grad();
      if (!graph || !graph->run(input, loss_of)) loss_of(input).backward();
      optimizer->step(config.lr);
    }
    if (device.is_cuda()) torch::cuda::synchronize();
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
    fmt::print("{}\n", seconds.count());
    std::fflush(stdout);
  }
  return 0;
}
