// What the user asks of braid-run.
#pragma once
#include <CLI/CLI.hpp>
#include <cstdint>
#include <string>
#include <vector>

#include "braid/runner/session.h"

namespace braid::cli {

struct RunOptions {
  std::string model;                      // a file, or a translator's folder
  std::vector<std::string> items, texts;  // items: images, of a translator texts
  std::string input, output;              // safetensors
  std::string format = "text";
  int64_t top = 5, benchmark = 0, length = 128;
  int threads = 1;
  int64_t max_memory = 0;                 // MiB; 0: half of what there is
  int64_t num_beams = 0, max_length = 0;  // of a translator; 0: as its files say
  bool profile = false;
  bool truncate = true;  // texts that are longer than the model reads; else they are refused
};

void add_flags(CLI::App& program, RunOptions& options);
runner::SessionOptions session_options(const RunOptions& options);

}  // namespace braid::cli
