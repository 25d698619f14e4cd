#include "braid/data/data_kind.h"

#include <algorithm>
#include <filesystem>
#include <map>
#include <set>

#include "braid/core/error.h"
#include "braid/data/locate.h"
#include "braid/data/text/plain_text.h"
#include "braid/data/text/questions.h"
#include "braid/data/text/tagged_text.h"
#include "braid/data/text/text_dataset.h"

namespace braid::data {
namespace {

namespace fs = std::filesystem;

// The name without .gz.
fs::path unpacked_name(const fs::path& file) {
  const auto name = file.filename().string();
  return name.ends_with(".gz") ? name.substr(0, name.size() - 3) : name;
}

// ".de", ".pt_BR", ".zh-Hans": the end of a file of parallel text.
bool is_language(const std::string& extension) {
  static const std::set<std::string> kOthers = {".md",  ".py",  ".sh",  ".xz",  ".js",  ".ts",
                                                ".cc",  ".h",   ".c",   ".bz",  ".csv", ".tsv",
                                                ".txt", ".jpg", ".png", ".bmp", ".gif", ".tif",
                                                ".bin", ".zip", ".tar", ".log", ".xml", ".ini"};
  constexpr size_t kMost = 8;  // characters
  if (extension.size() < 3 || extension.size() > kMost || kOthers.contains(extension)) return false;
  const auto base = extension.substr(1, extension.find_first_of("-_") - 1);
  return base.size() >= 2 && base.size() <= 3 &&
         std::all_of(base.begin(), base.end(), [](char c) { return c >= 'a' && c <= 'z'; });
}

// Files of one name that differ in their languages.
bool has_parallel_files(const fs::path& folder) {
  std::map<std::string, std::set<std::string>> languages;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    if (!entry.is_regular_file(error)) continue;
    const auto name = unpacked_name(entry.path());
    if (is_language(name.extension().string()))
      languages[name.stem().string()].insert(name.extension().string());
  }
  return std::any_of(languages.begin(), languages.end(),
                     [](const auto& item) { return item.second.size() >= 2; });
}

}  // namespace

const char* to_string(DataKind kind) {
  switch (kind) {
    case DataKind::kImages:
      return "images";
    case DataKind::kLabelledText:
      return "labelled text";
    case DataKind::kQuestions:
      return "questions";
    case DataKind::kTaggedText:
      return "tagged text";
    case DataKind::kParallelText:
      return "parallel text";
    case DataKind::kPlainText:
      return "plain text";
  }
  throw InternalError("data", "a kind of data without a name");
}

DataKind kind_of_data(const std::string& spec) {
  std::error_code error;
  if (spec.find(',') != std::string::npos && !fs::exists(spec, error))
    return DataKind::kParallelText;
  try {
    const auto path = locate_data(spec);
    if (fs::is_directory(path, error) && has_parallel_files(path)) return DataKind::kParallelText;
    if (is_question_data(spec)) return DataKind::kQuestions;
    if (is_tagged_text(spec)) return DataKind::kTaggedText;
    if (is_labelled_text(spec)) return DataKind::kLabelledText;
    return is_plain_text(spec) ? DataKind::kPlainText : DataKind::kImages;
  } catch (const IoError&) {  // whoever opens it says that nothing is there
    return DataKind::kImages;
  }
}

}  // namespace braid::data
