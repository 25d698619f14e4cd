#include "braid/data/data_kind.h"

#include <algorithm>
#include <filesystem>
#include <map>
#include <set>
#include <vector>

#include "braid/core/error.h"

namespace braid::data {
namespace {

namespace fs = std::filesystem;

const std::map<std::string, DataKind> kNamedTexts = {
    {"debian-packages", DataKind::kLabelledText},
    {"debian-packages-en-de", DataKind::kParallelText}};

// The name without .gz, and its extension.
std::string plain_name(const fs::path& file) {
  const auto name = file.filename().string();
  return name.ends_with(".gz") ? name.substr(0, name.size() - 3) : name;
}

bool has_labels(const std::string& name) {
  const auto extension = fs::path(name).extension().string();
  return extension == ".jsonl" || extension == ".ndjson" || extension == ".tsv" ||
         extension == ".csv";
}

// "de", "pt_BR", "zh-Hans": what follows the dot of a file of parallel text.
bool is_language(const std::string& extension) {
  static const std::set<std::string> kOthers = {".gz", ".txt", ".md",  ".py", ".sh", ".toml",
                                                ".xz", ".bz2", ".zst", ".js", ".ts", ".cc"};
  if (extension.size() < 3 || extension.size() > 8 || kOthers.contains(extension)) return false;
  const auto base = extension.substr(1, extension.find_first_of("-_") - 1);
  return base.size() >= 2 && base.size() <= 3 &&
         std::all_of(base.begin(), base.end(), [](char c) { return c >= 'a' && c <= 'z'; });
}

struct Names {
  bool labels = false, texts = false, other = false;
  std::map<std::string, std::set<std::string>> languages;  // by what stands before the dot
  bool parallel() const {
    return std::any_of(languages.begin(), languages.end(),
                       [](const auto& entry) { return entry.second.size() >= 2; });
  }
};

void look_at(const fs::path& folder, Names& names, int depth) {
  constexpr int kDepth = 2, kMostFiles = 200;  // split and class folders; enough to tell
  std::error_code error;
  int files = 0;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    if (entry.path().filename().string().starts_with(".")) continue;
    if (entry.is_directory(error)) {
      if (depth < kDepth && !names.other) look_at(entry.path(), names, depth + 1);
      continue;
    }
    if (++files > kMostFiles) return;
    const auto name = plain_name(entry.path());
    const fs::path path(name);
    const auto extension = path.extension().string();
    if (depth == 0 && has_labels(name))
      names.labels = true;
    else if (depth == 0 && is_language(extension))
      names.languages[path.stem().string()].insert(extension);
    else if (extension == ".txt")
      names.texts = true;
    else if (depth > 0)
      names.other = true;
    if (depth > 0 && extension == ".txt") names.labels = true;
  }
}

}  // namespace

const char* to_string(DataKind kind) {
  switch (kind) {
    case DataKind::kImages:
      return "images";
    case DataKind::kLabelledText:
      return "labelled text";
    case DataKind::kParallelText:
      return "parallel text";
    case DataKind::kPlainText:
      return "plain text";
  }
  throw InternalError("data", "a kind of data without a name");
}

DataKind kind_of_data(const std::string& spec) {
  std::error_code error;
  if (!fs::exists(spec, error)) {
    const auto named = kNamedTexts.find(spec);
    if (named != kNamedTexts.end()) return named->second;
    return spec.find(',') != std::string::npos ? DataKind::kParallelText : DataKind::kImages;
  }
  if (!fs::is_directory(spec, error)) {
    const auto name = plain_name(spec);
    if (has_labels(name)) return DataKind::kLabelledText;
    return fs::path(name).extension() == ".txt" ? DataKind::kPlainText : DataKind::kImages;
  }
  Names names;
  look_at(spec, names, 0);
  if (names.parallel()) return DataKind::kParallelText;
  if (names.other) return DataKind::kImages;
  if (names.labels) return DataKind::kLabelledText;
  return names.texts ? DataKind::kPlainText : DataKind::kImages;
}

}  // namespace braid::data
