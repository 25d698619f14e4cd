#include "braid/data/summary.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace braid::data {

void Summary::visit(FieldVisitor& v) {
  v.field("classes", classes, "that train has");
  v.field("train", train, "items");
  v.field("val", val, "items");
  v.field("test", test, "items, 0: there is none");
  v.list("left_out", left_out);
}

Summary summary_of(const Splits& splits) {
  const auto size = [](const DatasetPtr& split) { return split ? split->size() : 0; };
  return {
      .classes = splits.train ? static_cast<int64_t>(splits.train->classes().size()) : int64_t{0},
      .train = size(splits.train),
      .val = size(splits.val),
      .test = size(splits.test),
      .left_out = splits.left_out};
}

std::vector<std::string> remarks_on(const Splits& splits, const std::string& spec) {
  return remarks_on(splits.left_out, splits.remarks, spec);
}

std::vector<std::string> remarks_on(const std::vector<LeftOut>& left_out,
                                    const std::vector<std::string>& remarks,
                                    const std::string& spec) {
  std::vector<std::string> lines;
  std::vector<std::string> parts;
  for (const auto& part : left_out)
    parts.push_back((part.split == "all" ? "" : part.split + ": ") + to_text(part));
  if (!parts.empty())
    lines.push_back(fmt::format("Left out of {}: {}.", spec, fmt::join(parts, "; ")));
  lines.insert(lines.end(), remarks.begin(), remarks.end());
  return lines;
}

}  // namespace braid::data
