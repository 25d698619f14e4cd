// From the names of files to splits of parallel text.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <set>

#include "braid/core/error.h"
#include "braid/core/natural_order.h"
#include "braid/data/locate.h"
#include "braid/data/random.h"
#include "braid/data/text/parallel_text.h"
#include "braid/io/posix_file.h"

namespace braid::data {

namespace fs = std::filesystem;

namespace {

constexpr const char* kNameLanguages = "name them with --source-lang and --target-lang";

using LanguageFiles = std::map<std::string, fs::path>;  // the files of one stem by their suffix
using Stems = std::map<std::string, LanguageFiles>;

// "train.en-de.en.gz": stem "train.en-de", suffix "en".
struct ParallelName {
  std::string stem, suffix;
};

ParallelName parallel_name(const fs::path& file) {
  auto name = file.filename().string();
  if (name.ends_with(".gz")) name.resize(name.size() - 3);
  const size_t dot = name.rfind('.');
  if (dot == std::string::npos || dot == 0) return {name, ""};
  return {name.substr(0, dot), name.substr(dot + 1)};
}

// What stands before the first dot: "train" of "train.en-de".
std::string split_name(const std::string& stem) { return stem.substr(0, stem.find('.')); }

Stems stems_in(const fs::path& folder) {
  Stems stems;
  for (const auto& file : io::list_folder(folder)) {
    if (file.filename().string().starts_with('.') || io::is_folder(file)) continue;
    const auto [stem, suffix] = parallel_name(file);
    if (suffix.empty()) continue;
    auto& known = stems[stem][suffix];
    if (known.empty() || file.extension() != ".gz") known = file;  // unpacked: read where it lies
  }
  return stems;
}

// The stems of a split, by the words that may begin them, in their order.
std::vector<std::string> stems_of(const Stems& stems, const std::vector<std::string>& words) {
  std::vector<std::string> found;
  for (const auto& word : words)
    for (const auto& [stem, languages] : stems)
      if (split_name(stem) == word && languages.size() >= 2) found.push_back(stem);
  return found;
}

std::vector<std::string> test_stems(const Stems& stems) {
  std::vector<std::string> found;
  for (const auto& [stem, languages] : stems)
    if (split_name(stem).starts_with("test") && languages.size() >= 2) found.push_back(stem);
  std::sort(found.begin(), found.end(), natural_less);
  return found;
}

// "train.en-de": en into de.
bool says_direction(const std::string& stem, const std::string& source, const std::string& target) {
  return stem.ends_with("." + source + "-" + target);
}

struct Direction {
  std::string source, target, remark;
};

Direction direction_of(const std::string& stem, const LanguageFiles& languages,
                       const OpenParallelOptions& options, const fs::path& folder) {
  std::vector<std::string> names;
  for (const auto& entry : languages) names.push_back(entry.first);
  std::string source = options.source_lang, target = options.target_lang;
  for (const auto& wanted : {source, target})
    if (!wanted.empty() && !languages.contains(wanted))
      throw UsageError(
          "data",
          fmt::format("expected {}.{}, got files of {}", stem, wanted, fmt::join(names, ", ")),
          folder.string(), kNameLanguages);
  if (source.empty() != target.empty() && names.size() == 2) {
    auto& missing = source.empty() ? source : target;
    const auto& known = source.empty() ? target : source;
    missing = names[0] == known ? names[1] : names[0];
  }
  if (!source.empty() && !target.empty() && source == target)
    throw UsageError("data", "expected two languages, got " + source + " twice", folder.string(),
                     kNameLanguages);
  if (!source.empty() && !target.empty()) return {source, target, ""};
  if (names.size() != 2 || !source.empty() || !target.empty())
    throw UsageError("data",
                     fmt::format("expected to be told what is translated, got files of {}",
                                 fmt::join(names, ", ")),
                     folder.string(), kNameLanguages);
  for (const bool forward : {true, false}) {
    const auto& first = names[forward ? 0 : 1];
    const auto& second = names[forward ? 1 : 0];
    if (says_direction(stem, first, second)) return {first, second, ""};
  }
  if (names[0] != "en" && names[1] != "en")
    throw UsageError("data",
                     fmt::format("expected to be told which of {} is translated into the other",
                                 fmt::join(names, " and ")),
                     folder.string(), kNameLanguages);
  const auto other = names[0] == "en" ? names[1] : names[0];
  return {"en", other,
          fmt::format("Translating en into {}; --source-lang {} is the other direction.", other,
                      other)};
}

ParallelTextPtr open_stem(const Stems& stems, const std::string& stem, const ParallelSplits& splits,
                          const fs::path& folder) {
  const auto& languages = stems.at(stem);
  for (const auto& language : {splits.source_lang, splits.target_lang})
    if (!languages.contains(language))
      throw DataError("data", fmt::format("expected {}.{} beside the other files", stem, language),
                      folder.string());
  return std::make_shared<ParallelText>(languages.at(splits.source_lang),
                                        languages.at(splits.target_lang));
}

ParallelSplits open_parallel_folder(const fs::path& folder, const OpenParallelOptions& options) {
  const auto stems = stems_in(folder);
  const auto train = stems_of(stems, {"train", "training"});
  const auto val = stems_of(stems, {"val", "valid", "validation", "dev"});
  const auto tests = test_stems(stems);
  std::vector<std::string> all = train;
  all.insert(all.end(), val.begin(), val.end());
  all.insert(all.end(), tests.begin(), tests.end());
  if (all.empty())
    throw DataError("data", "expected two files of a split, such as train.en and train.de",
                    folder.string(), "name them so, or give SOURCE_FILE,TARGET_FILE");
  const auto direction = direction_of(all.front(), stems.at(all.front()), options, folder);
  ParallelSplits splits{.source_lang = direction.source, .target_lang = direction.target};
  if (!direction.remark.empty()) splits.remarks.push_back(direction.remark);
  for (const auto* of_split : {&train, &val})
    if (of_split->size() > 1)
      splits.remarks.push_back(
          fmt::format("Reading {} of {}.", of_split->front(), fmt::join(*of_split, ", ")));
  if (!train.empty()) splits.train = open_stem(stems, train.front(), splits, folder);
  if (!val.empty()) splits.val = open_stem(stems, val.front(), splits, folder);
  for (const auto& stem : tests)
    splits.tests.emplace_back(split_name(stem), open_stem(stems, stem, splits, folder));
  return splits;
}

ParallelSplits open_two_files(const std::string& spec, const OpenParallelOptions& options) {
  const size_t comma = spec.find(',');
  const fs::path source = spec.substr(0, comma),
                 target = comma == std::string::npos ? "" : spec.substr(comma + 1);
  if (source.empty() || target.empty() || target.string().find(',') != std::string::npos)
    throw UsageError("data", "expected SOURCE_FILE,TARGET_FILE, got '" + spec + "'", "--data");
  const auto language = [](const std::string& given, const fs::path& file, const char* otherwise) {
    const auto suffix = parallel_name(file).suffix;
    return !given.empty() ? given : !suffix.empty() && suffix != "txt" ? suffix : otherwise;
  };
  ParallelSplits splits{.source_lang = language(options.source_lang, source, "source"),
                        .target_lang = language(options.target_lang, target, "target")};
  splits.train = std::make_shared<ParallelText>(source, target);
  return splits;
}

void leave_out_empty_pairs(ParallelSplits& splits) {
  std::vector<int64_t> full;
  for (int64_t i = 0; i < splits.train->size(); ++i)
    if (!splits.train->has_empty_side(i)) full.push_back(i);
  splits.empty_pairs = splits.train->size() - static_cast<int64_t>(full.size());
  if (splits.empty_pairs == 0) return;
  splits.remarks.push_back(fmt::format("Left out of training: {} of {} pairs, as a side is empty.",
                                       splits.empty_pairs, splits.train->size()));
  splits.train = splits.train->subset(full);
}

void take_val_from_train(ParallelSplits& splits, const OpenParallelOptions& options) {
  std::vector<int64_t> order(static_cast<size_t>(splits.train->size()));
  std::iota(order.begin(), order.end(), int64_t{0});
  Random(static_cast<uint64_t>(options.split_seed)).shuffle(order);
  const auto all = splits.train->size();
  const auto wanted = std::llround(options.val_fraction * static_cast<double>(all));
  const auto count = std::clamp<int64_t>(wanted, 1, std::min(kMostValPairs, all - 1));
  std::vector<int64_t> val(order.begin(), order.begin() + count);
  std::vector<int64_t> rest(order.begin() + count, order.end());
  std::sort(val.begin(), val.end());
  std::sort(rest.begin(), rest.end());
  splits.val = splits.train->subset(val);
  splits.train = splits.train->subset(rest);
  splits.remarks.push_back(
      fmt::format("No val: {} of the {} pairs of train are taken for it.", count, all));
}

}  // namespace

ParallelSplits open_parallel_text(const std::string& spec, const OpenParallelOptions& options) {
  std::error_code error;
  const bool two_files = !fs::exists(spec, error) && spec.find(',') != std::string::npos;
  const fs::path path = two_files ? fs::path(spec) : locate_data(spec);
  ParallelSplits splits = fs::is_directory(path, error) ? open_parallel_folder(path, options)
                                                        : open_two_files(spec, options);
  if (!splits.train || !options.for_training) return splits;
  leave_out_empty_pairs(splits);
  if (splits.train->size() < (splits.val ? 1 : 2))
    throw DataError("data", "expected pairs to learn from, got none that have both sides", spec);
  if (!splits.val) take_val_from_train(splits, options);
  return splits;
}

}  // namespace braid::data
