#include "braid/compress/quantize.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "braid/compress/adaround.h"
#include "braid/compress/bias_correction.h"
#include "braid/compress/decompose_attention.h"
#include "braid/compress/fine_tune.h"
#include "braid/compress/scaling.h"
#include "braid/compress/sensitivity.h"
#include "braid/core/error.h"
#include "braid/graph/replay.h"

namespace braid::compress {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int64_t kMemory = int64_t{512} << 20;  // bytes of activations that a step may keep
constexpr int64_t kMostScalingItems = 32, kMostCorrectionItems = 256, kSensitivityItems = 64;

// Numbers that all values of one item are; of texts, of the longest one.
int64_t numbers_per_item(const Graph& graph, const std::vector<Inputs>& batches) {
  graph::Sizes longest(1);
  for (const auto& batch : batches) {
    const auto sizes = graph::sizes_of(graph, batch);
    longest.length = std::max(longest.length, sizes.length);
    longest.memory = std::max(longest.memory, sizes.memory);
  }
  int64_t count = 0;
  for (const auto& node : graph.nodes)
    for (const ValueId id : node.outputs) {
      int64_t product = 1;
      for (const int64_t size : graph::shape_at(graph.at(id).shape, longest)) product *= size;
      count += product;
    }
  return std::max<int64_t>(count, 1);
}

// Everything that decides the quantized graph.
struct Plan {
  Graph graph;  // in float, the same function as the reference but for the biases
  Placement placement{};
  Ranges ranges{};
  WeightGrids weights{};
  WeightScheme scheme{};
};

Graph quantized(const Plan& plan) {
  return insert_qdq(plan.graph, plan.placement, plan.ranges, plan.weights);
}

class Ladder {
 public:
  Ladder(const Graph& reference, const std::vector<Inputs>& calibration, const Judge& judge,
         const QuantizeOptions& options, Progress& progress)
      : reference_(reference),
        calibration_(calibration),
        judge_(judge),
        options_(options),
        progress_(progress) {
    plan_.graph = reference;
    decompose_attention(plan_.graph);
    plan_.scheme.bits = options.bits();
    fitting_ = std::max<int64_t>(kMemory / (numbers_per_item(plan_.graph, calibration) * 4), 4);
    scaling_items_ = first_items(calibration, std::min(kMostScalingItems, fitting_));
    correction_items_ = first_items(calibration, std::min(kMostCorrectionItems, 4 * fitting_));
  }

  Quantized climb() {
    show();
    add_row("float32", "", judge_.reference(), true);
    naive();
    if (options_.mode == "naive") return finish();
    per_channel();
    mse();
    scale("equalization", equalize);
    scale("smoothing", smooth);
    round();
    correct();
    fine_tune();
    fall_back();
    return finish();
  }

 private:
  // The bar of the ladder; steps with a bar of their own end it. How many steps there will be is
  // not known.
  void show() { progress_.begin("quantize", 0); }

  // Shows and keeps a step's row; true where the plan is better than the one before.
  bool try_plan(Plan plan, const std::string& step, const std::string& note, bool anyway = false) {
    auto graph = quantized(plan);
    const auto quality = judge_.of(graph);
    const bool kept = anyway || quality.kl < quality_.kl;
    add_row(step, note, quality, kept);
    if (!kept) return false;
    plan_ = std::move(plan);
    quality_ = quality;
    result_ = std::move(graph);
    return true;
  }

  void add_row(const std::string& step, const std::string& note, const Quality& quality,
               bool kept) {
    const auto now = Clock::now();
    rows_.push_back({.step = step,
                     .note = note,
                     .kept = kept,
                     .kl = quality.kl,
                     .error = quality.error,
                     .agreement = quality.agreement,
                     .top1 = quality.top1,
                     .seconds = std::chrono::duration<double>(now - start_).count()});
    start_ = now;
    progress_.update(static_cast<int64_t>(rows_.size()), step);
  }

  void naive() {
    Plan plan{.graph = plan_.graph, .placement = place_everywhere(plan_.graph)};
    plan.scheme = {.bits = options_.bits(), .per_channel = false, .by_mse = false};
    if (plan.placement.units.empty())
      throw DataError("quantize", "expected convolutions or linear layers, got none", "",
                      "nothing of this model can be computed in 8 bits");
    plan.ranges = min_max_ranges(observe(plan.graph, calibration_, ranged_values(plan.placement)));
    plan.weights = grids_of_weights(plan.graph, plan.placement, plan.scheme);
    const auto scheme = plan_.scheme;
    try_plan(std::move(plan), "naive", "min-max, per tensor, everywhere", true);
    plan_.scheme = scheme;
  }

  void per_channel() {
    plan_.placement = place(plan_.graph);
    plan_.scheme.by_mse = false;
    Plan plan = plan_;
    observations_ = observe(plan.graph, calibration_, ranged_values(plan.placement));
    plan.ranges = min_max_ranges(observations_);
    plan.weights = grids_of_weights(plan.graph, plan.placement, plan.scheme);
    units_ = static_cast<int64_t>(plan.placement.units.size());
    try_plan(std::move(plan), "per channel",
             fmt::format("placed for engines, {} operators", units_), true);
  }

  void mse() {
    Plan plan = plan_;
    plan.ranges = mse_ranges(observations_);
    by_mse_ = try_plan(std::move(plan), "ranges by squared error", "activations");
    plan = plan_;
    plan.scheme.by_mse = true;
    plan.weights = grids_of_weights(plan.graph, plan.placement, plan.scheme);
    try_plan(std::move(plan), "scales by squared error", "weights");
  }

  void scale(const std::string& step,
             Scaled (*apply)(Graph&, const std::vector<Inputs>&, const WeightScheme&)) {
    Plan plan = plan_;
    const auto scaled = apply(plan.graph, scaling_items_, plan.scheme);
    if (scaled.sites == 0) return;
    const auto note = fmt::format("{} of {} sites", scaled.scaled, scaled.sites);
    if (scaled.scaled == 0) return add_row(step, note, quality_, true);
    const auto observed = observe(plan.graph, calibration_, ranged_values(plan.placement));
    plan.ranges = by_mse_ ? mse_ranges(observed) : min_max_ranges(observed);
    plan.weights = grids_of_weights(plan.graph, plan.placement, plan.scheme);
    try_plan(std::move(plan), step, note);
  }

  void round() {
    constexpr int64_t kFine = 7;
    if (plan_.scheme.bits >= kFine) return;
    unrounded_ = plan_.graph;
    Plan plan = plan_;
    const auto layers = round_adaptively(plan.graph, plan.placement, plan.weights,
                                         correction_items_, {}, progress_);
    show();
    try_plan(std::move(plan), "adaptive rounding", fmt::format("{} layers", layers));
  }

  static int64_t correct(Plan& plan, const std::vector<Inputs>& batches) {
    return correct_biases(plan.graph, plan.placement, plan.ranges, plan.weights, batches);
  }

  void correct() {
    uncorrected_ = plan_;
    Plan plan = plan_;
    const auto layers = correct(plan, correction_items_);
    corrected_ = try_plan(std::move(plan), "bias correction", fmt::format("{} layers", layers));
  }

  void fine_tune() {
    if (options_.qat_steps == 0) return;
    constexpr int64_t kMostItems = 32;
    Plan plan = plan_;
    const FineTuneOptions how{.steps = options_.qat_steps,
                              .batch = std::min(kMostItems, fitting_),
                              .lr = options_.qat_lr};
    compress::fine_tune(plan.graph, plan.placement, plan.ranges, plan.weights, reference_,
                        calibration_, how, progress_);
    show();
    try_plan(std::move(plan), "quantization-aware training", fmt::format("{} steps", how.steps));
  }

  // One labelled output of a small set is no measure of points.
  bool holds() const {
    const double one =
        judge_.labels_decide() ? 100.0 / static_cast<double>(judge_.outputs()) + 1e-9 : 0;
    return judge_.drop(quality_) <= std::max(options_.max_drop, one);
  }

  // From what was not trained to be rounded: the most sensitive operators stay in float, one, then
  // two, three, five, ..., until it holds.
  void fall_back() {
    if (holds()) return;
    const auto small = judge_.on_first(kSensitivityItems);
    const auto& base = uncorrected_;
    progress_.line("Looking for the operators that suffer most from 8 bits.");
    const auto ranked =
        rank_by_sensitivity(base.graph, base.placement, base.ranges, base.weights, small);
    size_t next = 1;
    while (!holds()) {
      const size_t count = std::min(next, ranked.size());
      std::set<ValueId> in_float;
      for (size_t i = 0; i < count; ++i) in_float.insert(ranked[i].unit);
      Plan plan = base;
      plan.placement = place(plan.graph, in_float);
      restore_weights(plan.graph, in_float);
      if (corrected_) correct(plan, correction_items_);
      const bool better = try_plan(std::move(plan), "fallback", fmt::format("{} in float", count));
      if (better) in_float_ = in_float;
      if (count == ranked.size()) return;
      next = next < 3 ? next + 1 : next * 3 / 2 + 1;
    }
  }

  // What stays in float has the weights that it had before they were rounded.
  void restore_weights(Graph& graph, const std::set<ValueId>& in_float) const {
    for (size_t i = 0; i < unrounded_.nodes.size(); ++i) {
      const auto& node = unrounded_.nodes[i];
      if (in_float.contains(node.outputs.at(0)) && is_layer(unrounded_, node))
        graph.nodes[i].argument("weight") = node.argument("weight");
    }
  }

  Quantized finish() {
    progress_.end();
    Quantized out{.graph = std::move(result_),
                  .steps = std::move(rows_),
                  .quality = quality_,
                  .weight_bits = options_.bits(),
                  .units = static_cast<int64_t>(plan_.placement.units.size() + in_float_.size())};
    for (const auto& node : plan_.graph.nodes)
      if (in_float_.contains(node.outputs.at(0)))
        out.float_modules.push_back(node.module + " (" + node.name().substr(6) + ")");
    return out;
  }

  const Graph& reference_;
  const std::vector<Inputs>& calibration_;
  const Judge& judge_;
  const QuantizeOptions& options_;
  Progress& progress_;
  int64_t fitting_ = 0;  // items whose activations may be kept
  std::vector<Inputs> scaling_items_, correction_items_;
  Plan plan_, uncorrected_;
  Observations observations_;
  Quality quality_;
  Graph result_, unrounded_;
  std::vector<StepRow> rows_;
  std::set<ValueId> in_float_;
  int64_t units_ = 0;
  bool by_mse_ = false, corrected_ = false;
  Clock::time_point start_ = Clock::now();
};

}  // namespace

bool saturates_int8() {
#if defined(__x86_64__)
  return __builtin_cpu_supports("avx512vnni") == 0 && __builtin_cpu_supports("avxvnni") == 0;
#else
  return false;
#endif
}

int64_t QuantizeOptions::bits() const {
  constexpr int64_t kReduced = 7;
  const bool reduced = reduce_range == "on" || (reduce_range == "auto" && saturates_int8());
  return reduced ? std::min(weight_bits, kReduced) : weight_bits;
}

void QuantizeOptions::visit(FieldVisitor& v) {
  v.field("mode", mode, "naive: smallest to largest value, per tensor, everywhere, the yardstick",
          {.choices = {"best", "naive"}});
  v.field("max_drop", max_drop,
          "percentage points of top-1 that may be lost before operators fall back to float",
          {.least = 0, .most = 100});
  v.field("weight_bits", weight_bits,
          "of convolutions and linear layers; 4: stored two in a byte, others a byte each",
          {.least = 4, .most = 8});
  v.field("reduce_range", reduce_range,
          "weights of 7 bits, for engines on processors without VNNI, which saturate; auto: where "
          "this processor has none",
          {.choices = {"auto", "on", "off"}});
  v.field("qat_steps", qat_steps,
          "steps of quantization-aware training on the samples that calibrate, taught by the float "
          "model; 0: none",
          {.least = 0});
  v.field("qat_lr", qat_lr, "its first learning rate", {.above = 0});
}

void StepRow::visit(FieldVisitor& v) {
  v.field("step", step, "what was done");
  v.field("note", note, "how much of it");
  v.field("kept", kept, "false: it did not help, and was taken back");
  v.field("kl", kl, "mean KL divergence from the float model's classes, nats");
  v.field("error", error, "mean squared error of the logits over their variance");
  v.field("agreement", agreement, "percent of the outputs with the float model's class");
  v.field("top1", top1, "percent; null without labels");
  v.field("seconds", seconds, "that it took");
}

Quantized quantize(const Graph& reference, const std::vector<Inputs>& calibration,
                   const Judge& judge, const QuantizeOptions& options, Progress& progress) {
  check_fields<UsageError>(options, "quantize");
  if (options.mode == "naive" && options.qat_steps > 0)
    throw UsageError("quantize", "expected no training, since the naive mode has none, got steps",
                     "--qat-steps", "leave it out, or say --mode best");
  if (calibration.empty())
    throw DataError("quantize", "expected samples to calibrate with, got none");
  const torch::NoGradGuard no_grad;
  return Ladder(reference, calibration, judge, options, progress).climb();
}

}  // namespace braid::compress
