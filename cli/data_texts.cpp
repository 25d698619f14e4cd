#include "cli/data_texts.h"

#include <fmt/format.h>

#include "braid/core/error.h"
#include "braid/core/progress.h"
#include "braid/data/text/corpus_report.h"
#include "braid/data/text/text_summary.h"
#include "cli/class_table.h"

namespace braid::cli {
namespace {

data::TextSplits open_all(const std::string& spec) {
  return data::open_text_source(spec, {.on_bad_sample = "skip"});
}

void print_json(const Json& json) { fmt::print("{}\n", dump_json(json, 2)); }

data::CorpusReport read_corpus(const CorpusOptions& options) {
  const auto progress = make_terminal_progress();
  switch (options.kind) {
    case data::DataKind::kParallelText:
      return data::describe_parallel(options.spec, options.source_lang, options.target_lang,
                                     *progress);
    case data::DataKind::kTaggedText:
      return data::describe_tagged(options.spec, *progress);
    case data::DataKind::kQuestions:
      return data::describe_questions(options.spec, *progress);
    case data::DataKind::kPlainText:
      return data::describe_plain(options.spec, *progress);
    case data::DataKind::kImages:
    case data::DataKind::kLabelledText:
      break;
  }
  throw InternalError("data", std::string("no report on ") + to_string(options.kind));
}

Json named_json(const CorpusOptions& options, const data::CorpusReport& report) {
  Json json = {{"name", options.spec}};
  json.update(data::corpus_json(report));
  return json;
}

[[noreturn]] void fail_unusable(int64_t count, const std::string& item, const std::string& spec) {
  throw DataError("data", fmt::format("{} {}{} cannot be used", count, item, count == 1 ? "" : "s"),
                  spec, "mend or remove them, or train with --on-bad-sample skip");
}

}  // namespace

void describe_texts(const std::string& spec, const std::string& format) {
  const auto splits = open_all(spec);
  const auto& any = splits.train ? *splits.train : splits.val ? *splits.val : *splits.test;
  const auto& classes = any.classes();
  const auto columns = class_columns(splits);
  if (format == "json") {
    Json json = {{"name", spec}, {"classes", classes}, {"pairs", any.get(0).pair.has_value()}};
    json["splits"] = class_columns_json(columns, "texts");
    json["left_out"] = to_json(data::summary_of(splits)).at("left_out");
    json["bad_samples"] = splits.bad_samples;
    json["remarks"] = splits.remarks;
    print_json(json);
    return;
  }
  fmt::print("{}: {} classes of {}\n\n", spec, classes.size(),
             any.get(0).pair ? "pairs of texts" : "texts");
  print_class_table(classes, columns);
  for (const auto& line : data::remarks_on(splits, spec)) fmt::print("\n{}\n", line);
  if (splits.train && !splits.val)
    fmt::print("\nTraining splits a val off train (--val-fraction).\n");
}

void describe_corpus(const CorpusOptions& options) {
  const auto report = read_corpus(options);
  if (options.format == "json") return print_json(named_json(options, report));
  fmt::print("{}: {}\n\n{}", options.spec, report.kind, data::counts_text(report));
  for (const auto& line : report.remarks) fmt::print("\n{}\n", line);
}

void check_corpus(const CorpusOptions& options) {
  const auto report = read_corpus(options);
  if (options.format == "json") {
    print_json(named_json(options, report));
  } else {
    fmt::print("{}: {}\n\n{}", options.spec, report.kind, data::counts_text(report));
    for (const auto& line : report.remarks) fmt::print("{}\n", line);
    fmt::print("{}", data::findings_text(report));
  }
  if (report.bad_samples > 0) fail_unusable(report.bad_samples, report.item, options.spec);
}

void check_labelled_texts(const std::string& spec, const std::string& format, int64_t threads) {
  const auto progress = make_terminal_progress();
  const auto report = data::check_texts(open_all(spec), threads, *progress);
  if (format == "json")
    print_json(to_json(report));
  else
    fmt::print("{}", to_text(report));
  if (report.bad_samples > 0) fail_unusable(report.bad_samples, "text", spec);
}

}  // namespace braid::cli
