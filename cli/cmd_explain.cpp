// braid explain: where in an image or a text a classifier looks.
#include <ATen/Parallel.h>
#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <string>
#include <utility>

#include "braid/core/error.h"
#include "braid/core/version.h"
#include "braid/data/cut_examples.h"
#include "braid/data/image/image_inputs.h"
#include "braid/data/run_fields.h"
#include "braid/explain/check_methods.h"
#include "braid/explain/exported_file.h"
#include "braid/explain/exported_image_explainer.h"
#include "braid/explain/exported_text_explainer.h"
#include "braid/explain/image_explainer.h"
#include "braid/explain/output.h"
#include "braid/explain/text_explainer.h"
#include "braid/io/asked_text.h"
#include "braid/models/checkpoint.h"
#include "braid/models/text/text_model.h"
#include "braid/tasks/text/text_classifier.h"
#include "cli/command.h"

namespace braid::cli {
namespace {

struct ExplainOptions {
  std::string checkpoint, output, format = "table", device = "cpu";
  std::vector<std::string> inputs;
  bool check = false, truncate = true;
  int64_t max_image_pixels = io::kMaxImagePixels;
  explain::ExplainConfig config;
  void visit(FieldVisitor& v) {
    config.visit(v);
    v.field(data::device_field(), device);
    v.field(data::max_image_pixels_field(), max_image_pixels);
    v.field(data::truncate_field(), truncate);
  }
};

void print_maps(const explain::Explanations& e) {
  for (const auto& image : e.images) {
    fmt::print("{}: {} {:.1f}%{}\n", image.file, image.target, 100 * image.probability,
               image.predicted == image.target ? "" : ", predicted is " + image.predicted);
    for (const auto& map : image.maps) {
      fmt::print("  {:20} {:28} peak at y {}, x {}", map.method, map.layer, map.peak.at(0),
                 map.peak.at(1));
      if (map.total) fmt::print("  sum {:.4f} of {:.4f}", *map.sum, *map.total);
      if (!map.distance.empty()) {
        double mean = 0;
        for (const double d : map.distance) mean += d / static_cast<double>(map.distance.size());
        fmt::print("  mean distance {:.1f} px", mean);
      }
      fmt::print("  {}\n", map.picture);
    }
  }
  if (e.receptive_field)
    fmt::print(
        "effective receptive field of {}: half of it in {:.0f}% of the side, 99% in {:.0f}%"
        "  {}\n",
        e.receptive_field->layer, 100 * e.receptive_field->side_50,
        100 * e.receptive_field->side_99, e.receptive_field->picture);
}

void print_texts(const explain::Explanations& e) {
  for (const auto& text : e.texts) {
    fmt::print("{}{}: {} {:.1f}%{}, attributions sum to {:.4f} of {:.4f}\n", text.text,
               text.text_pair ? "\t" + *text.text_pair : "", text.target, 100 * text.probability,
               text.predicted == text.target ? "" : ", predicted is " + text.predicted, text.sum,
               text.total);
    for (const auto& token : text.tokens) {
      const auto of = token.sequence ? std::to_string(*token.sequence + 1) : "";
      fmt::print("  {:+.4f}  {}{}\n", token.attribution,
                 text.text_pair ? fmt::format("{:1}  ", of) : "", token.token);
    }
  }
}

void print_check(const explain::Explanations& e) {
  if (e.check.empty()) return;
  fmt::print("\n{:22} {:>9} {:>9} {:>9} {:>9} {:>9} {:>9}  {}\n", "method", "deletion", "(random)",
             "insertion", "(random)", "planted", "noise", "verdict");
  for (const auto& row : e.check)
    fmt::print("{:22} {:>9.3f} {:>9.3f} {:>9.3f} {:>9.3f} {:>9} {:>9.2f}  {}\n", row.method,
               *row.deletion, *row.random_deletion, *row.insertion, *row.random_insertion,
               row.pointing ? fmt::format("{:.0f}%", 100 * *row.pointing) : "-", *row.randomized,
               row.verdict);
}

void explain_images(const ExplainOptions& options, const std::filesystem::path& checkpoint,
                    explain::Output& output, explain::Explanations& e, Progress& progress) {
  const explain::ImageExplainer explainer(models::load_for_inference(checkpoint), options.config,
                                          options.device);
  e.model = explainer.predictor().card().architecture;
  data::ImageInputs inputs(options.inputs, "");
  while (const auto file = inputs.next())
    e.images.push_back(explainer.explain(
        *file, data::read_input(*file, {.max_pixels = options.max_image_pixels}), output));
  const auto& methods = explainer.methods();
  if (std::find(methods.begin(), methods.end(), "erf") != methods.end())
    e.receptive_field = explainer.receptive_field(output);
  if (!options.check) return;
  std::vector<int64_t> targets;
  for (const auto& image : e.images) targets.push_back(image.index);
  e.check = check_methods(explainer, explainer.seen(), targets, options.config, progress);
}

void explain_texts(const ExplainOptions& options, const std::filesystem::path& checkpoint,
                   explain::Explanations& e, Progress& progress) {
  if (options.check)
    throw UsageError("explain", "expected a classifier of images with --check, got one of texts");
  auto classifier = tasks::load_text_classifier(checkpoint);
  classifier.truncate = options.truncate;
  const explain::TextExplainer explainer(std::move(classifier), options.config, options.device);
  e.model = explainer.classifier().hub.architecture;
  data::CutExamples cut{.max_length = explainer.classifier().max_length};
  const bool pairs = explainer.classifier().hub.text_pairs;
  for (const auto& input : options.inputs) {
    const auto asked = io::parse_asked_text(input, pairs, fmt::format("argument {}", cut.of + 1));
    e.texts.push_back(explainer.explain(asked.text, asked.pair));
    ++cut.of;
    cut.count += e.texts.back().truncated > 0 ? 1 : 0;
  }
  if (cut.count > 0) progress.line(to_text(cut) + ".");
}

void explain_exported_texts(const ExplainOptions& options, std::unique_ptr<runner::Session> session,
                            explain::Explanations& e, Progress& progress) {
  const explain::ExportedTextExplainer explainer(std::move(session), options.config);
  data::CutExamples cut{.max_length = explainer.max_length()};
  for (const auto& input : options.inputs) {
    const auto asked =
        io::parse_asked_text(input, explainer.pairs(), fmt::format("argument {}", cut.of + 1));
    e.texts.push_back(explainer.explain(asked, options.truncate));
    ++cut.of;
    cut.count += e.texts.back().truncated > 0 ? 1 : 0;
  }
  if (cut.count > 0) progress.line(to_text(cut) + ".");
}

void explain_exported_images(const ExplainOptions& options,
                             std::unique_ptr<runner::Session> session, explain::Output& output,
                             explain::Explanations& e) {
  explain::ExportedImageExplainer explainer(std::move(session), options.config);
  data::ImageInputs inputs(options.inputs, "");
  while (const auto file = inputs.next())
    e.images.push_back(explainer.explain(
        *file, data::read_input(*file, {.max_pixels = options.max_image_pixels}), output));
}

// Of a file that `braid export` or `braid quantize` wrote.
void explain_exported(const ExplainOptions& options, explain::Output& output,
                      explain::Explanations& e, Progress& progress) {
  if (options.check)
    throw UsageError("explain", "expected a checkpoint of images with --check, got a file",
                     options.checkpoint);
  if (options.device != "cpu" && options.device != "auto")
    throw UsageError("explain", "expected cpu for an exported file, got " + options.device,
                     "--device");
  auto session = explain::open_exported(options.checkpoint, options.config, at::get_num_threads());
  e.model = explain::architecture_of(*session);
  if (explain::reads_texts(*session))
    explain_exported_texts(options, std::move(session), e, progress);
  else
    explain_exported_images(options, std::move(session), output, e);
}

void run(ExplainOptions options, const Json& flags) {
  update_from_json(options, flags, "flags");
  check_fields<UsageError>(options, "explain");
  const auto progress = make_terminal_progress();
  const bool exported = options.checkpoint.ends_with(".onnx");
  const auto checkpoint =
      exported ? std::filesystem::path() : models::find_checkpoint(options.checkpoint, *progress);
  explain::Explanations e;
  e.braid_version = version();
  e.checkpoint = options.checkpoint;
  explain::Output output(options.output);
  if (exported)
    explain_exported(options, output, e, *progress);
  else if (models::kind_of_checkpoint(checkpoint) == models::TextEncoder::kKind)
    explain_texts(options, checkpoint, e, *progress);
  else
    explain_images(options, checkpoint, output, e, *progress);
  output.finish(e);
  if (options.format == "json") {
    fmt::print("{}\n", dump_json(to_json(e), 2));
    return;
  }
  print_maps(e);
  print_texts(e);
  print_check(e);
  fmt::print("{}/index.html\n", options.output);
}

}  // namespace

void add_explain(CLI::App& program) {
  auto* verb =
      program.add_subcommand("explain", "Show where in an image or a text a classifier looks");
  verb->footer(
      "Examples:\n"
      "  braid explain --checkpoint runs/photos cat.jpg dog.jpg --output why\n"
      "  braid explain --checkpoint runs/photos cat.jpg --method grad-cam,rollout --target dog "
      "--output why\n"
      "  braid explain --checkpoint runs/photos photos/ --method attention --layer blocks.11 "
      "--output why\n"
      "  braid explain --checkpoint runs/photos photos/ --method grad-cam,rollout --check --output "
      "why\n"
      "  braid explain --checkpoint runs/sst2 \"a film that stays with you\" --output why\n"
      "  braid explain --checkpoint photos.int8.onnx cat.jpg --output why\n"
      "  braid explain --checkpoint sst2.int8.onnx \"a film that stays with you\" --output why\n"
      "  braid explain --checkpoint runs/mrpc '{\"text\": \"it rains\", \"text_pair\": \"rain "
      "falls\"}' --output why\n\n"
      "A model that was trained on pairs takes two texts in one argument, with a tab between or as "
      "JSON.");
  auto o = std::make_shared<ExplainOptions>();
  verb->add_option("--checkpoint", o->checkpoint,
                   "folder of a run or a checkpoint, hf-hub:OWNER/NAME, or an exported .onnx")
      ->required();
  verb->add_option("inputs", o->inputs,
                   "images: files, folders, or - for standard input; or texts themselves")
      ->required();
  verb->add_option("--output", o->output,
                   "folder for pictures, index.html, explain.json and maps.safetensors")
      ->required();
  verb->add_flag("--check", o->check,
                 "measure how faithful the methods are to the model, on the images");
  add_choice(*verb, "--format", o->format, {"table", "json"}, "what is printed");
  auto flags = std::make_shared<ConfigFlags>(*verb, *o);
  verb->callback([=] { run(*o, flags->given()); });
}

}  // namespace braid::cli
