// The one verb of braid-run.
#pragma once
#include <CLI/CLI.hpp>
#include <cstdint>
#include <string>
#include <vector>

namespace braid::cli {

struct RunOptions {
  std::string model;
  std::vector<std::string> images, texts;
  std::string input, output;  // safetensors
  std::string format = "text";
  int64_t top = 5, benchmark = 0, length = 128;
  int threads = 1;
  int64_t max_memory = 0;  // MiB; 0: half of what there is
  bool profile = false;
  bool truncate = true;  // texts that are longer than the model reads; else they are refused
};

void add_flags(CLI::App& program, RunOptions& options);
// Throws the library's errors.
void run(const RunOptions& options);

}  // namespace braid::cli
