// Operators by the time that they take themselves, without that of the operators that they call.
#pragma once
#include <ATen/record_function.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "braid/torch.h"

namespace braid::bench {

using Clock = std::chrono::steady_clock;

struct Spent {
  int64_t calls = 0;
  double seconds = 0;  // its own
  double total = 0;    // with the operators that it calls
};
// An operator under way.
struct Open {
  std::string name;
  Clock::time_point start;
  double of_others = 0;  // seconds of the operators that it called
};
// Of the thread that works: LibTorch computes a CPU's gradients on the thread that asks for them.
struct Profile {
  bool shapes = false;
  std::map<std::string, Spent> operators;
  std::vector<Open> open;
};
inline thread_local Profile profile;

// The operator, and the shapes of its tensors where those are asked for.
inline std::string name_of(const at::RecordFunction& function) {
  std::string name = function.name();
  if (!profile.shapes) return name;
  for (const auto& input : function.inputs())
    if (input.isTensor() && input.toTensor().defined())
      name += fmt::format(" {}{}", input.toTensor().scalar_type() == at::kBFloat16 ? "b" : "",
                          fmt::join(input.toTensor().sizes(), "x"));
  return name;
}
inline std::unique_ptr<at::ObserverContext> begin(const at::RecordFunction& function) {
  profile.open.push_back({name_of(function), Clock::now()});
  return nullptr;
}
inline void end(const at::RecordFunction&, at::ObserverContext*) {
  const Open done = std::move(profile.open.back());
  profile.open.pop_back();
  const double seconds = std::chrono::duration<double>(Clock::now() - done.start).count();
  Spent& spent = profile.operators[done.name];
  ++spent.calls;
  spent.seconds += seconds - done.of_others;
  spent.total += seconds;
  if (!profile.open.empty()) profile.open.back().of_others += seconds;
}

// Runs the work watched, and prints milliseconds for each of its `steps` as a table.
inline void print_operators(const std::function<void()>& work, int64_t steps, bool shapes) {
  profile = {};
  profile.shapes = shapes;
  const auto handle =
      at::addThreadLocalCallback(at::RecordFunctionCallback(begin, end).needsInputs(shapes));
  const auto start = Clock::now();
  work();
  const double watched = std::chrono::duration<double>(Clock::now() - start).count();
  at::removeCallback(handle);
  std::vector<std::pair<std::string, Spent>> rows(profile.operators.begin(),
                                                  profile.operators.end());
  std::sort(rows.begin(), rows.end(),
            [](const auto& a, const auto& b) { return a.second.seconds > b.second.seconds; });
  const auto a_step = 1e3 / static_cast<double>(steps);
  fmt::print("{:.2f} ms a step, watched\n", watched * a_step);
  fmt::print("{:<60} {:>6} {:>8} {:>6} {:>9}\n", "operator", "calls", "ms", "%", "with all");
  for (const auto& [name, spent] : rows)
    if (spent.seconds > 0.005 * watched)
      fmt::print("{:<60} {:>6} {:>8.3f} {:>6.1f} {:>9.3f}\n", name, spent.calls / steps,
                 spent.seconds * a_step, 100 * spent.seconds / watched, spent.total * a_step);
}

}  // namespace braid::bench
