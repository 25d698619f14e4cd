#include "braid/data/left_out.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace braid::data {
namespace {

std::string some_names(const std::vector<std::string>& names) {
  constexpr size_t kShown = 8;
  const size_t shown = std::min(kShown, names.size());
  std::string text = fmt::format(
      "{}", fmt::join(names.begin(), names.begin() + static_cast<int64_t>(shown), ", "));
  if (names.size() > shown) text += fmt::format(" and {} more", names.size() - shown);
  return text;
}

}  // namespace

void LeftOut::visit(FieldVisitor& v) {
  v.field("split", split, "train, val, test; all: the folder that holds them");
  v.field("other_files", other_files, "of kinds that are not read");
  v.field("kinds", kinds, "the first of their suffixes");
  v.field("hidden", hidden, "files and folders whose names begin with a dot");
  v.field("links", links, "that lead nowhere, or to what is listed already");
  v.field("outside", outside, "images that lie in no class folder");
  v.field("empty_classes", empty_classes, "class folders without an image");
  v.field("folders", folders, "that are no split, beside those that are");
}

bool LeftOut::any() const {
  return other_files + hidden + links + outside > 0 || !empty_classes.empty() || !folders.empty();
}

std::string to_text(const LeftOut& left_out) {
  std::vector<std::string> parts;
  const auto count = [&](int64_t n, const char* one, const char* many) {
    if (n > 0) parts.push_back(fmt::format("{} {}", n, n == 1 ? one : many));
  };
  if (!left_out.folders.empty())
    parts.push_back(fmt::format("the folder{} {}", left_out.folders.size() == 1 ? "" : "s",
                                some_names(left_out.folders)));
  if (!left_out.empty_classes.empty())
    parts.push_back(fmt::format("class{} without an image: {}",
                                left_out.empty_classes.size() == 1 ? "" : "es",
                                some_names(left_out.empty_classes)));
  count(left_out.outside, "image outside of the class folders",
        "images outside of the class folders");
  count(left_out.other_files, "file of another kind", "files of other kinds");
  if (left_out.other_files > 0 && !left_out.kinds.empty())
    parts.back() += " (" + some_names(left_out.kinds) + ")";
  count(left_out.links, "link that leads nowhere or back", "links that lead nowhere or back");
  count(left_out.hidden, "hidden file or folder", "hidden files or folders");
  return fmt::format("{}", fmt::join(parts, ", "));
}

}  // namespace braid::data
