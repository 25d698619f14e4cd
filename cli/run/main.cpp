// braid-run: exported models on small devices. No LibTorch in it.
#include <fmt/format.h>

#include <csignal>
#include <cstdio>
#include <exception>
#include <string>
#include <system_error>

#include "braid/core/error.h"
#include "braid/core/version.h"
#include "cli/descriptors.h"
#include "cli/run/run.h"
#include "cli/usage.h"

namespace {

constexpr const char* kRunFooter = R"(Examples:
  braid export --checkpoint runs/photos --output photos.onnx
  braid-run photos.onnx cat.jpg dog.png --top 3
  braid-run reviews.onnx --text "a film that stays with you" --format json
  braid-run mrpc.onnx --text '{"text": "it rains", "text_pair": "rain falls"}'
  braid-run photos.onnx --benchmark 50 --threads 2
  braid export --checkpoint runs/mt --output mt/
  braid-run mt/ "Ein Hund rennt."
  braid-run mt/ --text lines.de --num-beams 4 --threads 2
  cat lines.de | braid-run mt/ -

A translator prints one line for each line, in their order. A text that is a file's name stands for its lines.

Exit codes: 0 done, 64 usage, 65 bad data, 70 a bug of ours, 74 input or output.)";

int run(int argc, char** argv) {
  CLI::App program("braid-run: run models that braid exported, without LibTorch.", "braid-run");
  program.set_version_flag("--version", std::string("braid-run ") + braid::version());
  program.footer(kRunFooter);
  braid::cli::RunOptions options;
  braid::cli::add_flags(program, options);
  try {
    braid::cli::parse_command_line(program, argc, argv);
  } catch (const CLI::CallForHelp&) {
    fmt::print("{}", program.help());
    return 0;
  } catch (const CLI::CallForVersion&) {
    fmt::print("braid-run {}\n", braid::version());
    return 0;
  }
  braid::cli::run(options);
  return 0;
}

int fail(braid::ExitCode code, const char* message) {
  fmt::print(stderr, "braid-run: {}\n", message);
  return static_cast<int>(code);
}

}  // namespace

int main(int argc, char** argv) {
  braid::cli::open_standard_descriptors();
  std::signal(SIGPIPE, SIG_IGN);  // a closed pipe is an I/O error, not a crash
  try {
    const int code = run(argc, argv);
    if (std::fflush(stdout) != 0)
      return fail(braid::ExitCode::kIo, "[cli] cannot write to standard output");
    return code;
  } catch (const braid::Error& e) {
    return fail(e.code(), e.what());
  } catch (const std::system_error& e) {  // such as standard output that takes no more
    return fail(braid::ExitCode::kIo, ("[system] " + std::string(e.what())).c_str());
  } catch (const std::exception& e) {
    return fail(braid::ExitCode::kInternal, e.what());
  }
}
