// The budget that every model of a comparison gets alike.
#pragma once
#include <cstdint>
#include <string>

namespace braid::evaluate {

enum class BudgetKind { kTime, kEpochs, kFlops, kTotal };
const char* to_string(BudgetKind kind);  // "time", "epochs", "flops", "total"

struct Budget {
  BudgetKind kind = BudgetKind::kTime;
  // Seconds, epochs or floating-point operations; per model and seed, but of kTotal for all of them
  // together: what becomes of it is in rounds.h.
  double value = 0;
  std::string text;     // as the user wrote it
  bool shared = false;  // a training's part of a total, which is another one among more of them
};

// "time=90s|2m|1.5h", "total=15m", "epochs=10", "flops=3e15|500T|2P". A bare time is in seconds;
// flops take the suffixes k M G T P E. Throws UsageError naming the part that is wrong.
Budget parse_budget(const std::string& text);

// Floating-point operations that training on one item costs: a multiply-accumulate is two, and the
// backward pass costs twice the forward pass. teacher_macs: of the model that is distilled from
// (its forward pass alone), 0: none.
double training_flops(int64_t macs, int64_t teacher_macs = 0);

// What a budget allows when training on a share of the data.
struct Limits {
  int64_t epochs = 0;  // 0: not limited by epochs
  double seconds = 0;  // 0: not limited by time
  int64_t steps = 0;   // 0: not limited by steps
};
// Every kind of budget means the same number of passes over whatever data there is: on the share
// `fraction` of the training data a time or FLOP budget shrinks by that share, and a number of
// epochs stays. batch_size: items per optimizer step.
Limits limits_of(const Budget& budget, double fraction, int64_t batch_size, double flops_per_item);

}  // namespace braid::evaluate
