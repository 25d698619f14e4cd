#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

#include "braid/core/near_match.h"
#include "braid/evaluate/budget.h"
#include "braid/evaluate/compare.h"

namespace braid::evaluate {
namespace {

void check_choice(const std::string& flag, const std::string& value,
                  const std::vector<std::string>& choices) {
  if (std::find(choices.begin(), choices.end(), value) != choices.end()) return;
  throw UsageError("compare",
                   fmt::format("expected one of {}, got '{}'", fmt::join(choices, ", "), value),
                   flag, did_you_mean(value, choices));
}

void check_least(const std::string& flag, int64_t value, int64_t least) {
  if (value < least)
    throw UsageError("compare", fmt::format("expected at least {}, got {}", least, value), flag);
}

}  // namespace

void CompareConfig::visit(FieldVisitor& v) {
  v.field("data", data, "dataset: a name or a folder");
  v.field("models", models, "architectures, separated by commas; see `braid models`");
  v.field("output", output, "folder of this comparison");
  v.field("img_size", img_size, "pixels; unset: the data's own up to 64 pixels, else the model's");
  v.field("budget", budget,
          "of training, per model and seed: time=2m (s, m, h), epochs=10 or flops=500T (k to E)");
  v.field("seeds", seeds, "trainings per model; their mean and spread are reported");
  v.field("seed", seed, "the first seed");
  v.field("distill", distill,
          "also train the best Transformer with the best CNN as its teacher (DeiT's hard labels)");
  v.field("skip", skip, "parts to leave out: robustness, efficiency");
  v.field("robustness_images", robustness_images,
          "test images per corruption and severity, 0: all");
  v.field("prefer", prefer, "what the recommendation seeks: accuracy, latency, size");
  v.field("max_latency_ms", max_latency_ms, "recommend only models up to this median, one image");
  v.field("max_params", max_params, "recommend only models with up to so many parameters");
  v.field("batch_size", batch_size, "images per training step; unset: each recipe's own");
  v.field("dtype", dtype,
          "float32, bfloat16, or auto: bfloat16 where the processor multiplies it natively");
  v.field("device", device, "cpu or cuda");
  v.field("workers", workers, "loader threads");
  v.field("threads", threads, "compute threads, 0: one per core");
  v.field("on_bad_sample", on_bad_sample, "an image that cannot be read: error or skip");
  v.field("val_fraction", val_fraction,
          "share of train that validates where the data has no val split");
}

void validate(const CompareConfig& c) {
  if (c.data.empty()) throw UsageError("compare", "expected a dataset, got none", "--data");
  if (c.models.empty())
    throw UsageError("compare", "expected at least one model, got none", "--models",
                     "`braid models` lists them");
  if (c.output.empty()) throw UsageError("compare", "expected a folder, got none", "--output");
  parse_budget(c.budget);
  check_least("--seeds", c.seeds, 1);
  check_least("--seed", c.seed, 0);
  check_least("--robustness-images", c.robustness_images, 0);
  if (c.batch_size) check_least("--batch-size", *c.batch_size, 1);
  check_least("--workers", c.workers, 0);
  check_least("--threads", c.threads, 0);
  if (c.img_size) check_least("--img-size", *c.img_size, 1);
  if (c.max_params) check_least("--max-params", *c.max_params, 1);
  if (c.max_latency_ms && !(*c.max_latency_ms > 0 && std::isfinite(*c.max_latency_ms)))
    throw UsageError("compare", fmt::format("expected a positive time, got {}", *c.max_latency_ms),
                     "--max-latency-ms");
  for (const auto& part : c.skip) check_choice("--skip", part, {"robustness", "efficiency"});
  check_choice("--prefer", c.prefer, {"accuracy", "latency", "size"});
  check_choice("--dtype", c.dtype, {"float32", "bfloat16", "auto"});
  check_choice("--device", c.device, {"cpu", "cuda"});
  check_choice("--on-bad-sample", c.on_bad_sample, {"error", "skip"});
  if (!(c.val_fraction > 0 && c.val_fraction < 1))
    throw UsageError("compare",
                     fmt::format("expected a share between 0 and 1, got {}", c.val_fraction),
                     "--val-fraction");
}

}  // namespace braid::evaluate
