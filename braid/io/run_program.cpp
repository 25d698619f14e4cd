#include "braid/io/run_program.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>

#include "braid/core/error.h"
#include "braid/io/posix_file.h"

namespace braid::io {
namespace {

namespace fs = std::filesystem;

// Two ends of a pipe that close themselves.
struct Pipe {
  std::array<int, 2> ends = {-1, -1};
  Pipe() {
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) fail_io("make a pipe", "", errno);
  }
  ~Pipe() {
    for (const int end : ends)
      if (end >= 0) ::close(end);
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;
  void close_writer() {
    ::close(ends[1]);
    ends[1] = -1;
  }
};

// A child that is waited for, and killed where nobody did.
struct Child {
  pid_t pid = -1;
  ~Child() {
    if (pid <= 0) return;
    ::kill(pid, SIGKILL);
    wait();
  }
  int wait() {
    int status = 0;
    while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    pid = -1;
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
  }
};

std::vector<std::string> environment_with(const std::map<std::string, std::string>& added) {
  std::vector<std::string> all;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string text = *entry;
    if (!added.contains(text.substr(0, text.find('=')))) all.push_back(text);
  }
  for (const auto& [name, value] : added) all.push_back(name + "=" + value);
  return all;
}

std::vector<char*> pointers_to(std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  pointers.reserve(texts.size() + 1);
  for (auto& text : texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

// Whether more may come.
bool read_some(int fd, std::string& into) {
  std::array<char, 1 << 16> part{};
  const ssize_t got = ::read(fd, part.data(), part.size());
  if (got < 0) return errno == EINTR || errno == EAGAIN;
  into.append(part.data(), static_cast<size_t>(got));
  return got > 0;
}

}  // namespace

std::optional<fs::path> find_program(const std::string& name) {
  const char* path = std::getenv("PATH");
  std::string folders = path != nullptr ? path : "/usr/bin:/bin";
  for (size_t begin = 0; begin <= folders.size();) {
    const size_t end = std::min(folders.find(':', begin), folders.size());
    fs::path file = fs::path(folders.substr(begin, end - begin)) / name;
    if (end > begin && ::access(file.c_str(), X_OK) == 0) return file;
    begin = end + 1;
  }
  return std::nullopt;
}

ProgramOutput run_program(const std::vector<std::string>& command,
                          const std::map<std::string, std::string>& environment,
                          uint64_t max_bytes) {
  constexpr size_t kKeptErrors = 65536;
  auto words = command;
  auto variables = environment_with(environment);
  const auto argv = pointers_to(words), envp = pointers_to(variables);
  Pipe out, err;
  Child child;
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, out.ends[1], STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, err.ends[1], STDERR_FILENO);
  const int failed =
      ::posix_spawnp(&child.pid, argv[0], &actions, nullptr, argv.data(), envp.data());
  posix_spawn_file_actions_destroy(&actions);
  if (failed != 0) {
    child.pid = -1;
    fail_io("run the program", command[0], failed);
  }
  out.close_writer();
  err.close_writer();
  ProgramOutput result;
  std::array<pollfd, 2> asked = {{{out.ends[0], POLLIN, 0}, {err.ends[0], POLLIN, 0}}};
  while (asked[0].fd >= 0 || asked[1].fd >= 0) {
    if (::poll(asked.data(), asked.size(), -1) < 0 && errno != EINTR)
      fail_io("read from the program", command[0], errno);
    if (asked[0].revents != 0 && !read_some(asked[0].fd, result.out)) asked[0].fd = -1;
    if (asked[1].revents != 0 && !read_some(asked[1].fd, result.err)) asked[1].fd = -1;
    if (result.out.size() > max_bytes)
      throw DataError("run", fmt::format("expected at most {} bytes of output", max_bytes),
                      command[0]);
    if (result.err.size() > kKeptErrors) result.err.erase(0, result.err.size() - kKeptErrors);
    for (auto& one : asked) one.revents = 0;
  }
  result.code = child.wait();
  return result;
}

}  // namespace braid::io
