#include "cli/model_list.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <fnmatch.h>

#include <algorithm>

#include "braid/core/error.h"
#include "braid/core/near_match.h"

namespace braid::cli {
namespace {

constexpr const char* kGlobSigns = "*?[";

bool fits(const std::string& name, const std::string& pattern) {
  if (pattern.find_first_of(kGlobSigns) == std::string::npos)
    return name.find(pattern) != std::string::npos;
  return ::fnmatch(pattern.c_str(), name.c_str(), 0) == 0;
}

// What of a pattern is a name: "resnex" of "resnex*".
std::string word_of(std::string pattern) {
  std::erase_if(pattern, [](char c) { return std::string("*?[]").find(c) != std::string::npos; });
  return pattern;
}

}  // namespace

std::string scaled(double value) {
  if (value >= 1e9) return fmt::format("{:.2f} G", value / 1e9);
  return fmt::format("{:.2f} M", value / 1e6);
}

std::string model_list(const Json& rows, const std::string& pattern, const std::string& format) {
  Json chosen = Json::array();
  std::vector<std::string> names;
  for (const auto& row : rows) {
    names.push_back(row.at("name").get<std::string>());
    if (fits(names.back(), pattern)) chosen.push_back(row);
  }
  if (chosen.empty())
    throw UsageError("models", "no model's name fits '" + pattern + "'", "",
                     did_you_mean(word_of(pattern), names, "`braid models` lists them"));
  if (format == "json") return chosen.dump(2) + "\n";
  std::string text = fmt::format("{:34} {:12} {:12} {:>10} {:>10}  {}\n", "name", "family",
                                 "fusion", "params", "MACs", "input");
  for (const auto& row : chosen)
    text +=
        fmt::format("{:34} {:12} {:12} {:>10} {:>10}  {}\n", row.at("name").get<std::string>(),
                    row.at("family").get<std::string>(), row.at("fusion").get<std::string>(),
                    scaled(row.at("params").get<double>()), scaled(row.at("macs").get<double>()),
                    fmt::join(row.at("input_size").get<std::vector<int64_t>>(), "x"));
  return text;
}

}  // namespace braid::cli
