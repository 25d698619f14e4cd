// Ctrl-C and SIGTERM as a stop token.
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <stop_token>
#include <thread>

#include "braid/core/error.h"
#include "cli/command.h"

namespace braid::cli {
namespace {

// A handler may do no more than write to a descriptor: a thread at the pipe's other end stops the
// token.
int g_interrupt_pipe[2] = {-1, -1};

void on_interrupt(int) {
  const int error = errno;
  const char byte = 0;
  [[maybe_unused]] const auto written = ::write(g_interrupt_pipe[1], &byte, 1);
  errno = error;
}

}  // namespace

std::stop_token stop_on_interrupt() {
  if (::pipe2(g_interrupt_pipe, O_CLOEXEC) != 0)
    throw TryAgainError("cli", "cannot make a pipe: too many open files");
  std::stop_source source;
  std::thread([source]() mutable {
    char byte = 0;
    while (::read(g_interrupt_pipe[0], &byte, 1) < 0 && errno == EINTR) {
    }
    source.request_stop();
  }).detach();
  struct sigaction action {};
  action.sa_handler = on_interrupt;
  action.sa_flags = SA_RESETHAND;  // a second Ctrl-C ends at once
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
  return source.get_token();
}

}  // namespace braid::cli
