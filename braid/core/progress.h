// Progress of anything that takes over two seconds: a bar on a terminal, plain lines elsewhere.
#pragma once
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

namespace braid {

// Receives progress; the library reports to it and never prints. The default one is silent.
class Progress {
 public:
  virtual ~Progress() = default;
  // Starts a bar of `total` steps (0: unknown); ends the one before.
  virtual void begin(const std::string& title, int64_t total) { (void)title, (void)total; }
  // done: steps so far; text: figures to show beside the bar, such as "loss 0.31  412 images/s".
  virtual void update(int64_t done, const std::string& text) { (void)done, (void)text; }
  virtual void end() {}
  // A line that stays, such as an epoch's summary.
  virtual void line(const std::string& text) { (void)text; }
};

// Writes to standard error: a bar with ETA when that is a terminal that knows
// escape sequences, else a line every ten seconds.
std::unique_ptr<Progress> make_terminal_progress();

}  // namespace braid
