// braid predict for texts: a line, an answer.
#include <fmt/format.h>

#include <cstdio>
#include <functional>
#include <optional>
#include <utility>

#include "braid/core/error.h"
#include "braid/core/name_at.h"
#include "braid/data/bad_samples.h"
#include "braid/data/cut_examples.h"
#include "braid/data/text/asked_example.h"
#include "braid/data/text/questions.h"
#include "braid/io/line_file.h"
#include "braid/models/text/text_model.h"
#include "braid/runtime/device.h"
#include "braid/tasks/text/answer_finder.h"
#include "braid/tasks/text/masked_lm.h"
#include "braid/tasks/text/replaced_tokens.h"
#include "braid/tasks/text/text_classifier.h"
#include "braid/tasks/text/token_tagger.h"
#include "cli/predict.h"
#include "cli/prediction_printer.h"

namespace braid::cli {
namespace {

struct AskedLine {
  std::string text, place;  // "lines.txt:17"
  int64_t number = 0;       // among all, from 1
};

bool is_blank(const std::string& text) {
  return text.find_first_not_of(" \t\r\n") == std::string::npos;
}

// waits: called before a line that is not there yet.
void for_each_line(
    const PredictOptions& options, const std::function<void(AskedLine)>& use,
    const std::function<void()>& waits = [] {}) {
  int64_t number = 0;
  const auto read_lines = [&](const std::string& file) {
    const std::string name = file == "-" ? "standard input" : file;
    io::LineReader lines(file);
    for (int64_t line = 1;; ++line) {
      if (!lines.ready()) waits();
      auto text = lines.next();
      if (!text) break;
      use({std::move(*text), fmt::format("{}:{}", name, line), ++number});
    }
  };
  for (size_t i = 0; i < options.inputs.size(); ++i)
    if (options.inputs[i] == "-")
      read_lines("-");
    else
      use({options.inputs[i], fmt::format("argument {}", i + 1), ++number});
  if (!options.list.empty()) read_lines(options.list);
}

// Prints what a model makes of lines, and keeps count of those that it cannot read or reads in
// part.
class LineAnswers {
 public:
  // what: an item is; more_columns: see PredictionPrinter.
  LineAnswers(const PredictOptions& options, const tasks::TokenizedModel& model, std::string what,
              std::vector<std::string> more_columns = {"line"})
      : bad_(options.on_bad_sample),
        printer_(options.format, std::move(what), std::move(more_columns)) {
    cut_.max_length = model.max_length;
  }

  // Calls `answer`; what it throws of the line says where that is. False where the line is left
  // out.
  bool guard(const AskedLine& line, const std::function<void()>& answer) {
    const bool good = bad_.guard([&] {
      try {
        answer();
      } catch (const DataError& e) {
        const std::string reason = e.what();
        if (reason.find(line.place) != std::string::npos) throw;
        throw DataError("predict", reason.substr(reason.find(' ') + 1), line.place);
      }
    });
    if (!good) fmt::print(stderr, "skipped: {}\n", bad_.last_message());
    return good;
  }
  // truncated: tokens that were cut from the line.
  void count(int64_t truncated) {
    ++cut_.of;
    cut_.count += truncated > 0 ? 1 : 0;
  }
  void print(const AskedLine& line, const std::string& item, const Json& predictions,
             int64_t truncated = 0, Json more = Json::object()) {
    more["line"] = line.number;
    if (truncated > 0) more["cut"] = true;
    printer_.print(item, predictions, more);
  }
  // Nothing can be said of it.
  void print_blank(const AskedLine& line) {
    count(0);
    print(line, line.text, Json::array());
  }

  void finish(Progress& progress) const {
    if (cut_.count > 0) progress.line(to_text(cut_) + ".");
    if (bad_.count() > 0 && cut_.of == 0)
      throw DataError(
          "predict",
          fmt::format("expected lines that the model can answer, got none among {}", bad_.count()),
          "", "the first of them says why");
    if (bad_.count() > 0)
      progress.line(fmt::format("{} of {} lines {} left out.", bad_.count(), bad_.count() + cut_.of,
                                bad_.count() == 1 ? "is" : "are"));
  }

 private:
  data::BadSamples bad_;
  data::CutExamples cut_;
  PredictionPrinter printer_;
};

// The tokens that a language model puts in place of each [MASK].
void fill_lines(const PredictOptions& options, const tasks::TokenizedModel& model,
                LineAnswers& answers) {
  for_each_line(options, [&](const AskedLine& line) {
    if (is_blank(line.text)) return answers.print_blank(line);
    std::vector<std::vector<tasks::MaskFill>> fills;
    int64_t truncated = 0;
    if (!answers.guard(line, [&] {
          fills = tasks::fill_masks(model, line.text, options.top, options.dtype, &truncated);
        }))
      return;
    answers.count(truncated);
    for (size_t mask = 0; mask < fills.size(); ++mask) {
      Json predictions = Json::array();
      for (const auto& one : fills[mask])
        predictions.push_back(
            {{"class", one.token}, {"index", one.id}, {"probability", one.probability}});
      answers.print(line, line.text, predictions, truncated, {{"mask", mask + 1}});
    }
  });
}

// The tokens that ELECTRA's discriminator takes for replaced ones.
void suspect_lines(const PredictOptions& options, const tasks::TokenizedModel& model,
                   LineAnswers& answers) {
  for_each_line(options, [&](const AskedLine& line) {
    Json predictions = Json::array();
    int64_t truncated = 0;
    if (!answers.guard(line, [&] {
          for (const auto& token :
               tasks::find_replaced(model, line.text, options.top, options.dtype, &truncated))
            predictions.push_back({{"class", "replaced"},
                                   {"word", token.text},
                                   {"start", token.begin},
                                   {"end", token.end},
                                   {"probability", token.probability}});
        }))
      return;
    answers.count(truncated);
    answers.print(line, line.text, predictions, truncated);
  });
}

// The answers to questions, each a JSON object with the text in which the answer stands.
void answer_lines(const PredictOptions& options, const tasks::TokenizedModel& model,
                  LineAnswers& answers) {
  for_each_line(options, [&](const AskedLine& line) {
    if (is_blank(line.text)) return answers.print_blank(line);
    Json predictions = Json::array(), more = Json::object();
    std::string question;
    if (!answers.guard(line, [&] {
          const auto asked = data::parse_asked_question(line.text, line.place);
          question = asked.question;
          if (!asked.id.is_null()) more["id"] = asked.id;
          for (const auto& answer : tasks::find_answers(model, asked.question, asked.context,
                                                        options.top, options.dtype))
            predictions.push_back({{"class", answer.text.empty() ? "(no answer)" : answer.text},
                                   {"answer", answer.text},
                                   {"start", answer.begin},
                                   {"end", answer.end},
                                   {"score", answer.score},
                                   {"probability", answer.probability}});
        }))
      return;
    answers.count(0);
    answers.print(line, question, predictions, 0, more);
  });
}

// The entities in each text, in their order.
void tag_lines(const PredictOptions& options, const tasks::TokenizedModel& model,
               LineAnswers& answers) {
  for_each_line(options, [&](const AskedLine& line) {
    Json predictions = Json::array();
    int64_t truncated = 0;
    if (!answers.guard(line, [&] {
          for (const auto& entity :
               tasks::find_entities(model, line.text, options.dtype, &truncated))
            predictions.push_back({{"class", entity.kind},
                                   {"word", entity.text},
                                   {"start", entity.begin},
                                   {"end", entity.end},
                                   {"probability", entity.probability}});
        }))
      return;
    answers.count(truncated);
    answers.print(line, line.text, predictions, truncated);
  });
}

// Classes of texts, or of pairs of them, many at a time.
class LineClassifier {
 public:
  LineClassifier(const PredictOptions& options, const tasks::TokenizedModel& model,
                 LineAnswers& answers)
      : options_(options), model_(model), answers_(answers) {}

  void run(Progress& progress) {
    try {
      // Whoever writes line by line is answered.
      for_each_line(
          options_, [&](AskedLine line) { add(std::move(line)); }, [&] { answer(); });
    } catch (const Error&) {
      answer();  // what was read before
      throw;
    }
    answer();
    if (tabs_ > 0)
      progress.line(
          fmt::format("A tab is in {} of the lines: the model judges each as one text.", tabs_));
  }

 private:
  struct Waiting {
    AskedLine line;
    data::TextExample text;
  };

  void add(AskedLine line) {
    constexpr size_t kBatch = 32;
    const bool pairs = model_.hub.text_pairs;
    if (pairs && is_blank(line.text)) {
      answer();
      return answers_.print_blank(line);
    }
    data::TextExample text;
    std::optional<DataError> fault;
    try {
      text = data::asked_example(io::parse_asked_text(line.text, pairs, line.place));
    } catch (const DataError& e) {
      fault = e;
    }
    if (fault) {
      answer();
      answers_.guard(line, [&] { throw DataError(*fault); });
      return;
    }
    tabs_ += !pairs && line.text.find('\t') != std::string::npos ? 1 : 0;
    waiting_.push_back({std::move(line), std::move(text)});
    if (waiting_.size() == kBatch) answer();
  }

  void answer() {
    const auto waiting = std::exchange(waiting_, {});
    if (waiting.empty()) return;
    std::vector<data::TextExample> texts;
    for (const auto& one : waiting) texts.push_back(one.text);
    torch::Tensor rows;
    std::vector<int64_t> truncated;
    try {
      rows = tasks::classify(model_, texts, options_.dtype, &truncated);
    } catch (const DataError&) {  // of one of them: each by itself says which
      for (const auto& one : waiting)
        if (answers_.guard(one.line, [&] {
              rows = tasks::classify(model_, {one.text}, options_.dtype, &truncated);
            }))
          print(one, rows[0], truncated[0]);
      return;
    }
    for (size_t i = 0; i < waiting.size(); ++i)
      print(waiting[i], rows[static_cast<int64_t>(i)], truncated[i]);
  }

  void print(const Waiting& one, const torch::Tensor& probabilities, int64_t truncated) {
    const auto& classes = model_.hub.classes;
    const auto predictions =
        top_classes(probabilities, options_.top, [&](int64_t k) { return name_at(classes, k); });
    answers_.count(truncated);
    const auto& [text, pair, label] = one.text;
    if (!pair) return answers_.print(one.line, text, predictions, truncated);
    answers_.print(one.line, text + "\t" + *pair, predictions, truncated,
                   {{"text", text}, {"text_pair", *pair}});
  }

  const PredictOptions& options_;
  const tasks::TokenizedModel& model_;
  LineAnswers& answers_;
  std::vector<Waiting> waiting_;
  int64_t tabs_ = 0;  // lines of one text that have any
};

}  // namespace

void predict_texts(const PredictOptions& options, const std::filesystem::path& checkpoint,
                   Progress& progress) {
  auto model = tasks::load_tokenized_model(checkpoint);
  model.truncate = options.truncate;
  model.model->to(runtime::resolve_device(options.device));
  const auto head = model.model->head();
  const bool asks = head == models::TextHead::kQuestionAnswering;
  const bool suspects = tasks::detects_replaced(model);
  const bool fills =
      !suspects && (head == models::TextHead::kMaskedLm || head == models::TextHead::kPreTraining);
  const bool tags = head == models::TextHead::kTokenClassification;
  if (!asks && !suspects && !fills && !tags) tasks::expect_text_classifier(model, checkpoint);
  LineAnswers answers(
      options, model, asks ? "question" : "text",
      fills ? std::vector<std::string>{"line", "mask"} : std::vector<std::string>{"line"});
  if (suspects)
    suspect_lines(options, model, answers);
  else if (fills)
    fill_lines(options, model, answers);
  else if (asks)
    answer_lines(options, model, answers);
  else if (tags)
    tag_lines(options, model, answers);
  else
    LineClassifier(options, model, answers).run(progress);
  answers.finish(progress);
}

}  // namespace braid::cli
