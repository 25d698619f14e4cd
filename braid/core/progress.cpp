#include "braid/core/progress.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <string_view>

namespace braid {
namespace {

using Clock = std::chrono::steady_clock;

std::string clock_text(double seconds) {
  const auto s = static_cast<int64_t>(std::llround(std::max(0.0, seconds)));
  return s >= 3600 ? fmt::format("{}:{:02}:{:02}", s / 3600, s / 60 % 60, s % 60)
                   : fmt::format("{}:{:02}", s / 60, s % 60);
}

class TerminalProgress final : public Progress {
 public:
  TerminalProgress() : tty_(isatty(STDERR_FILENO) != 0 && knows_escapes()) {}
  ~TerminalProgress() override { erase(); }

  void begin(const std::string& title, int64_t total) override {
    end();
    title_ = title;
    total_ = total;
    start_ = Clock::now();
    shown_ = start_;
    active_ = true;
  }

  void update(int64_t done, const std::string& text) override {
    const auto now = Clock::now();
    const double interval = tty_ ? 0.1 : 10.0;  // seconds between redraws or lines
    if (!active_ || std::chrono::duration<double>(now - shown_).count() < interval) return;
    shown_ = now;
    const double elapsed = std::chrono::duration<double>(now - start_).count();
    std::string out = title_;
    if (total_ > 0) {
      const double fraction =
          std::clamp(static_cast<double>(done) / static_cast<double>(total_), 0.0, 1.0);
      out += fmt::format(" {:3.0f}% ", 100 * fraction);
      if (tty_) out += bar(fraction) + " ";
      out += fmt::format("{}/{} ", done, total_);
      if (done > 0) out += "ETA " + clock_text(elapsed / fraction - elapsed) + "  ";
    } else {
      out += fmt::format(" {} in {}  ", done, clock_text(elapsed));
    }
    out += text;
    if (!tty_) {
      fmt::print(stderr, "{}\n", out);
      return;
    }
    fmt::print(stderr, "\r\x1b[2K{}", out.substr(0, columns()));
    std::fflush(stderr);
    drawn_ = true;
  }

  void end() override {
    erase();
    active_ = false;
  }

  void line(const std::string& text) override {
    erase();
    fmt::print(stderr, "{}\n", text);
  }

 private:
  static bool knows_escapes() {
    const char* term = std::getenv("TERM");
    return term != nullptr && *term != '\0' && std::string_view(term) != "dumb";
  }
  static std::string bar(double fraction) {
    constexpr int kWidth = 24;
    const int full = static_cast<int>(fraction * kWidth);
    return "[" + std::string(full, '=') + std::string(kWidth - full, ' ') + "]";
  }
  static size_t columns() {
    winsize size{};
    return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col - 1 : 79;
  }
  void erase() {
    if (drawn_) fmt::print(stderr, "\r\x1b[2K");
    drawn_ = false;
  }

  bool tty_, active_ = false, drawn_ = false;
  std::string title_;
  int64_t total_ = 0;
  Clock::time_point start_, shown_;
};

}  // namespace

std::unique_ptr<Progress> make_terminal_progress() { return std::make_unique<TerminalProgress>(); }

}  // namespace braid
