// braid eval: a checkpoint on a dataset.
#include <fmt/format.h>

#include <optional>

#include "braid/core/error.h"
#include "braid/core/progress.h"
#include "braid/data/run_fields.h"
#include "braid/evaluate/evaluate.h"
#include "braid/models/checkpoint.h"
#include "braid/runtime/process.h"
#include "cli/command.h"

namespace braid::cli {
namespace {

struct EvalOptions {
  std::string checkpoint, data, split = "auto", format = "text";
  std::string device = "cpu";
  int64_t max_image_pixels = io::kMaxImagePixels, threads = 0;
  std::optional<double> val_fraction;
  tasks::EvaluateOptions evaluate;
  tasks::ViewOptions views;
  void visit(FieldVisitor& v) {
    v.field("val_fraction", val_fraction,
            "share of train that validates where the data has no val, for --split val and train; "
            "unset: as the checkpoint's run had it, else 0.1",
            {.above = 0, .below = 1});
    v.field(data::device_field(), device);
    v.field(data::threads_field(), threads);
    evaluate.visit(v);
    views.visit(v);
    v.field(data::max_image_pixels_field(), max_image_pixels);
  }
};

void print(const evaluate::Evaluation& e, const EvalOptions& options) {
  fmt::print("model      {}\ndata       {}, split {}, {} {}\n", e.architecture, options.data,
             e.split, e.count, e.items);
  if (e.classifier) {
    const auto& m = *e.classifier;
    fmt::print(
        "top-1      {:.2f}% (95% interval {:.2f} to {:.2f})\n{}macro-F1   {:.2f}%\nECE        "
        "{:.2f}%\nloss       {:.4f} nats\n",
        m.top1, m.top1_low, m.top1_high,
        e.classes.size() > 5 ? fmt::format("top-5      {:.2f}%\n", m.top5) : "", m.macro_f1, m.ece,
        m.nll);
  } else {
    for (const auto& score : e.scores)
      fmt::print("{:10} {:.4f}{}{}\n", title_of(score), score.value, score.unit == "%" ? "%" : "",
                 score.low
                     ? fmt::format(" (95% interval {:.2f} to {:.2f})", *score.low, *score.high)
                     : "");
    for (const auto& signature : e.signatures) fmt::print("{}\n", signature);
  }
  if (e.tta)
    fmt::print("tta        {}, {} views, {:.2f} ms an image (p95 {:.2f})\n", e.tta->name,
               e.tta->views, e.tta->latency_ms_p50, e.tta->latency_ms_p95);
  fmt::print("speed      {:.0f} {}/s\n", e.items_per_s, e.items);
  if (e.bad_samples > 0) fmt::print("skipped    {} {} could not be read\n", e.bad_samples, e.items);
}

void run(EvalOptions options, const Json& flags) {
  update_from_json(options, flags, "flags");
  check_fields<UsageError>(options, "eval");
  runtime::set_threads(options.threads);
  const auto progress = make_terminal_progress();
  const auto evaluation =
      evaluate::evaluate_checkpoint(models::find_checkpoint(options.checkpoint, *progress),
                                    {.data = options.data,
                                     .split = options.split,
                                     .val_fraction = options.val_fraction,
                                     .device = options.device,
                                     .options = options.evaluate,
                                     .limits = {.max_pixels = options.max_image_pixels},
                                     .views = options.views},
                                    *progress);
  if (options.format == "json")
    fmt::print("{}\n", dump_json(to_json(evaluation), 2));
  else
    print(evaluation, options);
}

}  // namespace

void add_eval(CLI::App& program) {
  auto* verb = program.add_subcommand("eval", "Evaluate a checkpoint on a dataset");
  verb->footer(
      "Example:\n  braid eval --checkpoint runs/fashion --data fashion-mnist --split test --format "
      "json");
  auto o = std::make_shared<EvalOptions>();
  verb->add_option("--checkpoint", o->checkpoint,
                   "folder of a run or a checkpoint, or hf-hub:OWNER/NAME")
      ->required();
  verb->add_option("--data", o->data, "dataset: a name, a folder or a file")->required();
  add_choice(*verb, "--split", o->split, {"auto", "test", "val", "train", "all"},
             "auto: test where there is one, else all");
  add_choice(*verb, "--format", o->format, {"text", "json"}, "what is printed");
  auto flags = std::make_shared<ConfigFlags>(*verb, *o);
  verb->callback([=] { run(*o, flags->given()); });
}

}  // namespace braid::cli
