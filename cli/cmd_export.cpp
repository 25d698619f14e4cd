// braid export: a model for engines that know nothing of braid.
#include <fmt/format.h>

#include <vector>

#include "braid/core/error.h"
#include "braid/core/progress.h"
#include "braid/export/calibration_images.h"
#include "braid/export/calibration_texts.h"
#include "braid/export/export_encoder_decoder.h"
#include "braid/export/export_image_model.h"
#include "braid/export/export_text_model.h"
#include "braid/models/registry.h"
#include "braid/tasks/text/tokenized_model.h"
#include "cli/chosen_model.h"
#include "cli/command.h"
#include "cli/exported_output.h"

namespace braid::cli {
namespace {

struct ExportFlags {
  std::string checkpoint, output, data, format = "text", opset = "20";
  std::optional<uint64_t> init;
  ModelShape shape;
  bool with_preprocessing = false;
};

void check(const ExportFlags& flags) {
  if (names_checkpoint(flags.checkpoint) && flags.init)
    throw UsageError("export", "expected an architecture with --init, got a checkpoint",
                     flags.checkpoint, "leave --init out");
  if (!names_checkpoint(flags.checkpoint) && !flags.init)
    throw UsageError("export", "expected a checkpoint's folder, got '" + flags.checkpoint + "'",
                     "--checkpoint",
                     "train one with `braid train`; --init SEED exports an architecture of "
                     "`braid models` with random weights");
}

// What only some kinds of models have.
void check_kind(const NamedModel& named, const ExportFlags& flags) {
  if (flags.with_preprocessing && named.kind != models::ImageModel::kKind)
    throw UsageError("export", "expected a model of images, got one of texts",
                     "--with-preprocessing",
                     "leave it out: the tokenizer's files are in the file's metadata");
  if (flags.data.empty()) return;
  if (named.kind == models::EncoderDecoder::kKind)
    throw UsageError("export",
                     "expected a model of images or a text encoder with --data, got " +
                         models::with_article(named.kind),
                     "--data", "leave it out: random words prove the files");
  if (named.kind == models::TextEncoder::kKind && named.folder.empty())
    throw UsageError("export", "expected a checkpoint with --data, got an architecture of texts",
                     "--data", "leave it out: an architecture has no tokenizer");
}

constexpr int64_t kImages = 4;  // of --data, that the file is run on

std::vector<data::Batch> texts_of(const ChosenModel& chosen, const ExportFlags& flags) {
  if (flags.data.empty()) return {};
  return onnx::sample_texts(tasks::load_tokenized_model(chosen.folder), flags.data,
                            *make_terminal_progress());
}

std::vector<onnx::ExportReport> export_chosen(ChosenModel& chosen, const ExportFlags& flags) {
  if (auto* image = std::get_if<models::LoadedModel>(&chosen.model)) {
    onnx::ExportOptions options{.with_preprocessing = flags.with_preprocessing};
    if (!flags.data.empty()) options.images = onnx::sample_images(flags.data, kImages);
    return {onnx::export_image_model(*image, flags.output, options)};
  }
  if (auto* pair = std::get_if<models::LoadedEncoderDecoder>(&chosen.model)) {
    auto reports = onnx::export_encoder_decoder(*pair, chosen.folder, flags.output);
    std::vector<onnx::ExportReport> all = {std::move(reports.encoder), std::move(reports.decoder)};
    if (reports.decoder_with_past) all.push_back(std::move(*reports.decoder_with_past));
    return all;
  }
  return {onnx::export_text_model(std::get<models::LoadedTextEncoder>(chosen.model), chosen.folder,
                                  flags.output, texts_of(chosen, flags))};
}

void print_text(const onnx::ExportReport& report) {
  fmt::print("{}: {}, {} -> {}\n", report.file, report.architecture, report.input, report.output);
  fmt::print("{:.1f} MB, {} operators, ONNX operator set {}\n",
             static_cast<double>(report.bytes) / 1e6, report.operators, report.opset);
  fmt::print("largest difference from the model: {:.2g}, of its largest output {:.2g}\n",
             report.max_error, report.relative_error);
  if (report.file_max_error)
    fmt::print("of the file, run on {}: {:.2g}, of the largest output {:.2g}\n", report.samples,
               *report.file_max_error, *report.file_relative_error);
  for (const auto& remark : report.remarks) fmt::print("{}\n", remark);
}

// Of one file an object, of several a list.
void print_json(const std::vector<onnx::ExportReport>& reports) {
  Json list = Json::array();
  for (const auto& report : reports) list.push_back(to_json(report));
  const Json& json = reports.size() == 1 ? list.at(0) : list;
  fmt::print("{}\n", dump_json(json, 2));
}

void run(const ExportFlags& flags) {
  check(flags);
  const auto named = find_any_model(flags.checkpoint);
  check_exported_output("export", flags.output, named.kind == models::EncoderDecoder::kKind);
  check_kind(named, flags);
  auto chosen = choose_any_model(named, flags.shape, flags.init.value_or(0));
  const auto reports = export_chosen(chosen, flags);
  if (flags.format == "json") return print_json(reports);
  for (const auto& report : reports) print_text(report);
}

}  // namespace

void add_export(CLI::App& program) {
  auto* verb = program.add_subcommand("export", "Write a model as an ONNX file");
  verb->footer(
      "Examples:\n"
      "  braid export --checkpoint runs/photos --output photos.onnx\n"
      "  braid export --checkpoint runs/photos --with-preprocessing --output photos.onnx\n"
      "  braid export --checkpoint runs/photos --data photos --output photos.onnx\n"
      "  braid export --checkpoint runs/reviews --output reviews.onnx\n"
      "  braid export --checkpoint runs/mt --output mt/\n"
      "  braid export --checkpoint resnet18 --init 0 --img-size 96 --output resnet18.onnx");
  auto o = std::make_shared<ExportFlags>();
  verb->add_option("--checkpoint", o->checkpoint,
                   "folder of a run or a checkpoint, hf-hub:OWNER/NAME, or an architecture with "
                   "--init")
      ->required();
  verb->add_option("--output", o->output,
                   "file to write, .onnx; of models that write texts the folder for their files")
      ->required();
  verb->add_flag("--with-preprocessing", o->with_preprocessing,
                 "take images [N,H,W,C] of uint8 in any size and give probabilities");
  verb->add_option("--data", o->data,
                   "dataset, a name, a folder or a file, that the file is run on to be compared "
                   "with the model; without labels will do [noise]");
  add_choice(*verb, "--opset", o->opset, {"20"}, "ONNX operator set");
  verb->add_option("--init", o->init, "random weights of an architecture from this seed");
  add_model_shape(*verb, o->shape);
  add_choice(*verb, "--format", o->format, {"text", "json"}, "what is printed");
  verb->callback([o] { run(*o); });
}

}  // namespace braid::cli
