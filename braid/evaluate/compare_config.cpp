#include "braid/evaluate/compare_config.h"

#include <fmt/format.h>

#include <algorithm>

#include "braid/data/run_fields.h"
#include "braid/evaluate/budget.h"
#include "braid/evaluate/deploy_target.h"
#include "braid/tasks/class_balance.h"
#include "braid/tasks/config.h"

namespace braid::evaluate {
namespace {

constexpr int64_t kMostFolds = 100;

}  // namespace

void CompareConfig::visit(FieldVisitor& v) {
  v.field("data", data, "dataset: a name, a folder or a file of texts");
  v.field("models", models,
          "architectures, separated by commas, or NAME=WEIGHTS to fine-tune; auto: one of each "
          "family that "
          "suits data and budget");
  v.field("pretrained", pretrained,
          "fine-tune every model from the weights that timm or, of texts, Hugging Face publishes "
          "for it");
  v.field("output", output, "folder of this comparison");
  v.field("img_size", img_size,
          "pixels; unset: the data's own up to 64 pixels, else the model's or less", {.least = 1});
  v.field("task", task, "what is learned; auto: what the data is for",
          {.choices = {tasks::kAutoTask, tasks::kImageClassification, tasks::kTextClassification,
                       tasks::kTranslation}});
  v.field("max_length", max_length, "tokens of a text; unset: what most texts have", {.least = 3});
  v.field("tokenizer", tokenizer,
          "of texts, see `braid train --help`; empty: one is learned from the training texts");
  v.field("vocab_size", vocab_size, "tokens of a tokenizer that is learned", {.least = 300});
  v.field("source_lang", source_lang,
          "translation: suffix of the files that are translated; empty: told by the files' names");
  v.field("target_lang", target_lang, "translation: suffix of their translations");
  v.field("budget", budget,
          "of training, per model and seed: time=2m (s, m, h), epochs=10 or flops=500T (k to E); "
          "total=15m: of all together, in rounds of which the better half goes on");
  v.field("seeds", seeds, "trainings per model; their mean and spread are reported", {.least = 1});
  v.field("folds", folds,
          "cross-validation: so many trainings per model and seed, each of which validates with "
          "another part of train; without a test split they test on it, too. 1: off",
          {.least = 1, .most = kMostFolds});
  v.field("seed", seed, "the first seed", {.least = 0});
  v.field("distill", distill,
          "also train the best Transformer with the best CNN as its teacher (DeiT's hard labels)");
  v.field("skip", skip, "parts to leave out, as the task names them");
  v.field("robustness_images", robustness_images,
          "test images or texts per corruption and severity, of translations a fifth; "
          "0: all",
          {.least = 0});
  v.field("latency_seconds", latency_seconds,
          "at most, of timing each figure: one image or text, a batch of them", {.above = 0});
  v.field("prefer", prefer, "what the recommendation seeks",
          {.choices = {"accuracy", "latency", "size"}});
  v.field("max_latency_ms", max_latency_ms,
          "recommend only models up to this median, one image; auto takes no others", {.above = 0});
  v.field("max_params", max_params,
          "recommend only models with up to so many parameters; auto takes no others",
          {.least = 1});
  v.field("deploy", deploy,
          "also export every model (int8: quantize it on training items), measure that in this "
          "engine, and recommend by it",
          {.choices = deploy_names()});
  v.field("batch_size", batch_size, "images or texts per training step; unset: each recipe's own",
          {.least = 1, .most = data::kMostAtOnce});
  v.field(data::dtype_field(), dtype);
  v.field(data::device_field(), device);
  v.field(data::workers_field(), workers);
  v.field("threads", threads,
          "compute threads, 0: one per core, fewer under a budget of time while others use them",
          {.least = 0, .most = data::kMostThreads});
  v.field(data::on_bad_sample_field(), on_bad_sample);
  v.field("val_fraction", val_fraction,
          "share of train that validates where the data has no val split",
          {.above = 0, .below = 1});
  v.field("class_weights", class_weights,
          "balanced: every class weighs alike in the loss, whatever it has of items",
          {.choices = {tasks::kNoClassWeights, tasks::kBalancedClassWeights}});
  v.field("sampler", sampler,
          "order of an epoch; balanced: as many items, drawn with replacement, every class as "
          "often as any other",
          {.choices = {tasks::kRandomSampler, tasks::kBalancedSampler}});
  v.field(data::max_image_pixels_field(), max_image_pixels);
}

void validate(const CompareConfig& c) {
  if (c.data.empty()) throw UsageError("compare", "expected a dataset, got none", "--data");
  if (c.models.empty())
    throw UsageError("compare", "expected at least one model, got none", "--models",
                     "`braid models` lists them");
  if (c.output.empty()) throw UsageError("compare", "expected a folder, got none", "--output");
  parse_budget(c.budget);
  check_fields<UsageError>(c, "compare");
  check_utf8<UsageError>(c, "compare");
  tasks::check_balance(c.class_weights, c.sampler, "compare");
}

}  // namespace braid::evaluate
