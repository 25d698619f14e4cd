// braid's side of bench/train_ratio.py: trains one model on one fixed random batch with AdamW.
//
// Flags: --model NAME --dtype float32|bfloat16 --batch-size N --device cpu|cuda; --img-size N of
// images, --length N of texts; --graph never: operator by operator on a GPU too. Reads a line with
// a number of steps, trains them, answers with the seconds they took; ends at end of input.
#include <fmt/format.h>

#include <cstdio>
#include <iostream>
#include <optional>

#include "bench/operators.h"
#include "bench/train_case.h"
#include "braid/runtime/device.h"
#include "braid/train/make_optimizer.h"
#include "braid/train/step_graph.h"

int main(int argc, char** argv) {
  braid::bench::Args args = {{"--dtype", "float32"}, {"--batch-size", "16"}, {"--img-size", "224"},
                             {"--in-chans", "3"},    {"--classes", "1000"},  {"--length", "128"},
                             {"--device", "cpu"},    {"--graph", "auto"}};
  if (!braid::bench::read_flags(args, argc, argv)) return 64;
  const auto device = braid::runtime::resolve_device(args["--device"]);
  at::globalContext().setBenchmarkCuDNN(device.is_cuda());
  const auto work = braid::bench::make_case(args, device);
  const braid::train::OptimizerConfig config;  // AdamW, the defaults of timm and braid
  const auto optimizer =
      braid::train::make_optimizer(braid::train::make_param_groups(*work.model, config), config);
  std::optional<braid::train::StepGraph> graph;
  if (device.is_cuda() && work.unit == "images" && args["--graph"] == "auto")
    graph.emplace(optimizer->parameters());
  fmt::print("ready\n");
  std::fflush(stdout);
  for (int64_t steps = 0; std::cin >> steps;) {
    const double seconds = braid::bench::seconds_of([&] {
      for (int64_t i = 0; i < steps; ++i) {
        optimizer->zero_grad();
        if (!graph || !graph->run(work.batch, work.loss)) work.loss(work.batch).backward();
        optimizer->step(config.lr);
      }
      if (device.is_cuda()) torch::cuda::synchronize();
    });
    fmt::print("{}\n", seconds);
    std::fflush(stdout);
  }
  return 0;
}
