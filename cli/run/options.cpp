#include "cli/run/options.h"

namespace braid::cli {

void add_flags(CLI::App& program, RunOptions& o) {
  program
      .add_option("model", o.model,
                  "an ONNX file that `braid export` wrote, or a translator's folder with its files")
      ->required();
  program.add_option("items", o.items,
                     "images to label; of a translator texts: themselves, files of lines, or - for "
                     "lines of standard input");
  program
      .add_option("--text", o.texts,
                  "texts to label, or to translate, as items; a model of pairs takes two with a "
                  "tab between, or as JSON")
      ->expected(1, 1'000'000);
  program.add_flag("--truncate,!--no-truncate", o.truncate,
                   "read the beginning of a text that is longer than the model reads, and say so; "
                   "else it is an error [true]");
  program.add_option("--top", o.top, "classes per image or text")->check(CLI::Range(1, 1'000'000));
  program.add_option("--num-beams", o.num_beams, "of a translator: beams, 1: greedy; 0: its own")
      ->check(CLI::Range(0, 100));
  program
      .add_option("--max-length", o.max_length,
                  "of a translator: tokens of the longest translation with its start token; 0: its "
                  "own")
      ->check(CLI::Range(int64_t{0}, int64_t{1} << 40));
  program.add_option("--threads", o.threads, "threads that compute")->check(CLI::Range(1, 256));
  program
      .add_option("--max-memory", o.max_memory,
                  "MiB of all tensors that are computed; 0: half of the memory there is")
      ->check(CLI::Range(int64_t{0}, int64_t{1} << 40));
  program.add_option("--format", o.format, "text or json")->check(CLI::IsMember({"text", "json"}));
  auto* benchmark =
      program.add_option("--benchmark", o.benchmark, "measure so many runs of one made-up input")
          ->check(CLI::Range(1, 1'000'000));
  program.add_option("--length", o.length, "tokens of a benchmark's text")
      ->check(CLI::Range(1, 1'000'000))
      ->needs(benchmark);
  program.add_flag("--profile", o.profile, "with --benchmark: the time of each kind of operator")
      ->needs(benchmark);
  program.add_option("--input", o.input, "safetensors with the model's inputs");
  program.add_option("--output", o.output, "safetensors to write the outputs of --input to");
}

runner::SessionOptions session_options(const RunOptions& options) {
  return {.threads = options.threads,
          .most_bytes = static_cast<uint64_t>(options.max_memory) << 20};
}

}  // namespace braid::cli
