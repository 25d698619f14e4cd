// What a training step of a model spends its time on: its operators by their own time, without that
// of the operators that they call.
//
//     bench_profile --model airbench_nano [--dtype bfloat16] [--batch-size 256] [--img-size 28]
//                   [--in-chans 1] [--length 128] [--steps 20] [--opt nmuon] [--threads N]
//                   [--shapes 1]
#include <ATen/Parallel.h>
#include <ATen/record_function.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "bench/operators.h"
#include "bench/train_case.h"
#include "braid/train/make_optimizer.h"

namespace {

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
// Of the thread that trains: LibTorch computes a CPU's gradients on the thread that asks for them.
struct Profile {
  bool shapes = false;
  std::map<std::string, Spent> operators;
  std::vector<Open> open;
};
thread_local Profile profile;

// The operator, and the shapes of its tensors where those are asked for.
std::string name_of(const at::RecordFunction& function) {
  std::string name = function.name();
  if (!profile.shapes) return name;
  for (const auto& input : function.inputs())
    if (input.isTensor() && input.toTensor().defined())
      name += fmt::format(" {}{}", input.toTensor().scalar_type() == at::kBFloat16 ? "b" : "",
                          fmt::join(input.toTensor().sizes(), "x"));
  return name;
}
std::unique_ptr<at::ObserverContext> begin(const at::RecordFunction& function) {
  profile.open.push_back({name_of(function), Clock::now()});
  return nullptr;
}
void end(const at::RecordFunction&, at::ObserverContext*) {
  const Open done = std::move(profile.open.back());
  profile.open.pop_back();
  const double seconds = std::chrono::duration<double>(Clock::now() - done.start).count();
  Spent& spent = profile.operators[done.name];
  ++spent.calls;
  spent.seconds += seconds - done.of_others;
  spent.total += seconds;
  if (!profile.open.empty()) profile.open.back().of_others += seconds;
}

}  // namespace

int main(int argc, char** argv) {
  braid::bench::Args args = {{"--dtype", "auto"}, {"--batch-size", "256"}, {"--img-size", "28"},
                             {"--in-chans", "1"}, {"--classes", "10"},     {"--length", "128"},
                             {"--steps", "20"},   {"--opt", "nmuon"},      {"--threads", "0"},
                             {"--shapes", "0"}};
  if (!braid::bench::read_flags(args, argc, argv)) return 64;
  if (const auto threads = braid::bench::number_of(args, "--threads"); threads > 0)
    at::set_num_threads(static_cast<int>(threads));
  const auto work = braid::bench::make_case(args, torch::kCPU);
  braid::train::OptimizerConfig config;
  config.opt = args["--opt"];
  const auto optimizer = braid::train::make_optimizer(
      braid::train::make_param_groups(*work.model, config), config,
      braid::runtime::resolve_dtype(args["--dtype"], torch::kCPU) == "bfloat16");
  const auto step = [&] {
    RECORD_FUNCTION("a step, but for operators", std::vector<c10::IValue>());
    optimizer->zero_grad();
    work.loss(work.batch).backward();
    {
      RECORD_FUNCTION("the optimizer, but for operators", std::vector<c10::IValue>());
      optimizer->step(1e-4);
    }
  };
  for (int i = 0; i < 5; ++i) step();
  const int64_t steps = braid::bench::number_of(args, "--steps");
  const double plain = braid::bench::seconds_of([&] {
    for (int64_t i = 0; i < steps; ++i) step();
  });
  profile.shapes = args["--shapes"] == "1";
  at::addThreadLocalCallback(at::RecordFunctionCallback(begin, end).needsInputs(profile.shapes));
  const double watched = braid::bench::seconds_of([&] {
    for (int64_t i = 0; i < steps; ++i) step();
  });
  std::vector<std::pair<std::string, Spent>> rows(profile.operators.begin(),
                                                  profile.operators.end());
  std::sort(rows.begin(), rows.end(),
            [](const auto& a, const auto& b) { return a.second.seconds > b.second.seconds; });
  const auto a_step = 1e3 / static_cast<double>(steps);
  fmt::print("{}: {:.0f} {}/s, {:.2f} ms a step ({:.2f} watched)\n", args["--model"],
             static_cast<double>(work.items * steps) / plain, work.unit, plain * a_step,
             watched * a_step);
  fmt::print("{:<60} {:>6} {:>8} {:>6} {:>9}\n", "operator", "calls", "ms", "%", "with all");
  for (const auto& [name, spent] : rows)
    if (spent.seconds > 0.005 * watched)
      fmt::print("{:<60} {:>6} {:>8.3f} {:>6.1f} {:>9.3f}\n", name, spent.calls / steps,
                 spent.seconds * a_step, 100 * spent.seconds / watched, spent.total * a_step);
  return 0;
}
