// braid eval: a checkpoint on a dataset.
#include <fmt/format.h>

#include "braid/core/error.h"
#include "braid/core/progress.h"
#include "braid/evaluate/evaluate.h"
#include "braid/io/hub.h"
#include "braid/io/posix_file.h"
#include "braid/io/safetensors.h"
#include "braid/models/checkpoint.h"
#include "braid/runtime/device.h"
#include "cli/command.h"

namespace braid::cli {
namespace {

struct EvalOptions {
  std::string checkpoint, data, split = "auto", format = "text";
  std::string device = "cpu";
  evaluate::EvaluateOptions evaluate;
};

void run(const EvalOptions& options) {
  const auto progress = make_terminal_progress();
  auto loaded = models::load_for_inference(checkpoint_folder(options.checkpoint, *progress));
  loaded.model->to(runtime::resolve_device(options.device));
  const auto report = evaluate::evaluate_checkpoint(loaded, options.data, options.split,
                                                    options.evaluate, *progress);
  const auto& m = report.metrics;
  if (options.format == "json") {
    fmt::print("{}\n", to_json(report).dump(2, ' ', false, Json::error_handler_t::replace));
    return;
  }
  fmt::print(
      "model      {}\ndata       {}, split {}, {} images\ntop-1      {:.2f}% (95% interval {:.2f} "
      "to {:.2f})\n"
      "top-5      {:.2f}%\nmacro-F1   {:.2f}%\nECE        {:.2f}%\nloss       {:.4f} nats\nspeed   "
      "   {:.0f} images/s\n",
      loaded.card.architecture, options.data, report.split, m.count, m.top1, m.top1_low,
      m.top1_high, m.top5, m.macro_f1, m.ece, m.nll, report.images_per_s);
  if (report.bad_samples > 0)
    fmt::print("skipped    {} images could not be read\n", report.bad_samples);
}

}  // namespace

std::filesystem::path checkpoint_folder(const std::string& path, Progress& progress) {
  const auto folder = io::resolve_weights(path, progress);
  if (!io::is_folder(folder)) io::find_weight_files(folder);  // refuses pickles
  for (const char* inner : {"", "model_best", "last", "winner"})
    if (io::file_exists(folder / inner / "config.json")) return folder / inner;
  throw IoError("checkpoint", "expected a checkpoint or a run's folder", path,
                "give the folder that `braid train --output` wrote, or hf-hub:OWNER/NAME");
}

void add_eval(CLI::App& program) {
  auto* verb = program.add_subcommand("eval", "Evaluate a checkpoint on a dataset");
  verb->footer(
      "Example:\n  braid eval --checkpoint runs/fashion --data fashion-mnist --split test --format "
      "json");
  auto o = std::make_shared<EvalOptions>();
  verb->add_option("--checkpoint", o->checkpoint,
                   "folder of a run or a checkpoint, or hf-hub:OWNER/NAME")
      ->required();
  verb->add_option("--data", o->data, "dataset: a name or a folder")->required();
  verb->add_option("--split", o->split,
                   "test, val, train, all; auto: test where there is one, else all [auto]");
  verb->add_option("--format", o->format, "text or json [text]")
      ->check(CLI::IsMember({"text", "json"}));
  verb->add_option("--batch-size", o->evaluate.batch_size, "images per forward pass [128]")
      ->check(CLI::Range(1, 65536));
  verb->add_option("--workers", o->evaluate.workers, "loader threads [2]")
      ->check(CLI::Range(0, 256));
  verb->add_option("--dtype", o->evaluate.dtype, "float32, bfloat16, auto [float32]");
  verb->add_option("--device", o->device, "cpu, cuda or cuda:N [cpu]");
  verb->add_option("--on-bad-sample", o->evaluate.on_bad_sample,
                   "an image that cannot be read: error or skip [error]")
      ->check(CLI::IsMember({"error", "skip"}));
  verb->callback([o] { run(*o); });
}

}  // namespace braid::cli
