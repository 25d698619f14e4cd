// braid predict: labels for images and texts.
#include <fmt/format.h>

#include <filesystem>

#include "braid/core/error.h"
#include "braid/data/bad_samples.h"
#include "braid/data/image/image_inputs.h"
#include "braid/data/run_fields.h"
#include "braid/data/text/questions.h"
#include "braid/io/image.h"
#include "braid/io/line_file.h"
#include "braid/models/checkpoint.h"
#include "braid/models/text/text_model.h"
#include "braid/models/vision/image_checkpoint.h"
#include "braid/runtime/device.h"
#include "braid/tasks/predictor.h"
#include "braid/tasks/test_time_augmentation.h"
#include "braid/tasks/text/answer_finder.h"
#include "braid/tasks/text/masked_lm.h"
#include "braid/tasks/text/replaced_tokens.h"
#include "braid/tasks/text/text_classifier.h"
#include "braid/tasks/text/token_tagger.h"
#include "cli/command.h"
#include "cli/prediction_printer.h"

namespace braid::cli {
namespace {

constexpr const char* kPredictFooter = R"(Examples:
  braid predict --checkpoint runs/fashion shirt.png boot.jpg --top 3 --format json
  braid predict --checkpoint runs/fashion photos/ --on-bad-sample skip --format csv
  curl -s https://example.org/boot.jpg | braid predict --checkpoint runs/fashion -
  find photos -newer last -name '*.jpg' | braid predict --checkpoint runs/fashion --list - --format jsonl
  braid predict --checkpoint runs/sst2 "a film that stays with you"
  braid predict --checkpoint runs/ner "Grace Hopper works in Paris." --format json
  braid predict --checkpoint runs/squad --list questions.jsonl --format jsonl --top 1)";

struct PredictOptions {
  std::string checkpoint, format = "text", on_bad_sample = "error";
  std::string device = "cpu", dtype = "float32";
  std::vector<std::string> inputs;
  std::string list;
  int64_t top = 5;
  int64_t max_image_pixels = io::kMaxImagePixels;
  tasks::ViewOptions views;
  void visit(FieldVisitor& v) {
    v.field("top", top, "classes per image or text", {.least = 1, .most = 1'000'000});
    v.field(data::device_field(), device);
    v.field(data::dtype_field(), dtype);
    v.field(data::on_bad_sample_field(), on_bad_sample);
    v.field(data::max_image_pixels_field(), max_image_pixels);
    views.visit(v);
  }
};

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

// Arguments as they are; - and --list stand for lines. waits: called before a line that is not
// there yet.
void for_each_text(
    const PredictOptions& options, const std::function<void(std::string)>& use,
    const std::function<void()>& waits = [] {}) {
  const auto read_lines = [&](const std::string& file) {
    io::LineReader lines(file);
    while (true) {
      if (!lines.ready()) waits();
      auto line = lines.next();
      if (!line) break;
      use(std::move(*line));
    }
  };
  for (const auto& input : options.inputs)
    if (input == "-")
      read_lines(input);
    else
      use(input);
  if (!options.list.empty()) read_lines(options.list);
}

// The tokens that a language model puts in place of [MASK].
void fill_text(const PredictOptions& options, const tasks::TokenizedModel& model) {
  PredictionPrinter printer(options.format, "text");
  for_each_text(options, [&](const std::string& text) {
    for (const auto& fill : tasks::fill_masks(model, text, options.top, options.dtype)) {
      Json predictions = Json::array();
      for (const auto& one : fill)
        predictions.push_back(
            {{"class", one.token}, {"index", one.id}, {"probability", one.probability}});
      printer.print(text, predictions);
    }
  });
}

// The tokens that ELECTRA's discriminator takes for replaced ones.
void suspect_tokens(const PredictOptions& options, const tasks::TokenizedModel& model) {
  PredictionPrinter printer(options.format, "text");
  for_each_text(options, [&](const std::string& text) {
    Json predictions = Json::array();
    for (const auto& token : tasks::find_replaced(model, text, options.top, options.dtype))
      predictions.push_back({{"class", "replaced"},
                             {"word", token.text},
                             {"start", token.begin},
                             {"end", token.end},
                             {"probability", token.probability}});
    printer.print(text, predictions);
  });
}

// The answers to questions, each a JSON object with the text in which the answer stands.
void answer_questions(const PredictOptions& options, const tasks::TokenizedModel& model) {
  PredictionPrinter printer(options.format, "question");
  data::BadSamples bad(options.on_bad_sample);
  int64_t number = 0;
  for_each_text(options, [&](const std::string& line) {
    ++number;
    if (line.find_first_not_of(" \t\r\n") == std::string::npos) return;
    Json predictions = Json::array(), more = Json::object();
    std::string question;
    const bool answered = bad.guard([&] {
      const auto asked = data::parse_asked_question(line, fmt::format("question {}", number));
      question = asked.question;
      if (!asked.id.is_null()) more["id"] = asked.id;
      for (const auto& answer :
           tasks::find_answers(model, asked.question, asked.context, options.top, options.dtype))
        predictions.push_back({{"class", answer.text.empty() ? "(no answer)" : answer.text},
                               {"answer", answer.text},
                               {"start", answer.begin},
                               {"end", answer.end},
                               {"score", answer.score},
                               {"probability", answer.probability}});
    });
    if (answered)
      printer.print(question, predictions, more);
    else
      fmt::print(stderr, "skipped: {}\n", bad.last_message());
  });
}

// The entities in each text, in their order.
void tag_texts(const PredictOptions& options, const tasks::TokenizedModel& model) {
  PredictionPrinter printer(options.format, "text");
  for_each_text(options, [&](const std::string& text) {
    Json predictions = Json::array();
    for (const auto& entity : tasks::find_entities(model, text, options.dtype))
      predictions.push_back({{"class", entity.kind},
                             {"word", entity.text},
                             {"start", entity.begin},
                             {"end", entity.end},
                             {"probability", entity.probability}});
    printer.print(text, predictions);
  });
}

void label_texts(const PredictOptions& options, const std::filesystem::path& checkpoint) {
  constexpr size_t kBatch = 32;
  const auto classifier = tasks::load_tokenized_model(checkpoint);
  classifier.model->to(runtime::resolve_device(options.device));
  const auto head = classifier.model->head();
  if (tasks::detects_replaced(classifier)) return suspect_tokens(options, classifier);
  if (head == models::TextHead::kMaskedLm || head == models::TextHead::kPreTraining)
    return fill_text(options, classifier);
  if (head == models::TextHead::kQuestionAnswering) return answer_questions(options, classifier);
  if (head == models::TextHead::kTokenClassification) return tag_texts(options, classifier);
  tasks::expect_text_classifier(classifier, checkpoint);
  const auto& classes = classifier.hub.classes;
  PredictionPrinter printer(options.format, "text");
  std::vector<std::string> waiting;
  const auto label = [&] {
    if (waiting.empty()) return;
    const auto rows = tasks::classify(classifier, waiting, options.dtype);
    for (size_t i = 0; i < waiting.size(); ++i)
      printer.print(waiting[i],
                    top_classes(rows[static_cast<int64_t>(i)], options.top, [&](int64_t k) {
                      const auto at = static_cast<size_t>(k);
                      return at < classes.size() ? classes[at] : std::to_string(k);
                    }));
    waiting.clear();
  };
  const auto add = [&](std::string text) {
    waiting.push_back(std::move(text));
    if (waiting.size() == kBatch) label();
  };
  for_each_text(options, add, label);  // whoever writes line by line is answered
  label();
}

void run(PredictOptions options, const Json& flags) {
  update_from_json(options, flags, "flags");
  check_fields<UsageError>(options, "predict");
  if (options.inputs.empty() && options.list.empty())
    throw UsageError("predict", "expected images or texts, got none", "",
                     "name files or folders, - for standard input, or --list FILE");
  const auto progress = make_terminal_progress();
  const auto checkpoint = models::find_checkpoint(options.checkpoint, *progress);
  if (const auto kind = models::kind_of_checkpoint(checkpoint);
      kind == models::TextEncoder::kKind) {
    tasks::expect_no_views(options.views, kind);
    label_texts(options, checkpoint);
  } else {
    label_images(options, checkpoint, *progress);
  }
}

}  // namespace

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
