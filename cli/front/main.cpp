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
#include "braid/core/toml.h"
#include "braid/core/version.h"
#include "braid/evaluate/compare_config.h"
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

// The settings file that was given; empty where there is none. One that cannot be read is refused
// by the part of the program that uses it.
braid::Json settings_file(const CLI::App& verb) {
  const auto* file = verb.get_option_no_throw("--config");
  if (file == nullptr || file->count() == 0) return braid::Json::object();
  try {
    return braid::read_toml(file->results().back());
  } catch (const std::exception&) {
    return braid::Json::object();
  }
}

// Whether the verb trains for a time, with as many threads as it sees fit.
bool is_timed(const CLI::App& verb) {
  const auto file = settings_file(verb);
  // A flag's value, else the file's.
  const auto setting = [&](const std::string& flag, const char* key) -> std::string {
    const auto* option = verb.get_option_no_throw(flag);
    if (option != nullptr && option->count() > 0) return option->results().back();
    if (!file.contains(key)) return "";
    return file[key].is_string() ? file[key].get<std::string>() : file[key].dump();
  };
  const std::string threads = setting("--threads", "threads");
  if (!threads.empty() && threads != "0") return false;
  std::string budget = setting("--budget", "budget");
  if (budget.empty() && verb.get_name() == "compare")
    budget = braid::evaluate::CompareConfig().budget;
  // A recorded run's settings have the ones that are off, too.
  const double seconds =
      std::strtod(setting("--max-train-seconds", "max_train_seconds").c_str(), nullptr);
  return budget.starts_with("time=") || budget.starts_with("total=") || seconds > 0;
}

// LibTorch's threads wait for each other by spinning. One busy neighbour on the machine makes them
// wait for each other most of the time, so that they had better sleep after a short spin; where
// they are alone, sleeping and waking costs more than a long one (docs/benchmarks.md has the
// figures). A training whose budget is time sheds threads where there is a neighbour
// (runtime/team.h) and may spin as long as libgomp does by itself. It reads this once, when it is
// loaded. Whoever has set it keeps his choice.
void limit_spinning(const CLI::App& verb) {
  constexpr const char* kSpins = "3000";
  if (is_timed(verb)) return;
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
