// The program that users start. It answers what the verbs' and flags' description alone can answer,
// and becomes the program with LibTorch for everything else.
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <system_error>

#include "braid/core/error.h"
#include "braid/core/version.h"
#include "cli/descriptors.h"
#include "cli/front/described_program.h"
#include "cli/model_list.h"
#include "cli/usage.h"

namespace {

namespace fs = std::filesystem;
namespace cli = braid::cli;

// Beside this program, as it is built, or where it is installed.
fs::path worker_path() {
  const fs::path folder = fs::read_symlink("/proc/self/exe").parent_path();
  for (const auto& file : {folder / "braid-torch", folder / BRAID_LIBEXEC_FROM_BIN / "braid-torch"})
    if (fs::exists(file)) return file;
  throw braid::IoError("cli", "the part of the program that does the work is missing",
                       (folder / "braid-torch").string(), "build or install braid anew");
}

// LibTorch's threads wait for each other by spinning. One busy neighbour on the machine makes them
// wait for each other most of the time, so that they had better sleep after a short spin; where
// they are alone, sleeping and waking costs more than a long one (docs/benchmarks.md has the
// figures). A training whose budget is time sheds threads where there is a neighbour
// (runtime/team.h) and may spin as long as libgomp does by itself. It reads this once, when it is
// loaded. Whoever has set it keeps his choice.
void limit_spinning(const CLI::App& verb) {
  constexpr const char* kSpins = "3000";
  const auto is_given = [&](const char* flag) {
    const auto* option = verb.get_option_no_throw(flag);
    return option != nullptr && option->count() > 0;
  };
  const auto* budget = verb.get_option_no_throw("--budget");
  const std::string kind =
      budget != nullptr && budget->count() > 0 ? budget->as<std::string>() : "";
  const bool timed =
      kind.starts_with("time=") || kind.starts_with("total=") || is_given("--max-train-seconds");
  if (timed && !is_given("--threads")) return;
  for (const char* name : {"GOMP_SPINCOUNT", "OMP_WAIT_POLICY"})
    if (std::getenv(name) != nullptr) return;
  // NOLINTNEXTLINE(concurrency-mt-unsafe): there is one thread yet
  ::setenv("GOMP_SPINCOUNT", kSpins, /*overwrite=*/1);
}

[[noreturn]] void become_worker(const CLI::App& verb, char** argv) {
  limit_spinning(verb);
  const fs::path worker = worker_path();
  ::execv(worker.c_str(), argv);
  throw braid::IoError("cli",
                       fmt::format("cannot start it: {}", std::generic_category().message(errno)),
                       worker.string());
}

int run(int argc, char** argv) {
  cli::DescribedProgram program;
  const auto finish = [](const std::string& text) {
    if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size() || std::fflush(stdout) != 0)
      throw braid::IoError("cli", "cannot write to standard output");
    return 0;
  };
  try {
    cli::parse_command_line(program.app(), argc, argv);
  } catch (const CLI::CallForHelp&) {
    return finish(program.help());
  } catch (const CLI::CallForVersion&) {
    return finish(fmt::format("braid {}\n", braid::version()));
  }
  const auto& verb = cli::chosen_verb(program.app());
  if (verb.get_name() == "models" && verb["--describe"]->count() == 0)
    return finish(
        cli::model_list(program.models(), program.value("pattern"),
                        verb["--format"]->count() > 0 ? program.value("--format") : "text"));
  if (verb.get_name() == "completion") return finish(program.completion(program.value("shell")));
  become_worker(verb, argv);
}

}  // namespace

int main(int argc, char** argv) {
  cli::open_standard_descriptors();
  std::signal(SIGPIPE, SIG_IGN);  // a closed pipe is an I/O error, not a crash
  try {
    return run(argc, argv);
  } catch (const braid::Error& e) {
    fmt::print(stderr, "braid: {}\n", e.what());
    return static_cast<int>(e.code());
  } catch (const std::exception& e) {
    fmt::print(stderr, "braid: {}\n", e.what());
    return static_cast<int>(braid::ExitCode::kInternal);
  }
}
