// braid predict: labels for images.
#include <fmt/format.h>

#include <cstdio>

#include "braid/core/error.h"
#include "braid/data/bad_samples.h"
#include "braid/data/image/image_inputs.h"
#include "braid/data/run_fields.h"
#include "braid/io/image.h"
#include "braid/models/checkpoint.h"
#include "braid/models/vision/image_checkpoint.h"
#include "braid/runtime/device.h"
#include "braid/tasks/predictor.h"
#include "cli/command.h"

namespace braid::cli {
namespace {

constexpr const char* kPredictFooter = R"(Examples:
  braid predict --checkpoint runs/fashion shirt.png boot.jpg --top 3 --format json
  braid predict --checkpoint runs/fashion photos/ --on-bad-sample skip --format csv
  curl -s https://example.org/boot.jpg | braid predict --checkpoint runs/fashion -
  find photos -newer last -name '*.jpg' | braid predict --checkpoint runs/fashion --list - --format jsonl)";

struct PredictOptions {
  std::string checkpoint, format = "text", on_bad_sample = "error";
  std::string device = "cpu", dtype = "float32";
  std::vector<std::string> files;
  std::string list;
  int64_t top = 5;
  int64_t max_image_pixels = io::kMaxImagePixels;
  void visit(FieldVisitor& v) {
    v.field("top", top, "classes per image", {.least = 1, .most = 1'000'000});
    v.field(data::device_field(), device);
    v.field(data::dtype_field(), dtype);
    v.field(data::on_bad_sample_field(), on_bad_sample);
    v.field(data::max_image_pixels_field(), max_image_pixels);
  }
};

std::string csv_field(const std::string& text) {
  if (text.find_first_of(",\"\n\r") == std::string::npos) return text;
  std::string quoted = "\"";
  for (const char c : text) quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
  return quoted + "\"";
}

// Prints one image's classes as soon as they are known; JSON as the items of one array, whose end
// the destructor prints.
class PredictionPrinter {
 public:
  explicit PredictionPrinter(std::string format) : format_(std::move(format)) {
    if (format_ == "csv") fmt::print("file,rank,class,probability\n");
  }
  PredictionPrinter(const PredictionPrinter&) = delete;
  PredictionPrinter& operator=(const PredictionPrinter&) = delete;
  ~PredictionPrinter() {
    if (format_ == "json") std::fputs(first_ ? "[]\n" : "\n]\n", stdout);
  }
  void print(const std::string& file, const Json& predictions) {
    if (format_ == "text") fmt::print("{}\n", file);
    int64_t rank = 0;
    for (const auto& p : predictions) {
      const auto name = p.at("class").get<std::string>();
      const auto probability = p.at("probability").get<double>();
      ++rank;
      if (format_ == "text") fmt::print("  {:5.1f}%  {}\n", 100 * probability, name);
      if (format_ == "csv")
        fmt::print("{},{},{},{:.6f}\n", csv_field(file), rank, csv_field(name), probability);
    }
    const Json item = {{"file", file}, {"predictions", predictions}};
    const auto dumped = [&](int indent) {
      return item.dump(indent, ' ', false, Json::error_handler_t::replace);
    };
    if (format_ == "json") fmt::print("{}{}", first_ ? "[\n" : ",\n", dumped(2));
    if (format_ == "jsonl") fmt::print("{}\n", dumped(-1));
    first_ = false;
    std::fflush(stdout);
  }

 private:
  std::string format_;
  bool first_ = true;
};

Json predictions_of(const tasks::Predictor& predictor, const io::Image& image, int64_t top) {
  const auto probabilities = predictor.probabilities({image})[0];
  const auto [values, classes] = probabilities.topk(std::min<int64_t>(top, probabilities.size(0)));
  Json predictions = Json::array();
  for (int64_t k = 0; k < values.size(0); ++k) {
    const auto index = classes[k].item<int64_t>();
    predictions.push_back({{"class", predictor.class_name(index)},
                           {"index", index},
                           {"probability", values[k].item<double>()}});
  }
  return predictions;
}

void run(PredictOptions options, const Json& flags) {
  update_from_json(options, flags, "flags");
  check_fields<UsageError>(options, "predict");
  if (options.files.empty() && options.list.empty())
    throw UsageError("predict", "expected images, got none", "",
                     "name files or folders, - for standard input, or --list FILE");
  const auto progress = make_terminal_progress();
  const tasks::Predictor predictor(
      models::load_for_inference(models::find_checkpoint(options.checkpoint, *progress)),
      runtime::resolve_device(options.device), options.dtype);
  data::BadSamples bad(options.on_bad_sample);
  data::ImageInputs inputs(options.files, options.list);
  PredictionPrinter printer(options.format);
  while (const auto file = inputs.next()) {
    io::Image image;
    if (!bad.guard(
            [&] { image = data::read_input(*file, {.max_pixels = options.max_image_pixels}); })) {
      fmt::print(stderr, "skipped: {}\n", bad.last_message());
      continue;
    }
    printer.print(*file, predictions_of(predictor, image, options.top));
  }
  if (inputs.left_out().any())
    progress->line("Left out of the folders: " + to_text(inputs.left_out()) + ".");
}

}  // namespace

void add_predict(CLI::App& program) {
  auto* verb = program.add_subcommand("predict", "Label images with a checkpoint");
  verb->footer(kPredictFooter);
  auto o = std::make_shared<PredictOptions>();
  verb->add_option("--checkpoint", o->checkpoint,
                   "folder of a run or a checkpoint, or hf-hub:OWNER/NAME")
      ->required();
  verb->add_option("images", o->files,
                   "files, folders (all images in them), pipes, or - for one on standard input");
  verb->add_option("--list", o->list,
                   "file that names images, one a line; -: standard input. They follow the others");
  add_choice(*verb, "--format", o->format, {"text", "json", "jsonl", "csv"},
             "what is printed, image by image");
  auto flags = std::make_shared<ConfigFlags>(*verb, *o);
  verb->callback([=] { run(*o, flags->given()); });
}

}  // namespace braid::cli
