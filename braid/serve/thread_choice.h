// How many threads a batch is computed with.
//
// A team of threads is woken and waited for at every operator of a model. That pays where the
// operators are long, and costs more than it saves where they are short: which is which hangs on
// the model, the batch and the machine, so that it is measured, on the batches themselves
// (docs/serve.md has figures).
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <vector>

namespace braid::serve {

// The rule alone, for batches of one model. Those of similar size are tried with 1, 2, 4, ... and
// `most` threads some times each; more threads are kept where they are a tenth faster. Now and
// then half and twice their number are tried again, since what else the machine does changes.
class ThreadChoice {
 public:
  explicit ThreadChoice(int64_t most);
  // For a batch of so many numbers, in [1, most].
  int64_t threads_for(int64_t numbers);
  void observe(int64_t numbers, int64_t threads, double seconds);

 private:
  struct Trials {
    int64_t count = 0;
    std::array<double, 5> recent{};  // seconds for each number
    double median() const;
  };
  struct Sizes {  // of batches up to twice as large as the smallest of them
    int64_t calls = 0;
    std::vector<Trials> trials;  // of each of team_sizes_
  };
  Sizes& of(int64_t numbers);
  size_t fastest(const Sizes& sizes) const;

  std::vector<int64_t> team_sizes_;
  std::map<int, Sizes> by_magnitude_;
};

}  // namespace braid::serve
