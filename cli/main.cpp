// The program that does the work (users start front/main.cpp): parses flags, calls one verb, turns
// errors into exit codes.
#include <fmt/format.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <memory>
#include <new>
#include <string>
#include <string_view>
#include <system_error>

#include "braid/core/error.h"
#include "braid/core/version.h"
#include "braid/io/atomic_file.h"
#include "braid/runtime/process.h"
#include "cli/command.h"
#include "cli/description.h"
#include "cli/descriptors.h"
#include "cli/usage.h"

namespace {

constexpr const char* kHelpFooter = R"(Examples:
  braid compare --data fashion-mnist --budget time=60s --output runs/compare
  braid train --model cct_2_3x2_32 --data photos/ --epochs 10 --output runs/photos
  braid eval --checkpoint runs/photos --data photos/ --split test
  braid predict --checkpoint runs/photos cat.jpg dog.png
  braid translate --checkpoint runs/en-de test.en
  braid serve --model photos=runs/photos

Exit codes: 0 done, 64 usage, 65 bad data, 70 a bug of ours, 74 input or output, 75 try again, 78 bad config.
`braid VERB --help` explains a verb.)";

int fail(braid::ExitCode code, const std::string& message) {
  fmt::print(stderr, "braid: {}\n", message);
  return static_cast<int>(code);
}

// What a verb can do about too little memory, by the flags that it has.
std::string memory_remedy(const CLI::App& verb) {
  std::string flags;
  for (const char* flag : {"--batch-size", "--img-size", "--workers"})
    if (verb.get_option_no_throw(flag) != nullptr)
      flags += (flags.empty() ? "" : " or ") + std::string(flag);
  return flags.empty() ? "" : "; try a smaller " + flags;
}

void write_description(const CLI::App& program, const char* file) {
  braid::io::write_file_atomic(file, braid::dump_json(braid::cli::describe_program(program)));
}

// CLI11 shows a switch's opposite as "--no-resume{false}", which nobody can type.
class HelpFormatter final : public CLI::Formatter {
  std::string make_option_name(const CLI::Option* option, bool is_positional) const override {
    return CLI::detail::find_and_replace(CLI::Formatter::make_option_name(option, is_positional),
                                         "{false}", "");
  }
};

int run(int argc, char** argv) {
  braid::runtime::set_threads(0);
  CLI::App program("braid: train, compare and ship CNNs, Transformers and their hybrids.", "braid");
  program.formatter(std::make_shared<HelpFormatter>());  // verbs inherit it
  program.set_version_flag("--version", std::string("braid ") + braid::version());
  program.footer(kHelpFooter);
  program.require_subcommand(1);
  braid::cli::add_compare(program);
  braid::cli::add_train(program);
  braid::cli::add_eval(program);
  braid::cli::add_predict(program);
  braid::cli::add_translate(program);
  braid::cli::add_explain(program);
  braid::cli::add_models(program);
  braid::cli::add_graph(program);
  braid::cli::add_export(program);
  braid::cli::add_serve(program);
  braid::cli::add_quantize(program);
  braid::cli::add_forward(program);
  braid::cli::add_data(program);
  braid::cli::add_completion(program);
  try {
    if (argc == 3 && std::string_view(argv[1]) == "--describe-program")  // while braid is built
      write_description(program, argv[2]);
    else
      braid::cli::parse_command_line(program, argc, argv);
    if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0)
      return fail(braid::ExitCode::kIo, "[cli] cannot write to standard output");
    return 0;
  } catch (const CLI::Success& e) {
    return program.exit(e);  // --help, --version
  } catch (const braid::Error& e) {
    return fail(e.code(), e.what());
  } catch (const std::filesystem::filesystem_error& e) {
    return fail(braid::ExitCode::kIo, "[files] " + std::string(e.what()));
  } catch (const std::system_error& e) {  // such as standard output that takes no more
    const bool again = e.code() == std::errc::resource_unavailable_try_again;  // of threads
    return fail(again ? braid::ExitCode::kTryAgain : braid::ExitCode::kIo,
                "[system] " + std::string(e.what()));
  } catch (const std::bad_alloc&) {
    return fail(braid::ExitCode::kTryAgain,
                "[memory] out of memory" + memory_remedy(braid::cli::chosen_verb(program)));
  } catch (const std::exception& e) {
    const std::string what = e.what();  // LibTorch's errors carry a backtrace
    if (what.find("can't allocate memory") != std::string::npos)
      return fail(braid::ExitCode::kTryAgain,
                  "[memory] out of memory" + memory_remedy(braid::cli::chosen_verb(program)));
    return fail(braid::ExitCode::kInternal, what.substr(0, what.find("\nException raised")));
  }
}

}  // namespace

int main(int argc, char** argv) {
  braid::cli::open_standard_descriptors();
  std::signal(SIGPIPE, SIG_IGN);  // a closed pipe is an I/O error, not a crash
  const int code = run(argc, argv);
  std::fflush(nullptr);
  // Without the destructors of static objects: all of ours is written and joined by now, and on
  // some processors oneDNN inside LibTorch crashes while it frees its cache of primitives.
  std::_Exit(code);
}
