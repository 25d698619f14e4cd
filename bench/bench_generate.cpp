// braid's side of bench/translate_ratio.py: writes texts for one fixed batch.
//
// Reads a line with a number of searches, makes them, answers with the seconds they took and a
// checksum of the texts; ends at end of input. With --profile 1 it prints the operators of a search
// instead, milliseconds for each token.
#include <fmt/format.h>

#include <chrono>
#include <cstdio>
#include <iostream>
#include <map>
#include <string>

#include "bench/operator_profile.h"
#include "braid/generate/search.h"
#include "braid/models/product_weights.h"
#include "braid/models/registry.h"
#include "braid/models/weights.h"
#include "braid/runtime/eval_scope.h"
#include "braid/runtime/tensor_file.h"

int main(int argc, char** argv) {
  std::map<std::string, std::string> args = {{"--beams", "4"},
                                             {"--tokens", "32"},
                                             {"--dtype", "float32"},
                                             {"--int8", "0"},
                                             {"--profile", "0"}};
  for (int i = 1; i + 1 < argc; i += 2) args[argv[i]] = argv[i + 1];
  const auto model = braid::models::create_model<braid::models::EncoderDecoder>(
      args["--model"],
      braid::parse_json(args["--config"], {.component = "bench", .where = "--config"}));
  braid::models::load_weights(*model, args["--weights"]);
  const braid::runtime::EvalScope scope(*model, args["--dtype"]);
  braid::nn::Int8Weights int8;
  if (args["--int8"] == "1") int8 = braid::models::keep_int8_weights(*model, model->vocab_size());
  const braid::nn::Int8Scope weights(&int8);
  const auto input = braid::runtime::load_tensors(args["--input"]);
  const int64_t tokens = std::stoll(args["--tokens"]);
  auto config = braid::generate::default_generation_config(*model);
  config.max_length = config.min_length = tokens + 1;
  config.num_beams = std::stoll(args["--beams"]);
  const auto write = [&] {
    return braid::generate::to_sequences(
        braid::generate::generate(*model, {input.at("input_ids"), input.at("attention_mask"), {}},
                                  config),
        config, *model);
  };
  if (args["--profile"] != "0") {
    write();
    braid::bench::print_operators(write, tokens, args["--profile"] == "2");
    return 0;
  }
  fmt::print("ready\n");
  std::fflush(stdout);
  for (int64_t count = 0; std::cin >> count;) {
    torch::Tensor texts;
    const auto start = std::chrono::steady_clock::now();
    for (int64_t i = 0; i < count; ++i) texts = write();
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
    const auto places = torch::arange(1, texts.numel() + 1).view_as(texts);
    fmt::print("{} {}\n", seconds.count(), (texts * places).sum().item<int64_t>());
    std::fflush(stdout);
  }
  return 0;
}
