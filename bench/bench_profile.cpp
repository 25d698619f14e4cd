// What a training step of a model spends its time on: its operators by their own time, without that
// of the operators that they call.
//
//     bench_profile --model airbench_nano [--dtype bfloat16] [--batch-size 256] [--img-size 28]
//                   [--in-chans 1] [--length 128] [--steps 20] [--opt nmuon] [--threads N]
//                   [--shapes 1]
#include <ATen/Parallel.h>
#include <ATen/record_function.h>
#include <fmt/format.h>

#include "bench/operator_profile.h"
#include "bench/operators.h"
#include "bench/train_case.h"
#include "braid/train/make_optimizer.h"

int main(int argc, char** argv) {
  braid::bench::Args args = {{"--dtype", "auto"}, {"--batch-size", "256"}, {"--img-size", "28"},
                             {"--in-chans", "1"}, {"--classes", "10"},     {"--length", "128"},
                             {"--steps", "20"},   {"--opt", "nmuon"},      {"--threads", "0"},
                             {"--shapes", "0"}};
  if (!braid::bench::read_flags(args, argc, argv)) return 64;
  if (const auto threads = braid::bench::number_of(args, "--threads"); threads > 0)
    at::set_num_threads(static_cast<int>(threads));
  const auto work = braid::bench::make_case(args, torch::kCPU);
  braid::train::OptimizerConfig config;
  config.opt = args["--opt"];
  const auto optimizer = braid::train::make_optimizer(
      braid::train::make_param_groups(*work.model, config), config,
      braid::runtime::resolve_dtype(args["--dtype"], torch::kCPU) == "bfloat16");
  const auto step = [&] {
    RECORD_FUNCTION("a step, but for operators", std::vector<c10::IValue>());
    optimizer->zero_grad();
    work.loss(work.batch).backward();
    {
      RECORD_FUNCTION("the optimizer, but for operators", std::vector<c10::IValue>());
      optimizer->step(1e-4);
    }
  };
  for (int i = 0; i < 5; ++i) step();
  const int64_t steps = braid::bench::number_of(args, "--steps");
  const double plain = braid::bench::seconds_of([&] {
    for (int64_t i = 0; i < steps; ++i) step();
  });
  fmt::print("{}: {:.0f} {}/s, {:.2f} ms a step; ", args["--model"],
             static_cast<double>(work.items * steps) / plain, work.unit,
             plain * 1e3 / static_cast<double>(steps));
  braid::bench::print_operators(
      [&] {
        for (int64_t i = 0; i < steps; ++i) step();
      },
      steps, args["--shapes"] == "1");
  return 0;
}
