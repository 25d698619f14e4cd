// The program: parses flags, calls one verb, turns errors into exit codes.
#include <fmt/format.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <new>
#include <string>
#include <vector>

#include "braid/core/error.h"
#include "braid/core/near_match.h"
#include "braid/core/version.h"
#include "cli/command.h"

namespace {

constexpr const char* kHelpFooter = R"(Examples:
  braid compare --data fashion-mnist --models resnet20,vit_lite_2_4_32,cct_2_3x2_32 --budget time=60s --output runs/compare
  braid train --model cct_2_3x2_32 --data photos/ --epochs 10 --output runs/photos
  braid eval --checkpoint runs/photos --data photos/ --split test
  braid predict --checkpoint runs/photos cat.jpg dog.png

Exit codes: 0 done, 64 usage, 65 bad data, 70 a bug of ours, 74 input or output, 75 try again, 78 bad config.
`braid VERB --help` explains a verb.)";

// What CLI11 leaves unsaid: which verb or flag the mistyped one was meant to be.
std::string usage_hint(CLI::App& program, int argc, char** argv) {
  std::vector<std::string> known;
  for (const auto* verb : program.get_subcommands({})) known.push_back(verb->get_name());
  if (argc > 1 && argv[1][0] != '-' &&
      std::find(known.begin(), known.end(), argv[1]) == known.end())
    return fmt::format("unknown verb '{}'; {}", argv[1],
                       braid::did_you_mean(argv[1], known, "`braid --help` lists them"));
  const auto chosen = program.get_subcommands();
  if (chosen.empty()) return "";
  std::vector<std::string> flags;
  for (const auto* option : chosen[0]->get_options())
    for (const auto& name : option->get_lnames()) flags.push_back("--" + name);
  for (int i = 2; i < argc; ++i) {
    const std::string flag = std::string(argv[i]).substr(0, std::string(argv[i]).find('='));
    if (flag.starts_with("--") && std::find(flags.begin(), flags.end(), flag) == flags.end())
      return fmt::format("unknown flag '{}'; {}", flag,
                         braid::did_you_mean(flag, flags, "see --help"));
  }
  return "";
}

int fail(braid::ExitCode code, const char* message) {
  fmt::print(stderr, "braid: {}\n", message);
  return static_cast<int>(code);
}

int run(int argc, char** argv) {
  CLI::App program("braid: train, compare and ship CNNs, Transformers and their hybrids.", "braid");
  program.set_version_flag("--version", std::string("braid ") + braid::version());
  program.footer(kHelpFooter);
  program.require_subcommand(1);
  braid::cli::add_compare(program);
  braid::cli::add_train(program);
  braid::cli::add_eval(program);
  braid::cli::add_predict(program);
  braid::cli::add_models(program);
  braid::cli::add_forward(program);
  braid::cli::add_data(program);
  braid::cli::add_completion(program);
  try {
    program.parse(argc, argv);
    if (std::fflush(stdout) != 0)
      return fail(braid::ExitCode::kIo, "[cli] cannot write to standard output");
    return 0;
  } catch (const CLI::ParseError& e) {
    if (e.get_exit_code() == 0) return program.exit(e);  // --help, --version
    const std::string hint = usage_hint(program, argc, argv);
    return fail(braid::ExitCode::kUsage, ("[cli] " + (hint.empty() ? e.what() : hint)).c_str());
  } catch (const braid::Error& e) {
    return fail(e.code(), e.what());
  } catch (const std::filesystem::filesystem_error& e) {
    return fail(braid::ExitCode::kIo, ("[files] " + std::string(e.what())).c_str());
  } catch (const std::bad_alloc&) {
    return fail(braid::ExitCode::kTryAgain,
                "[memory] out of memory; try a smaller --batch-size or --img-size");
  } catch (const std::exception& e) {
    const std::string what = e.what();  // LibTorch's errors carry a backtrace
    return fail(braid::ExitCode::kInternal,
                what.substr(0, what.find("\nException raised")).c_str());
  }
}

}  // namespace

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);  // a closed pipe is an I/O error, not a crash
  const int code = run(argc, argv);
  std::fflush(nullptr);
  // Without the destructors of static objects: all of ours is written and joined by now, and on
  // some processors oneDNN inside LibTorch crashes while it frees its cache of primitives.
  std::_Exit(code);
}
