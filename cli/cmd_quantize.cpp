// braid quantize: a checkpoint in 8 bits, for engines that know nothing of braid.
#include <fmt/format.h>

#include <utility>
#include <vector>

#include "braid/core/error.h"
#include "braid/core/progress.h"
#include "braid/data/run_fields.h"
#include "braid/export/onnx/export_onnx.h"
#include "braid/export/quantize_encoder_decoder.h"
#include "braid/export/quantize_image_model.h"
#include "braid/export/quantize_text_model.h"
#include "braid/io/atomic_file.h"
#include "cli/chosen_model.h"
#include "cli/command.h"
#include "cli/exported_output.h"

namespace braid::cli {
namespace {

struct QuantizeFlags {
  std::string checkpoint, output, format = "text";
  onnx::QuantizeRequest request;
  void visit(FieldVisitor& v) {
    request.visit(v);
    v.field(data::max_image_pixels_field(), max_image_pixels);
  }
  int64_t max_image_pixels = io::kMaxImagePixels;
};

void print(const onnx::QuantizeReport& r) {
  fmt::print("{:24} {:>9} {:>9} {:>9} {:>8} {:>7}\n", "step", "KL", "error", "same %", "top-1 %",
             "s");
  for (const auto& step : r.steps) {
    fmt::print("{:24} {:9.2g} {:9.2g} {:9.2f} {:>8} {:7.1f}  {}{}\n", step.step, step.kl,
               step.error, step.agreement, step.top1 ? fmt::format("{:.2f}", *step.top1) : "-",
               step.seconds, step.note,
               step.kept ? "" : (step.note.empty() ? "taken back" : "; taken back"));
  }
  fmt::print("\n{}: {}, {} samples calibrated, {:.2f} MB, {:.3f} of float32's\n", r.file,
             r.architecture, r.samples, static_cast<double>(r.bytes) / 1e6, r.size_ratio);
  fmt::print("{} of {} operators in 8 bits\n", r.units - static_cast<int64_t>(r.in_float.size()),
             r.units);
  for (const auto& name : r.in_float) fmt::print("  in float: {}\n", name);
  if (r.opset == onnx::kOpsetOfInt4)
    fmt::print("weights of 4 bits, two in a byte: operator set {} of ONNX\n", r.opset);
  if (r.top1)
    fmt::print("{}, {}: top-1 {:.2f}% in float32, {:.2f}% in int8: a drop of {:.2f}\n", r.split,
               r.count, *r.float_top1, *r.top1, *r.drop);
  fmt::print("{:.2f}% of {} outputs have the float model's class\n", r.agreement, r.count);
  if (r.file_relative_error)
    fmt::print("largest difference of the file, run by braid-run: {:.2g} of the largest output\n",
               *r.file_relative_error);
}

// Of one file an object, of several a list.
void print_reports(const std::vector<onnx::QuantizeReport>& reports) {
  Json list = Json::array();
  for (const auto& report : reports) list.push_back(to_json(report));
  const Json& json = reports.size() == 1 ? list.at(0) : list;
  fmt::print("{}\n", json.dump(2, ' ', false, Json::error_handler_t::replace));
}

std::vector<onnx::QuantizeReport> quantize_chosen(ChosenModel& chosen, const QuantizeFlags& flags,
                                                  Progress& progress) {
  if (auto* image = std::get_if<models::LoadedModel>(&chosen.model))
    return {onnx::quantize_image_model(*image, flags.output, flags.request, progress)};
  if (std::holds_alternative<models::LoadedEncoderDecoder>(chosen.model)) {
    const auto translator = tasks::load_translator(chosen.folder);
    auto made = onnx::quantize_encoder_decoder(
        translator, chosen.folder,
        onnx::open_calibration_pairs(translator, flags.request, progress), flags.output,
        flags.request, progress);
    std::vector<onnx::QuantizeReport> reports = {std::move(made.encoder), std::move(made.decoder)};
    if (made.decoder_with_past) reports.push_back(std::move(*made.decoder_with_past));
    return reports;
  }
  return {onnx::quantize_text_model(tasks::load_tokenized_model(chosen.folder), chosen.folder,
                                    flags.output, flags.request, progress)};
}

void run(QuantizeFlags flags, const Json& given) {
  update_from_json(flags, given, "flags");
  check_fields<UsageError>(flags, "quantize");
  if (!names_checkpoint(flags.checkpoint))
    throw UsageError("quantize", "expected a checkpoint's folder, got '" + flags.checkpoint + "'",
                     "--checkpoint", "train one with `braid train`");
  flags.request.limits.max_pixels = flags.max_image_pixels;
  const auto named = find_any_model(flags.checkpoint);
  check_exported_output("quantize", flags.output, named.kind == models::EncoderDecoder::kKind);
  auto chosen = choose_any_model(named, {}, 0);
  const auto progress = make_terminal_progress();
  const auto reports = quantize_chosen(chosen, flags, *progress);
  if (flags.format == "json") return print_reports(reports);
  for (const auto& report : reports) {
    if (&report != reports.data()) fmt::print("\n");
    print(report);
  }
}

}  // namespace

void add_quantize(CLI::App& program) {
  auto* verb = program.add_subcommand("quantize", "Write a model in 8 bits as an ONNX file");
  verb->footer(
      "Examples:\n"
      "  braid quantize --checkpoint runs/photos --data photos --output photos.int8.onnx\n"
      "  braid quantize --checkpoint runs/photos --data some/images --max-drop 1 --output "
      "photos.int8.onnx\n"
      "  braid quantize --checkpoint runs/reviews --data reviews.tsv --output reviews.int8.onnx\n"
      "  braid quantize --checkpoint runs/mt --data multi30k/ --output mt-int8/\n"
      "  braid quantize --checkpoint runs/photos --data photos --mode naive --output "
      "naive.onnx --format json\n"
      "  braid quantize --checkpoint runs/photos --data photos --weight-bits 4 --samples 2048 "
      "--output photos.int4.onnx");
  auto o = std::make_shared<QuantizeFlags>();
  verb->add_option("--checkpoint", o->checkpoint,
                   "folder of a run or a checkpoint, or hf-hub:OWNER/NAME")
      ->required();
  verb->add_option(
          "--data", o->request.data,
          "dataset: a name, a folder or a file; images without classes, texts without labels "
          "will do; parallel text for a model that translates")
      ->required();
  verb->add_option("--output", o->output,
                   "file to write, .onnx; of models that write texts the folder for their files")
      ->required();
  add_choice(*verb, "--split", o->request.split, {"auto", "test", "val"},
             "what the result is measured on; auto: test where there is one");
  add_choice(*verb, "--format", o->format, {"text", "json"}, "what is printed");
  auto flags = std::make_shared<ConfigFlags>(*verb, *o);
  verb->callback([=] { run(*o, flags->given()); });
}

}  // namespace braid::cli
