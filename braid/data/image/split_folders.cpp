// Which folders are splits, and which are classes of the same names.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>

#include "braid/core/error.h"
#include "braid/core/natural_order.h"
#include "braid/data/image/class_folders.h"
#include "braid/io/posix_file.h"

namespace braid::data {
namespace {

namespace fs = std::filesystem;

struct SplitWord {
  const char* word;
  const char* split;
};
// The first of a split's words that is there counts.
constexpr std::array<SplitWord, 10> kSplitWords = {{{"train", "train"},
                                                    {"training", "train"},
                                                    {"val", "val"},
                                                    {"valid", "val"},
                                                    {"validation", "val"},
                                                    {"dev", "val"},
                                                    {"eval", "val"},
                                                    {"evaluation", "val"},
                                                    {"test", "test"},
                                                    {"testing", "test"}}};

// The place in kSplitWords, or their number.
size_t rank_of_word(const std::string& word) {
  const auto* found = std::find_if(kSplitWords.begin(), kSplitWords.end(),
                                   [&](const SplitWord& known) { return word == known.word; });
  return static_cast<size_t>(found - kSplitWords.begin());
}

// The same for the first such word in a name: words lie between Hugging Face's separators.
size_t rank_of_name(const std::string& name) {
  size_t rank = kSplitWords.size();
  std::string word;
  for (const char c : to_lower(name) + ".") {
    if (std::string("-._ 0123456789").find(c) == std::string::npos) {
      word += c;
      continue;
    }
    if (rank == kSplitWords.size()) rank = rank_of_word(word);
    word.clear();
  }
  return rank;
}

bool is_hidden_name(const fs::path& path) { return path.filename().string().starts_with('.'); }

// Whether an item lies in the folder or below it. depth: links may lead in circles.
bool holds_items(const fs::path& folder, const ItemFiles& items, int depth = 0) {
  constexpr int kDepth = 16;
  std::vector<fs::path> inner;
  for (const auto& path : io::list_folder(folder)) {
    if (is_hidden_name(path)) continue;
    std::error_code error;
    if (fs::is_directory(path, error))
      inner.push_back(path);
    else if (items.matches(path) && fs::is_regular_file(path, error))
      return true;
  }
  if (depth >= kDepth) return false;
  return std::any_of(inner.begin(), inner.end(),
                     [&](const fs::path& path) { return holds_items(path, items, depth + 1); });
}

struct Candidate {
  fs::path path;
  std::string name;
  size_t exact, within;  // ranks, of the whole name and of a word in it
  bool items = false;    // in the folder itself
  bool folders = false;  // that hold items
  bool is_named() const { return exact < kSplitWords.size(); }
  bool has_word() const { return within < kSplitWords.size(); }
};

std::vector<Candidate> candidates_in(const fs::path& folder, const ItemFiles& items,
                                     LeftOut& left_out) {
  std::vector<Candidate> found;
  for (const auto& path : io::list_folder(folder)) {
    std::error_code error;
    if (is_hidden_name(path)) {
      ++left_out.hidden;
    } else if (fs::is_directory(path, error)) {
      const auto name = path.filename().string();
      found.push_back({path, name, rank_of_word(to_lower(name)), rank_of_name(name)});
    } else if (!fs::exists(path, error)) {
      ++left_out.links;
    } else if (items.matches(path)) {
      ++left_out.outside;
    } else {
      ++left_out.other_files;
      const auto kind = to_lower(path.extension().string());
      auto& kinds = left_out.kinds;
      if (!kind.empty() && std::find(kinds.begin(), kinds.end(), kind) == kinds.end())
        kinds.push_back(kind);
    }
  }
  std::sort(found.begin(), found.end(),
            [](const auto& a, const auto& b) { return natural_less(a.name, b.name); });
  return found;
}

void look_into(Candidate& candidate, const ItemFiles& items) {
  for (const auto& path : io::list_folder(candidate.path)) {
    if (is_hidden_name(path)) continue;
    std::error_code error;
    if (fs::is_directory(path, error))
      candidate.folders = candidate.folders || holds_items(path, items);
    else if (items.matches(path) && fs::is_regular_file(path, error))
      candidate.items = true;
    if (candidate.folders && candidate.items) return;
  }
}

std::string names_of(const std::vector<const Candidate*>& candidates) {
  std::vector<std::string> names;
  for (const auto* candidate : candidates) names.push_back("'" + candidate->name + "'");
  return fmt::format("{}", fmt::join(names, ", "));
}

// The folder of each split among these, best names first: eval is test where val has another.
void assign(std::vector<const Candidate*> candidates, size_t Candidate::*rank,
            SplitFolders& splits) {
  std::stable_sort(candidates.begin(), candidates.end(),
                   [&](const auto* a, const auto* b) { return a->*rank < b->*rank; });
  std::vector<const Candidate*> late;
  const auto place = [&](const std::string& split) -> fs::path& {
    return split == "train" ? splits.train : split == "val" ? splits.val : splits.test;
  };
  for (const auto* candidate : candidates) {
    const auto& word = kSplitWords[candidate->*rank];
    if (auto& path = place(word.split); path.empty())
      path = candidate->path;
    else if (std::string(word.word).starts_with("eval"))
      late.push_back(candidate);
  }
  for (const auto* candidate : late)
    if (splits.test.empty()) splits.test = candidate->path;
}

}  // namespace

std::string split_of_name(const std::string& name) {
  const size_t rank = rank_of_name(name);
  return rank < kSplitWords.size() ? kSplitWords[rank].split : "";
}

SplitFolders find_split_folders(const fs::path& folder, const ItemFiles& items) {
  SplitFolders splits;
  splits.left_out.split = "all";
  auto all = candidates_in(folder, items, splits.left_out);
  if (std::none_of(all.begin(), all.end(), [](const auto& c) { return c.has_word(); })) return {};
  for (auto& candidate : all) look_into(candidate, items);

  std::vector<const Candidate*> clean, mixed, classes, ordinary, hollow;
  for (const auto& c : all) {
    if (!c.items && !c.folders)
      hollow.push_back(&c);
    else if (!c.is_named())
      ordinary.push_back(&c);
    else
      (!c.items ? clean : c.folders ? mixed : classes).push_back(&c);
  }
  // Loose images beside class folders are left out of a split; in a class they belong to it.
  if (ordinary.empty() || !clean.empty())
    clean.insert(clean.end(), mixed.begin(), mixed.end());
  else
    classes.insert(classes.end(), mixed.begin(), mixed.end());
  const auto is_train = [](const Candidate* c) {
    return std::string(kSplitWords[c->exact].split) == "train";
  };
  const bool train = std::any_of(clean.begin(), clean.end(), is_train);
  if (!train && !ordinary.empty()) {  // folders of classes, one of which is called test
    classes.insert(classes.end(), clean.begin(), clean.end());
    clean.clear();
  }
  if (!clean.empty()) {
    for (const auto* c : hollow)  // an empty train/ is said to be empty
      if (c->is_named() && is_train(c) && !train) clean.push_back(c);
    assign(clean, &Candidate::exact, splits);
  } else if (!classes.empty() && ordinary.empty()) {
    throw DataError("data",
                    fmt::format("expected class folders in the splits, got {} in {}", items.plural,
                                names_of(classes)),
                    folder.string(),
                    fmt::format("arrange them as <split>/<class>/{}", items.example));
  } else if (!classes.empty()) {
    splits.remarks.push_back(fmt::format(
        "{} {} read as {}, not as {}: the data's other folders are classes.", names_of(classes),
        classes.size() == 1 ? "is" : "are", classes.size() == 1 ? "a class" : "classes",
        classes.size() == 1 ? "a split" : "splits"));
  } else if (!ordinary.empty() &&
             std::all_of(ordinary.begin(), ordinary.end(), [](const Candidate* c) {
               return c->has_word() && c->folders && !c->items;
             })) {
    SplitFolders worded;
    assign(ordinary, &Candidate::within, worded);
    const auto used = static_cast<size_t>(!worded.train.empty()) +
                      static_cast<size_t>(!worded.val.empty()) +
                      static_cast<size_t>(!worded.test.empty());
    if (used == ordinary.size()) {
      splits.train = worded.train, splits.val = worded.val, splits.test = worded.test;
      const auto name = [](const fs::path& path) { return path.filename().string(); };
      std::vector<std::string> read;
      for (const auto& [split, path] :
           {std::pair("train", splits.train), {"val", splits.val}, {"test", splits.test}})
        if (!path.empty()) read.push_back(fmt::format("'{}' as {}", name(path), split));
      splits.remarks.push_back(fmt::format("Read {}.", fmt::join(read, ", ")));
    }
  }
  if (!splits.any()) {
    splits.left_out = {};  // listing the classes counts it
    return splits;
  }
  for (const auto& c : all)
    if (c.path != splits.train && c.path != splits.val && c.path != splits.test)
      splits.left_out.folders.push_back(c.name);
  return splits;
}

}  // namespace braid::data
