// braid's side of bench/inference_ratio.py: classifies one fixed random batch of images, as
// `braid serve --engine libtorch` does.
//
// Flags: --model NAME --dtype float32|bfloat16 --batch-size N --img-size N --in-chans N --classes
// N;
// --fused 0: the model as it is, operator by operator. Reads a line with a number of passes, makes
// them, answers with the seconds they took; ends at end of input. --profile 1: prints the operators
// of a pass instead.
#include <fmt/format.h>

#include <cstdio>
#include <iostream>

#include "bench/operator_profile.h"
#include "bench/operators.h"
#include "bench/train_case.h"
#include "braid/runtime/eval_scope.h"
#include "braid/serve/torch/fused_graph.h"

int main(int argc, char** argv) {
  braid::bench::Args args = {{"--dtype", "float32"}, {"--batch-size", "1"}, {"--img-size", "224"},
                             {"--in-chans", "3"},    {"--classes", "1000"}, {"--fused", "1"},
                             {"--profile", "0"}};
  if (!braid::bench::read_flags(args, argc, argv)) return 64;
  const auto work = braid::bench::image_case(args, torch::kCPU);
  const auto model = std::dynamic_pointer_cast<braid::models::ImageModel>(work.model);
  model->eval();
  braid::models::LoadedModel loaded;
  loaded.model = model;
  loaded.hub = braid::models::make_image_hub_config(args["--model"], *model);
  const auto& images = work.batch.at(braid::data::kPixelValues);
  braid::serve::FusedGraph graph;
  if (args["--fused"] == "1") graph = braid::serve::fused_graph(loaded, args["--dtype"]);
  if (!graph.problem.empty()) {
    fmt::print(stderr, "{}\n", graph.problem);
    return 70;
  }
  const auto& fused = graph.run;
  const braid::runtime::EvalScope scope(*model, args["--dtype"]);
  const auto pass = [&] { return fused ? (*fused)({images}).at(0) : model->forward(images); };
  if (args["--profile"] == "1") {
    pass();
    braid::bench::print_operators(pass, 1, false);
    return 0;
  }
  fmt::print("ready\n");
  std::fflush(stdout);
  for (int64_t count = 0; std::cin >> count;) {
    const double seconds = braid::bench::seconds_of([&] {
      for (int64_t i = 0; i < count; ++i) pass();
    });
    fmt::print("{}\n", seconds);
    std::fflush(stdout);
  }
  return 0;
}
