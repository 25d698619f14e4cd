// braid predict: labels for images and texts.
#include <fmt/format.h>

#include <filesystem>

#include "braid/core/error.h"
#include "braid/data/bad_samples.h"
#include "braid/data/image/image_inputs.h"
#include "braid/data/run_fields.h"
#include "braid/io/image.h"
#include "braid/models/checkpoint.h"
#include "braid/models/text/encoder_decoder.h"
#include "braid/models/text/text_model.h"
#include "braid/models/vision/image_checkpoint.h"
#include "braid/runtime/device.h"
#include "braid/runtime/process.h"
#include "braid/tasks/predictor.h"
#include "braid/tasks/test_time_augmentation.h"
#include "cli/command.h"
#include "cli/predict.h"
#include "cli/prediction_printer.h"

namespace braid::cli {
namespace {

constexpr const char* kPredictFooter = R"(Examples:
  braid predict --checkpoint runs/fashion shirt.png boot.jpg --top 3 --format json
  braid predict --checkpoint runs/fashion photos/ --on-bad-sample skip --format csv
  curl -s https://example.org/boot.jpg | braid predict --checkpoint runs/fashion -
  find photos -newer last -name '*.jpg' | braid predict --checkpoint runs/fashion --list - --format jsonl
  braid predict --checkpoint runs/sst2 "a film that stays with you"
  braid predict --checkpoint runs/mrpc --list pairs.tsv --format jsonl
  braid predict --checkpoint runs/ner "Grace Hopper works in Paris." --format json
  braid predict --checkpoint runs/squad --list questions.jsonl --format jsonl --top 1

Texts are answered in their order, each with its number among them ("line", from 1). A model that was trained on pairs
takes two texts with a tab between, or {"text": .., "text_pair": ..}; questions are {"question": .., "context": ..}.)";

void label_images(const PredictOptions& options, const std::filesystem::path& checkpoint,
                  Progress& progress) {
  const tasks::Predictor predictor(models::load_for_inference(checkpoint),
                                   runtime::resolve_device(options.device), options.dtype);
  const tasks::Views views(options.views, predictor.card().input);
  if (views.count() > 1)
    progress.line(fmt::format("Test-time augmentation: {}, {} views of each image.", views.name(),
                              views.count()));
  data::BadSamples bad(options.on_bad_sample);
  data::ImageInputs inputs(options.inputs, options.list);
  PredictionPrinter printer(options.format, "file");
  while (const auto file = inputs.next()) {
    io::Image image;
    if (!bad.guard(
            [&] { image = data::read_input(*file, {.max_pixels = options.max_image_pixels}); })) {
      fmt::print(stderr, "skipped: {}\n", bad.last_message());
      continue;
    }
    printer.print(*file,
                  top_classes(tasks::probabilities(predictor, views, {image})[0], options.top,
                              [&](int64_t k) { return predictor.class_name(k); }));
  }
  if (inputs.left_out().any())
    progress.line("Left out of the folders: " + to_text(inputs.left_out()) + ".");
}

void run(PredictOptions options, const Json& flags) {
  update_from_json(options, flags, "flags");
  check_fields<UsageError>(options, "predict");
  runtime::set_threads(options.threads);
  if (options.inputs.empty() && options.list.empty())
    throw UsageError("predict", "expected images or texts, got none", "",
                     "name files or folders, - for standard input, or --list FILE");
  const auto progress = make_terminal_progress();
  const auto checkpoint = models::find_checkpoint(options.checkpoint, *progress);
  if (const auto kind = models::kind_of_checkpoint(checkpoint);
      kind == models::TextEncoder::kKind) {
    tasks::expect_no_views(options.views, kind);
    predict_texts(options, checkpoint, *progress);
  } else if (kind == models::EncoderDecoder::kKind) {
    throw DataError("predict", "expected a model that labels images or texts, got a translator",
                    checkpoint.string(), "`braid translate` takes it");
  } else {
    label_images(options, checkpoint, *progress);
  }
}

}  // namespace

void PredictOptions::visit(FieldVisitor& v) {
  v.field("top", top, "classes per image or text", {.least = 1, .most = 1'000'000});
  v.field(data::device_field(), device);
  v.field(data::dtype_field(), dtype);
  v.field(data::threads_field(), threads);
  v.field(data::on_bad_sample_field(), on_bad_sample);
  v.field(data::truncate_field(), truncate);
  v.field(data::max_image_pixels_field(), max_image_pixels);
  views.visit(v);
}

void add_predict(CLI::App& program) {
  auto* verb = program.add_subcommand("predict", "Label images or texts with a checkpoint");
  verb->footer(kPredictFooter);
  auto o = std::make_shared<PredictOptions>();
  verb->add_option("--checkpoint", o->checkpoint,
                   "folder of a run or a checkpoint, or hf-hub:OWNER/NAME")
      ->required();
  verb->add_option("inputs", o->inputs,
                   "images: files, folders (all images in them), pipes, or - for one on standard "
                   "input; texts: themselves, or - for lines of standard input");
  verb->add_option(
      "--list", o->list,
      "file that names images, or holds texts, one a line; -: standard input. They follow "
      "the others");
  add_choice(*verb, "--format", o->format, {"text", "json", "jsonl", "csv"},
             "what is printed, item by item");
  auto flags = std::make_shared<ConfigFlags>(*verb, *o);
  verb->callback([=] { run(*o, flags->given()); });
}

}  // namespace braid::cli
