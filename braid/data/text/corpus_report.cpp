#include "braid/data/text/corpus_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <unordered_set>

#include "braid/core/utf8.h"
#include "braid/data/text/parallel_text.h"
#include "braid/data/text/plain_text.h"
#include "braid/data/text/questions.h"
#include "braid/data/text/tagged_text.h"

namespace braid::data {
namespace {

constexpr const char* kNoUtf8 = "with bytes that are no UTF-8, read as U+FFFD";

// Findings of one kind as they come.
class Finder {
 public:
  explicit Finder(std::string what) { found_.what = std::move(what); }
  void add(const std::string& place) {
    constexpr size_t kKept = 100;
    ++found_.count;
    if (found_.places.size() < kKept) found_.places.push_back(place);
  }
  void put_into(CorpusReport& report) const {
    if (found_.count > 0) report.findings.push_back(found_);
  }

 private:
  CorpusFinding found_;
};

// Tells what train has of the other splits, which are seen first; by hashes.
class Repeats {
 public:
  explicit Repeats(std::string what) : finder_(std::move(what)) {}
  void keep(const std::string& text) { held_out_.insert(std::hash<std::string>()(text)); }
  void look(const std::string& text, const std::string& place) {
    if (held_out_.contains(std::hash<std::string>()(text))) finder_.add(place);
  }
  const Finder& found() const { return finder_; }

 private:
  std::unordered_set<size_t> held_out_;
  Finder finder_;
};

template <class Part>
using NamedParts = std::vector<std::pair<std::string, Part>>;

// The others first, as Repeats wants them.
template <class Part, class See>
void see_train_last(const NamedParts<Part>& parts, const See& see) {
  for (const bool train : {false, true})
    for (size_t i = 0; i < parts.size(); ++i)
      if (parts[i].second && (parts[i].first == "train") == train) see(i);
}

template <class Part>
std::vector<CorpusPart> empty_parts(const NamedParts<Part>& parts) {
  std::vector<CorpusPart> out;
  for (const auto& part : parts)
    out.push_back({.name = part.first, .counts = {}, .words = {}, .labels = {}});
  return out;
}

void drop_missing_parts(CorpusReport& report) {
  std::erase_if(report.parts, [](const CorpusPart& part) { return part.counts.empty(); });
}

// What no one can use, first of the findings.
void put_bad_samples(CorpusReport& report, int64_t count, std::vector<std::string> messages) {
  report.bad_samples = count;
  if (count > 0)
    report.findings.push_back({report.item + "s that cannot be used", count, std::move(messages)});
}

// Shows how far it is, now and then.
void show(Progress& progress, int64_t seen) {
  constexpr int64_t kStep = 4096;
  if (seen % kStep == 0) progress.update(seen, "");
}

// What goes through the pairs of a split.
class PairLooker {
 public:
  void look(const ParallelText& pairs, bool train, CorpusPart& part, Progress& progress) {
    std::vector<int64_t> source_words, target_words;
    progress.begin("read " + part.name, pairs.size());
    for (int64_t i = 0; i < pairs.size(); ++i) {
      show(progress, i);
      const auto pair = pairs.get(i);
      source_words.push_back(count_words(pair.source));
      target_words.push_back(count_words(pair.target));
      judge(pair, source_words.back(), target_words.back(), pairs.describe(i));
      const std::string both = pair.source + '\n' + pair.target;
      if (train)
        repeats_.look(both, pairs.describe(i));
      else
        repeats_.keep(both);
    }
    progress.end();
    part.counts = {{"pairs", pairs.size()}};
    part.words = {{"source", lengths_of(std::move(source_words))},
                  {"target", lengths_of(std::move(target_words))}};
  }
  void put_into(CorpusReport& report) const {
    for (const auto* finder : {&empty_, &no_utf8_, &same_, &uneven_, &repeats_.found()})
      finder->put_into(report);
  }

 private:
  void judge(const TextPair& pair, int64_t source, int64_t target, const std::string& place) {
    constexpr int64_t kRatio = 9, kShort = 9;  // words, as Moses cleans its corpora
    const auto is_utf8 = [](const std::string& text) {
      return valid_utf8_prefix(text) == text.size();
    };
    if (!is_utf8(pair.source) || !is_utf8(pair.target)) no_utf8_.add(place);
    if (source == 0 || target == 0) return empty_.add(place);
    if (pair.source == pair.target && source > 1) same_.add(place);
    const auto [less, more] = std::minmax(source, target);
    if (more > kShort && more > kRatio * less) uneven_.add(place);
  }

  Finder empty_{"pairs with an empty side, left out of training"},
      no_utf8_{fmt::format("pairs {}", kNoUtf8)}, same_{"pairs whose sides are the same text"},
      uneven_{"pairs of which one side has over 9 times the words of the other"};
  Repeats repeats_{"pairs of train that another split has too"};
};

std::string sentence_text(const std::vector<std::string>& words) {
  std::string text;
  for (const auto& word : words) text += word + '\n';
  return text;
}

void find_small_tags(CorpusReport& report) {
  constexpr int64_t kFew = 5;
  Finder few("tags with few words in train");
  for (const auto& part : report.parts)
    for (size_t k = 0; part.name == "train" && k < part.labels.size(); ++k)
      if (part.labels[k] < kFew) few.add(fmt::format("{} ({})", report.labels[k], part.labels[k]));
  few.put_into(report);
}

// Columns as wide as their names want, 10 at least.
size_t width_of(const std::string& name) { return std::max<size_t>(name.size(), 10); }

bool has_part(const CorpusReport& report, const std::string& name) {
  return std::any_of(report.parts.begin(), report.parts.end(),
                     [&](const CorpusPart& part) { return part.name == name; });
}

std::string capitalized(std::string text) {
  if (!text.empty() && text[0] >= 'a' && text[0] <= 'z')
    text[0] = static_cast<char>(text[0] - 'a' + 'A');
  return text;
}

}  // namespace

CorpusReport describe_parallel(const std::string& spec, const std::string& source_lang,
                               const std::string& target_lang, Progress& progress) {
  const auto splits = open_parallel_text(
      spec, {.source_lang = source_lang, .target_lang = target_lang, .for_training = false});
  NamedParts<ParallelTextPtr> parts = {{"train", splits.train}, {"val", splits.val}};
  parts.insert(parts.end(), splits.tests.begin(), splits.tests.end());
  CorpusReport report{
      .kind = fmt::format("parallel text, {} to {}", splits.source_lang, splits.target_lang),
      .item = "pair",
      .parts = empty_parts(parts),
      .labels = {},
      .findings = {},
      .remarks = splits.remarks};
  PairLooker looker;
  see_train_last(parts, [&](size_t i) {
    looker.look(*parts[i].second, parts[i].first == "train", report.parts[i], progress);
  });
  looker.put_into(report);
  drop_missing_parts(report);
  return report;
}

CorpusReport describe_tagged(const std::string& spec, Progress& progress) {
  const auto splits = open_tagged_texts(spec, {.on_bad_sample = "skip"});
  const NamedParts<TaggedTextsPtr> parts = {
      {"train", splits.train}, {"val", splits.val}, {"test", splits.test}};
  CorpusReport report{.kind = "words with tags",
                      .item = "sentence",
                      .parts = empty_parts(parts),
                      .labels = {},
                      .findings = {},
                      .remarks = remarks_on(splits.left_out, splits.remarks, spec)};
  put_bad_samples(report, splits.bad_samples, splits.bad_sample_messages);
  Repeats repeats("sentences of train that another split has too");
  progress.begin("read", 0);
  see_train_last(parts, [&](size_t i) {
    const auto& texts = *parts[i].second;
    auto& part = report.parts[i];
    report.labels = texts.tags();  // all have the same
    part.labels.assign(texts.tags().size(), 0);
    std::vector<int64_t> lengths;
    int64_t words = 0;
    for (int64_t k = 0; k < texts.size(); ++k) {
      const auto& sentence = texts.get(k);
      lengths.push_back(static_cast<int64_t>(sentence.words.size()));
      words += lengths.back();
      for (const int64_t tag : sentence.tags) ++part.labels[static_cast<size_t>(tag)];
      if (parts[i].first == "train")
        repeats.look(sentence_text(sentence.words), texts.describe(k));
      else
        repeats.keep(sentence_text(sentence.words));
    }
    part.counts = {{"sentences", texts.size()}, {"words", words}};
    part.words = {{"sentence", lengths_of(std::move(lengths))}};
  });
  progress.end();
  repeats.found().put_into(report);
  find_small_tags(report);
  drop_missing_parts(report);
  return report;
}

CorpusReport describe_questions(const std::string& spec, Progress& progress) {
  progress.begin("read", 0);
  const auto splits = open_questions(spec, {.on_bad_sample = "skip", .val_fraction = 0});
  progress.end();
  CorpusReport report{.kind = "questions on texts",
                      .item = "question",
                      .parts = {},
                      .labels = {},
                      .findings = {},
                      .remarks = remarks_on(splits.left_out, splits.remarks, spec)};
  put_bad_samples(report, splits.bad_samples, splits.bad_sample_messages);
  for (const auto& [name, questions] :
       {std::pair("train", splits.train), {"val", splits.val}, {"test", splits.test}}) {
    if (!questions) continue;
    int64_t without = 0;
    std::vector<int64_t> question_words, context_words;
    for (int64_t i = 0; i < questions->size(); ++i) {
      question_words.push_back(count_words(questions->get(i).text));
      without += questions->get(i).answers.empty() ? 1 : 0;
    }
    for (const auto& context : questions->contexts()) context_words.push_back(count_words(context));
    report.parts.push_back(
        {.name = name,
         .counts = {{"questions", questions->size()},
                    {"contexts", static_cast<int64_t>(questions->contexts().size())},
                    {"without_answer", without}},
         .words = {{"question", lengths_of(std::move(question_words))},
                   {"context", lengths_of(std::move(context_words))}},
         .labels = {}});
  }
  return report;
}

CorpusReport describe_plain(const std::string& spec, Progress& progress) {
  const auto files = find_plain_text(spec);
  BadSamples bad("skip");
  CorpusReport report{.kind = "plain text",
                      .item = "text",
                      .parts = {},
                      .labels = {},
                      .findings = {},
                      .remarks = {}};
  Finder no_utf8(fmt::format("documents {}", kNoUtf8)), empty("rows with an empty text");
  progress.begin("read", 0);
  int64_t seen = 0;
  for (const auto& [name, paths] : {std::pair("train", files.train), {"val", files.val}}) {
    if (paths.empty()) continue;
    std::vector<int64_t> lengths;
    int64_t words = 0, bytes = 0;
    DocumentReader reader(paths, Documents::kAuto, bad);
    while (const auto document = reader.next()) {
      show(progress, seen++);
      lengths.push_back(count_words(*document));
      words += lengths.back();
      bytes += static_cast<int64_t>(document->size());
      if (reader.replaced()) no_utf8.add(reader.place());
      if (lengths.back() == 0) empty.add(reader.place());
    }
    report.parts.push_back({.name = name,
                            .counts = {{"documents", static_cast<int64_t>(lengths.size())},
                                       {"words", words},
                                       {"bytes", bytes}},
                            .words = {{"document", lengths_of(std::move(lengths))}},
                            .labels = {}});
  }
  progress.end();
  report.remarks = remarks_on(files.left_out, files.remarks, spec);
  if (const auto remark = bad.remark("row")) report.remarks.push_back(*remark);
  put_bad_samples(report, bad.count(), bad.messages());
  no_utf8.put_into(report);
  empty.put_into(report);
  return report;
}

Json corpus_json(const CorpusReport& report) {
  Json json = {{"kind", report.kind}};
  // What is not there is said, as of images and of labelled texts.
  for (const char* name : {"train", "val"}) json["splits"][name] = nullptr;
  if (std::all_of(report.parts.begin(), report.parts.end(), [](const CorpusPart& part) {
        return part.name == "train" || part.name == "val";
      }))
    json["splits"]["test"] = nullptr;
  for (const auto& part : report.parts) {
    auto& split = json["splits"][part.name] = Json::object();
    for (const auto& [what, count] : part.counts) split[what] = count;
    for (const auto& [what, lengths] : part.words)
      json["words"][part.name][what] = to_json(lengths);
    for (size_t k = 0; k < part.labels.size(); ++k)
      json["labels"][report.labels[k]][part.name] = part.labels[k];
  }
  json["bad_samples"] = report.bad_samples;
  json["findings"] = Json::array();
  for (const auto& finding : report.findings)
    json["findings"].push_back(
        {{"what", finding.what}, {"count", finding.count}, {"places", finding.places}});
  json["remarks"] = report.remarks;
  return json;
}

std::string counts_text(const CorpusReport& report) {
  std::string text = fmt::format("{:12}", "");
  if (!report.parts.empty())
    for (const auto& [what, count] : report.parts.front().counts) {
      std::string name = what;
      std::replace(name.begin(), name.end(), '_', ' ');
      text += fmt::format(" {:>{}}", name, width_of(what));
    }
  text += '\n';
  for (const auto& part : report.parts) {
    text += fmt::format("{:12}", part.name);
    for (const auto& [what, count] : part.counts)
      text += fmt::format(" {:{}}", count, width_of(what));
    text += '\n';
  }
  if (!report.labels.empty()) {
    text += fmt::format("\n{:24}", "tag");
    for (const auto& part : report.parts) text += fmt::format(" {:>10}", part.name);
    text += '\n';
    for (size_t k = 0; k < report.labels.size(); ++k) {
      text += fmt::format("{:24}", report.labels[k]);
      for (const auto& part : report.parts) text += fmt::format(" {:10}", part.labels[k]);
      text += '\n';
    }
  }
  text += '\n';
  for (const auto& part : report.parts)
    for (const auto& [what, lengths] : part.words)
      text += lengths_line(fmt::format("Words of a {}, {}", what, part.name), lengths);
  if (has_part(report, "train") && !has_part(report, "val"))
    text += "\nTraining splits a val off train (--val-fraction).\n";
  return text;
}

std::string findings_text(const CorpusReport& report) {
  constexpr size_t kShown = 20;
  std::string text;
  for (const auto& finding : report.findings) {
    text += fmt::format("{}: {}\n", capitalized(finding.what), finding.count);
    const size_t shown = std::min(kShown, finding.places.size());
    for (size_t i = 0; i < shown; ++i) text += "  " + finding.places[i] + "\n";
    if (const auto rest = finding.count - static_cast<int64_t>(shown); rest > 0)
      text += fmt::format("  and {} more\n", rest);
  }
  text += report.bad_samples == 0 ? fmt::format("Every {} can be read.\n", report.item)
                                  : fmt::format("{} {}{} cannot be used.\n", report.bad_samples,
                                                report.item, report.bad_samples == 1 ? "" : "s");
  return text;
}

}  // namespace braid::data
