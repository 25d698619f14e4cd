// braid predict: labels for image files.
#include <fmt/format.h>

#include "braid/core/error.h"
#include "braid/data/bad_samples.h"
#include "braid/data/run_fields.h"
#include "braid/io/image.h"
#include "braid/models/checkpoint.h"
#include "braid/models/vision/image_checkpoint.h"
#include "braid/runtime/device.h"
#include "braid/tasks/predictor.h"
#include "cli/command.h"

namespace braid::cli {
namespace {

struct PredictOptions {
  std::string checkpoint, format = "text", on_bad_sample = "error";
  std::string device = "cpu", dtype = "float32";
  std::vector<std::string> files;
  int64_t top = 5;
  void visit(FieldVisitor& v) {
    v.field("top", top, "classes per image", {.least = 1, .most = 1'000'000});
    v.field(data::device_field(), device);
    v.field(data::dtype_field(), dtype);
    v.field(data::on_bad_sample_field(), on_bad_sample);
  }
};

std::string csv_field(const std::string& text) {
  if (text.find_first_of(",\"\n\r") == std::string::npos) return text;
  std::string quoted = "\"";
  for (const char c : text) quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
  return quoted + "\"";
}

void run(PredictOptions options, const Json& flags) {
  update_from_json(options, flags, "flags");
  check_fields<UsageError>(options, "predict");
  const auto progress = make_terminal_progress();
  const tasks::Predictor predictor(
      models::load_for_inference(models::find_checkpoint(options.checkpoint, *progress)),
      runtime::resolve_device(options.device), options.dtype);
  data::BadSamples bad(options.on_bad_sample);
  Json all = Json::array();
  if (options.format == "csv") fmt::print("file,rank,class,probability\n");
  for (const auto& file : options.files) {
    io::Image image;
    if (!bad.guard([&] { image = io::read_image(file); })) {
      fmt::print(stderr, "skipped: {}\n", bad.last_message());
      continue;
    }
    const auto probabilities = predictor.probabilities({image})[0];
    const auto [values, classes] =
        probabilities.topk(std::min<int64_t>(options.top, probabilities.size(0)));
    Json predictions = Json::array();
    if (options.format == "text") fmt::print("{}\n", file);
    for (int64_t k = 0; k < values.size(0); ++k) {
      const auto index = classes[k].item<int64_t>();
      const double probability = values[k].item<double>();
      const auto name = predictor.class_name(index);
      if (options.format == "text") fmt::print("  {:5.1f}%  {}\n", 100 * probability, name);
      if (options.format == "csv")
        fmt::print("{},{},{},{:.6f}\n", csv_field(file), k + 1, csv_field(name), probability);
      predictions.push_back({{"class", name}, {"index", index}, {"probability", probability}});
    }
    all.push_back({{"file", file}, {"predictions", predictions}});
  }
  if (options.format == "json")
    fmt::print("{}\n", all.dump(2, ' ', false, Json::error_handler_t::replace));
}

}  // namespace

void add_predict(CLI::App& program) {
  auto* verb = program.add_subcommand("predict", "Label image files with a checkpoint");
  verb->footer(
      "Example:\n  braid predict --checkpoint runs/fashion shirt.png boot.jpg --top 3 --format "
      "json");
  auto o = std::make_shared<PredictOptions>();
  verb->add_option("--checkpoint", o->checkpoint,
                   "folder of a run or a checkpoint, or hf-hub:OWNER/NAME")
      ->required();
  verb->add_option("files", o->files, "JPEG or PNG files")->required();
  add_choice(*verb, "--format", o->format, {"text", "json", "csv"}, "what is printed");
  auto flags = std::make_shared<ConfigFlags>(*verb, *o);
  verb->callback([=] { run(*o, flags->given()); });
}

}  // namespace braid::cli
