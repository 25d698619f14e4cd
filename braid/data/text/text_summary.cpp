#include "braid/data/text/text_summary.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <atomic>
#include <functional>
#include <mutex>
#include <thread>
#include <unordered_map>
#include <utility>

#include "braid/core/error.h"
#include "braid/core/utf8.h"
#include "braid/data/stratify.h"
#include "braid/io/digest.h"

namespace braid::data {
namespace {

struct TextSplit {
  std::string name;
  TextDatasetPtr texts;
};

// What is kept of a text.
struct SeenText {
  uint32_t split = 0;
  int64_t index = 0;
  int64_t words = 0, characters = 0;
  std::string digest;  // the first half of its checksum; empty: it could not be read
};

std::vector<TextSplit> parts_of(const TextSplits& splits) {
  std::vector<TextSplit> parts;
  for (const auto& [name, texts] :
       {std::pair("train", splits.train), {"val", splits.val}, {"test", splits.test}})
    if (texts) parts.push_back({name, texts});
  return parts;
}

void measure(std::string_view text, SeenText& seen) {
  seen.words += count_words(text);
  seen.characters += std::count_if(text.begin(), text.end(), starts_code_point);
}

void look_at_text(const TextDataset& texts, SeenText& seen) {
  constexpr size_t kHalf = 32;
  const auto example = texts.get(seen.index);
  std::string all = example.text;
  measure(example.text, seen);
  if (example.pair) {
    measure(*example.pair, seen);
    all += '\0' + *example.pair;
  }
  seen.digest = io::sha256({all.begin(), all.end()}).substr(0, kHalf);
}

void look_at_texts(std::vector<SeenText>& all, const std::vector<TextSplit>& parts, int64_t threads,
                   TextReport& report, Progress& progress) {
  constexpr size_t kShown = 100, kStep = 256;
  std::atomic<size_t> next = 0;
  std::mutex mutex;
  std::exception_ptr failure;
  const auto work = [&] {
    for (size_t begin = next.fetch_add(kStep); begin < all.size(); begin = next.fetch_add(kStep)) {
      for (size_t i = begin; i < std::min(begin + kStep, all.size()); ++i) {
        try {
          look_at_text(*parts[all[i].split].texts, all[i]);
        } catch (const Error& e) {
          const std::lock_guard lock(mutex);
          ++report.bad_samples;
          if (report.unreadable.size() < kShown) report.unreadable.emplace_back(e.what());
        } catch (...) {  // such as too little memory
          const std::lock_guard lock(mutex);
          failure = std::current_exception();
          next = all.size();
        }
      }
      const std::lock_guard lock(mutex);
      progress.update(static_cast<int64_t>(begin), "");
    }
  };
  progress.begin("check", static_cast<int64_t>(all.size()));
  std::vector<std::thread> workers;
  for (int64_t k = 1; k < threads; ++k) workers.emplace_back(work);
  work();
  for (auto& worker : workers) worker.join();
  progress.end();
  if (failure) std::rethrow_exception(failure);
}

void find_copies(const std::vector<SeenText>& all, const std::vector<TextSplit>& parts,
                 TextReport& report) {
  std::unordered_map<std::string, std::vector<const SeenText*>> same;
  for (const auto& seen : all)
    if (!seen.digest.empty() && seen.characters > 0) same[seen.digest].push_back(&seen);
  for (const auto& seen : all) {  // in the data's order
    const auto found = same.find(seen.digest);
    if (found == same.end() || found->second.size() < 2 || found->second.front() != &seen) continue;
    Duplicate duplicate;
    bool splits = false, labels = false;
    for (const auto* copy : found->second) {
      const auto& part = parts[copy->split];
      duplicate.files.push_back(part.texts->describe(copy->index));
      duplicate.splits.push_back(part.name);
      duplicate.labels.push_back(
          part.texts->classes().at(static_cast<size_t>(part.texts->label(copy->index))));
      splits = splits || duplicate.splits.back() != duplicate.splits.front();
      labels = labels || duplicate.labels.back() != duplicate.labels.front();
    }
    if (splits)
      report.across_splits.push_back(std::move(duplicate));
    else if (labels)
      report.across_labels.push_back(std::move(duplicate));
    else
      report.repeated += static_cast<int64_t>(found->second.size()) - 1;
  }
}

TextLengths lengths_of_seen(const std::vector<SeenText>& all, int64_t SeenText::*length) {
  std::vector<int64_t> values;
  for (const auto& seen : all)
    if (!seen.digest.empty()) values.push_back(seen.*length);
  return lengths_of(std::move(values));
}

void find_small_text_classes(const TextDataset& train, TextReport& report) {
  constexpr int64_t kFew = 5, kShare = 20;
  const auto counts = count_labels(train);
  auto sorted = counts;
  std::sort(sorted.begin(), sorted.end());
  const int64_t median = sorted.empty() ? 0 : sorted[sorted.size() / 2];
  for (size_t c = 0; c < counts.size(); ++c)
    if (counts[c] < kFew || kShare * counts[c] < median)
      report.small_classes.push_back({train.classes()[c], counts[c]});
}

// "title: n", then the first lines.
template <class Item, class Line>
std::string text_paragraph(const std::string& title, const std::vector<Item>& items, size_t count,
                           const Line& line) {
  constexpr size_t kShown = 20;
  if (items.empty()) return "";
  std::string text = fmt::format("{}: {}\n", title, count);
  const size_t shown = std::min(kShown, items.size());
  for (size_t i = 0; i < shown; ++i) text += "  " + line(items[i]) + "\n";
  if (count > shown) text += fmt::format("  and {} more\n", count - shown);
  return text;
}

std::string copies_line(const Duplicate& duplicate) {
  constexpr size_t kShown = 4;
  std::string text;
  for (size_t i = 0; i < std::min(kShown, duplicate.files.size()); ++i)
    text += fmt::format("{}{} ({}, {})", i == 0 ? "" : " = ", duplicate.files[i],
                        duplicate.splits[i], duplicate.labels[i]);
  if (duplicate.files.size() > kShown)
    text += fmt::format(" and {} more", duplicate.files.size() - kShown);
  return text;
}

}  // namespace

TextLengths lengths_of(std::vector<int64_t> lengths) {
  if (lengths.empty()) return {};
  std::sort(lengths.begin(), lengths.end());
  const auto at = [&](size_t percent) { return lengths[(lengths.size() - 1) * percent / 100]; };
  double sum = 0;
  for (const int64_t length : lengths) sum += static_cast<double>(length);
  return {lengths.front(), at(50), at(95), lengths.back(),
          sum / static_cast<double>(lengths.size())};
}

std::string lengths_line(const std::string& what, const TextLengths& lengths) {
  return fmt::format("{}: {} to {}, median {}, 95% up to {}, mean {:.1f}\n", what, lengths.shortest,
                     lengths.longest, lengths.median, lengths.p95, lengths.mean);
}

int64_t count_words(std::string_view text) {
  int64_t words = 0;
  bool in_word = false;
  for (const char c : text) {
    const bool space = c == ' ' || (c >= '\t' && c <= '\r');
    words += !space && !in_word ? 1 : 0;
    in_word = !space;
  }
  return words;
}

void TextLengths::visit(FieldVisitor& v) {
  v.field("shortest", shortest, "");
  v.field("median", median, "");
  v.field("p95", p95, "95% are not longer");
  v.field("longest", longest, "");
  v.field("mean", mean, "");
}
void SmallTextClass::visit(FieldVisitor& v) {
  v.field("name", name, "");
  v.field("texts", texts, "in train");
}
void TextReport::visit(FieldVisitor& v) {
  v.group("summary", summary);
  v.field("bad_samples", bad_samples, "that cannot be read or have no label");
  v.field("unreadable", unreadable, "the first of their errors");
  v.list("across_splits", across_splits);
  v.list("across_labels", across_labels);
  v.field("repeated", repeated, "further copies within a class and a split");
  v.list("small_classes", small_classes);
  v.field("empty", empty, "texts");
  v.group("words", words);
  v.group("characters", characters);
  v.field("remarks", remarks, "");
}

Summary summary_of(const TextSplits& splits) {
  const auto size = [](const TextDatasetPtr& split) { return split ? split->size() : 0; };
  const auto& any = splits.train ? splits.train : splits.val ? splits.val : splits.test;
  return {.classes = any ? static_cast<int64_t>(any->classes().size()) : int64_t{0},
          .train = size(splits.train),
          .val = size(splits.val),
          .test = size(splits.test),
          .left_out = splits.left_out};
}

std::vector<std::string> remarks_on(const TextSplits& splits, const std::string& spec) {
  std::vector<std::string> parts, lines;
  for (const auto& left_out : splits.left_out)
    parts.push_back((left_out.split == "all" ? "" : left_out.split + ": ") + to_text(left_out));
  if (!parts.empty())
    lines.push_back(fmt::format("Left out of {}: {}.", spec, fmt::join(parts, "; ")));
  lines.insert(lines.end(), splits.remarks.begin(), splits.remarks.end());
  if (splits.bad_samples > 0)
    lines.push_back(fmt::format(
        "{} cannot be used and {} left out: {}{}",
        splits.bad_samples == 1 ? std::string("A row") : fmt::format("{} rows", splits.bad_samples),
        splits.bad_samples == 1 ? "is" : "are", splits.bad_sample_messages.at(0),
        splits.bad_samples > 1 ? ", ..." : ""));
  return lines;
}

TextReport check_texts(const TextSplits& splits, int64_t threads, Progress& progress) {
  const auto parts = parts_of(splits);
  std::vector<SeenText> all;
  for (size_t s = 0; s < parts.size(); ++s)
    for (int64_t i = 0; i < parts[s].texts->size(); ++i)
      all.push_back({.split = static_cast<uint32_t>(s), .index = i, .digest = ""});
  TextReport report;
  report.summary = summary_of(splits);
  report.bad_samples = splits.bad_samples;
  report.unreadable = splits.bad_sample_messages;
  report.remarks = splits.remarks;
  look_at_texts(all, parts, threads, report, progress);
  for (const auto& seen : all) report.empty += !seen.digest.empty() && seen.words == 0 ? 1 : 0;
  find_copies(all, parts, report);
  report.words = lengths_of_seen(all, &SeenText::words);
  report.characters = lengths_of_seen(all, &SeenText::characters);
  if (!parts.empty() && splits.train) find_small_text_classes(*splits.train, report);
  return report;
}

std::string to_text(const TextReport& r) {
  const auto as_is = [](const std::string& line) { return line; };
  std::string text = fmt::format("{} classes; texts: {} train, {} val, {} test\n",
                                 r.summary.classes, r.summary.train, r.summary.val, r.summary.test);
  text += lengths_line("Words", r.words) + lengths_line("Characters", r.characters);
  for (const auto& left_out : r.summary.left_out)
    text += fmt::format("Left out{}: {}\n", left_out.split == "all" ? "" : " of " + left_out.split,
                        to_text(left_out));
  for (const auto& remark : r.remarks) text += remark + "\n";
  text += text_paragraph("Texts that cannot be used", r.unreadable,
                         static_cast<size_t>(r.bad_samples), as_is);
  text += text_paragraph("Texts in more than one split", r.across_splits, r.across_splits.size(),
                         copies_line);
  text += text_paragraph("Texts with more than one label", r.across_labels, r.across_labels.size(),
                         copies_line);
  if (r.repeated > 0)
    text += fmt::format("Further copies of a text within its class: {}\n", r.repeated);
  text += text_paragraph("Classes with few texts in train", r.small_classes, r.small_classes.size(),
                         [](const auto& c) { return fmt::format("{} ({})", c.name, c.texts); });
  if (r.empty > 0) text += fmt::format("Empty texts: {}\n", r.empty);
  text += r.bad_samples == 0 ? "Every text can be read.\n"
                             : fmt::format("{} texts cannot be used.\n", r.bad_samples);
  return text;
}

}  // namespace braid::data
