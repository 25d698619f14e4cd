#include "cli/data_texts.h"

#include <fmt/format.h>

#include "braid/core/error.h"
#include "braid/core/progress.h"
#include "braid/data/text/plain_text.h"
#include "braid/data/text/questions.h"
#include "braid/data/text/text_summary.h"

namespace braid::cli {
namespace {

using NamedTexts = std::vector<std::pair<std::string, data::TextDatasetPtr>>;

NamedTexts splits_of(const data::TextSplits& splits) {
  return {{"train", splits.train}, {"val", splits.val}, {"test", splits.test}};
}

data::TextSplits open_all(const std::string& spec) {
  return data::open_text_source(spec, {.on_bad_sample = "skip"});
}

void print_json(const Json& json) {
  fmt::print("{}\n", json.dump(2, ' ', false, Json::error_handler_t::replace));
}

struct PlainCounts {
  int64_t documents = 0, words = 0, bytes = 0;
};

PlainCounts count_plain(const std::vector<std::filesystem::path>& files) {
  PlainCounts counts;
  for (const auto& file : files)
    data::for_each_document(file, data::Documents::kAuto, [&](const std::string& text) {
      ++counts.documents;
      counts.bytes += static_cast<int64_t>(text.size());
      bool in_word = false;
      for (const char c : text) {
        const bool space = c == ' ' || (c >= '\t' && c <= '\r');
        counts.words += !space && !in_word ? 1 : 0;
        in_word = !space;
      }
    });
  return counts;
}

}  // namespace

void describe_texts(const std::string& spec, const std::string& format) {
  const auto splits = open_all(spec);
  const auto parts = splits_of(splits);
  const auto& any = splits.train ? *splits.train : splits.val ? *splits.val : *splits.test;
  const auto& classes = any.classes();
  if (format == "json") {
    Json json = {{"name", spec}, {"classes", classes}, {"pairs", any.get(0).pair.has_value()}};
    for (const auto& [name, part] : parts)
      json["splits"][name] =
          part ? Json{{"texts", part->size()}, {"per_class", data::count_labels(*part)}}
               : Json(nullptr);
    json["left_out"] = to_json(data::summary_of(splits)).at("left_out");
    json["bad_samples"] = splits.bad_samples;
    json["remarks"] = splits.remarks;
    print_json(json);
    return;
  }
  fmt::print("{}: {} classes of {}\n\n{:24}", spec, classes.size(),
             any.get(0).pair ? "pairs of texts" : "texts", "class");
  std::vector<std::vector<int64_t>> columns;
  for (const auto& [name, part] : parts)
    if (part) {
      fmt::print(" {:>9}", name);
      columns.push_back(data::count_labels(*part));
    }
  fmt::print("\n");
  for (size_t k = 0; k < classes.size(); ++k) {
    fmt::print("{:24}", classes[k]);
    for (const auto& column : columns) fmt::print(" {:9}", column[k]);
    fmt::print("\n");
  }
  fmt::print("{:24}", "all");
  for (const auto& [name, part] : parts)
    if (part) fmt::print(" {:9}", part->size());
  fmt::print("\n");
  for (const auto& line : data::remarks_on(splits, spec)) fmt::print("\n{}\n", line);
  if (splits.train && !splits.val)
    fmt::print("\nTraining splits a val off train (--val-fraction).\n");
}

void describe_plain_text(const std::string& spec, const std::string& format) {
  const auto files = data::find_plain_text(spec);
  const auto train = count_plain(files.train), val = count_plain(files.val);
  if (format == "json") {
    const auto json = [](const PlainCounts& counts) {
      return Json{
          {"documents", counts.documents}, {"words", counts.words}, {"bytes", counts.bytes}};
    };
    print_json(Json{{"name", spec}, {"splits", {{"train", json(train)}, {"val", json(val)}}}});
    return;
  }
  fmt::print("{}: plain text\n\n{:8} {:>10} {:>12} {:>12}\n", spec, "", "documents", "words",
             "bytes");
  for (const auto& [name, counts] : {std::pair("train", train), {"val", val}})
    if (counts.documents > 0)
      fmt::print("{:8} {:10} {:12} {:12}\n", name, counts.documents, counts.words, counts.bytes);
  for (const auto& left_out : files.left_out)
    fmt::print("\nLeft out of {}: {}\n", spec, to_text(left_out));
}

void describe_questions(const std::string& spec, const std::string& format, bool strict) {
  const auto splits = data::open_questions(spec, {.on_bad_sample = "skip", .val_fraction = 0});
  Json json = {{"name", spec}, {"bad_samples", splits.bad_samples}, {"remarks", splits.remarks}};
  for (const auto& [name, part] :
       {std::pair("train", splits.train), {"val", splits.val}, {"test", splits.test}}) {
    if (!part) continue;
    int64_t without = 0;
    for (int64_t i = 0; i < part->size(); ++i) without += part->get(i).answers.empty() ? 1 : 0;
    json["splits"][name] = {{"questions", part->size()},
                            {"contexts", part->contexts().size()},
                            {"without_answer", without}};
  }
  if (format == "json") {
    print_json(json);
  } else {
    fmt::print("{}: questions on texts\n\n{:8} {:>10} {:>10} {:>15}\n", spec, "", "questions",
               "contexts", "without answer");
    for (const auto& [name, counts] : json.at("splits").items())
      fmt::print("{:8} {:10} {:10} {:15}\n", name, counts.at("questions").get<int64_t>(),
                 counts.at("contexts").get<int64_t>(), counts.at("without_answer").get<int64_t>());
    for (const auto& line : splits.remarks) fmt::print("\n{}\n", line);
  }
  if (strict && splits.bad_samples > 0)
    throw DataError("data",
                    fmt::format("{} question{} cannot be used", splits.bad_samples,
                                splits.bad_samples == 1 ? "" : "s"),
                    spec, "mend or remove them, or train with --on-bad-sample skip");
}

void check_labelled_texts(const std::string& spec, const std::string& format, int64_t threads) {
  const auto progress = make_terminal_progress();
  const auto report = data::check_texts(open_all(spec), threads, *progress);
  if (format == "json")
    print_json(to_json(report));
  else
    fmt::print("{}", to_text(report));
  if (report.bad_samples > 0)
    throw DataError("data",
                    fmt::format("{} text{} cannot be used", report.bad_samples,
                                report.bad_samples == 1 ? "" : "s"),
                    spec, "mend or remove them, or train with --on-bad-sample skip");
}

}  // namespace braid::cli
