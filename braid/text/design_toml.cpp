// A design from a TOML file: the same items as a line's, by name.
#include <fmt/format.h>

#include <algorithm>

#include "braid/core/config.h"
#include "braid/core/error.h"
#include "braid/core/near_match.h"
#include "braid/text/design.h"

namespace braid::text {
namespace {

// The file's values with their lines.
struct File {
  Json json;
  KeyLines lines;
  Design design;  // of errors

  size_t line(const std::string& key) const {
    const auto it = lines.find(key);
    return it == lines.end() ? 1 : static_cast<size_t>(it->second);
  }
  [[noreturn]] void fail(const std::string& key, const std::string& message,
                         const std::string& remedy = "") const {
    design.fail(line(key), message, remedy);
  }
};

int64_t positive(const File& file, const Json& value, const std::string& key, int64_t most) {
  if (!value.is_number_integer() || value.get<int64_t>() < 1 || value.get<int64_t>() > most)
    file.fail(key, fmt::format("expected an integer between 1 and {}, got {}", most, value.dump()));
  return value.get<int64_t>();
}

std::string text(const File& file, const Json& value, const std::string& key) {
  if (!value.is_string()) file.fail(key, fmt::format("expected a text, got {}", value.dump()));
  return value.get<std::string>();
}

// Letters of the blocks that `block` names: one name, or a list of names that take turns.
std::string letters(const File& file, const Json& value, const std::string& key) {
  std::vector<std::string> known;
  for (const auto& name : block_names()) known.emplace_back(name.name);
  std::string found;
  for (const auto& item : value.is_array() ? value : Json::array({value})) {
    const auto name = text(file, item, key);
    const auto it = std::find(known.begin(), known.end(), name);
    if (it == known.end())
      file.fail(key, "unknown block '" + name + "'", did_you_mean(name, known));
    found += block_names()[static_cast<size_t>(it - known.begin())].letter;
  }
  if (found.empty()) file.fail(key, "expected a block");
  return found;
}

std::string option_text(const File& file, const Json& value, const std::string& key) {
  if (value.is_string() && !value.get<std::string>().empty()) return value.get<std::string>();
  if (value.is_number() && value.get<double>() >= 0) return fmt::format("{}", value.get<double>());
  file.fail(key, fmt::format("expected a number or a word, got {}", value.dump()));
}

StageDesign stage(const File& file, const Json& table, const std::string& prefix) {
  if (!table.is_object()) file.fail(prefix, "expected a table [[stages]]");
  StageDesign stage;
  for (const char* required : {"block", "depth", "width"})
    if (!table.contains(required))
      file.fail(table.empty() ? prefix : prefix + "." + table.begin().key(),
                fmt::format("expected '{}' in [[stages]]", required));
  for (const auto& [name, value] : table.items()) {
    const auto key = prefix + "." + name;
    if (name == "block")
      stage.blocks = letters(file, value, key);
    else if (name == "depth")
      stage.depth = positive(file, value, key, kMaxDepth);
    else if (name == "width")
      stage.width = positive(file, value, key, kMaxNumber);
    else
      stage.options.push_back({name, option_text(file, value, key), file.line(key)});
  }
  stage.at = file.line(prefix + ".block");
  return stage;
}

// The stem and head are written as on a line; an error in them shows the file's line.
template <class Parse>
Design part(const File& file, const std::string& key, Parse parse) {
  const auto value = text(file, file.json.at(key), key);
  try {
    return parse(value);
  } catch (const ConfigError& e) {
    std::string what = e.what();  // [braidnet] MESSAGE, then the line with a caret
    what = what.substr(what.find("] ") + 2);
    file.fail(key, fmt::format("{} in {} = '{}'", what.substr(0, what.find('\n')), key, value));
  }
}

}  // namespace

Design read_design(const std::filesystem::path& path) {
  File file;
  file.design.source = path.string();
  file.design.is_file = true;
  file.json = read_toml(path, &file.lines);
  for (const auto& [key, value] : file.json.items())
    if (key != "stem" && key != "head" && key != "stages")
      file.fail(key, "unknown key '" + key + "'", did_you_mean(key, {"stem", "head", "stages"}));
  for (const char* required : {"stem", "stages"})
    if (!file.json.contains(required)) file.fail("", fmt::format("expected '{}'", required));

  // Their own parser wants a whole design: a stage stands in for what the file has elsewhere.
  auto design = part(
      file, "stem", [](const std::string& stem) { return parse_design("stem=" + stem + "|C1x8"); });
  if (file.json.contains("head")) {
    const auto head = part(file, "head", [](const std::string& text) {
      return parse_design("stem=conv3x3,8|C1x8|head=" + text);
    });
    design.head_conv = head.head_conv;
    design.head_norm = head.head_norm;
  }
  if (design.stages.size() != 1)
    file.fail("stem", "expected a stem alone, got stages behind it", "write them as [[stages]]");
  design.stages.clear();
  design.source = file.design.source;
  design.is_file = true;
  for (auto& conv : design.stem) {
    conv.at = file.line("stem");
    for (auto& option : conv.options) option.at = conv.at;
  }
  const auto& stages = file.json.at("stages");
  if (!stages.is_array() || stages.empty())
    file.fail("stages", "expected at least one table [[stages]]");
  for (size_t i = 0; i < stages.size(); ++i)
    design.stages.push_back(stage(file, stages[i], fmt::format("stages[{}]", i)));
  return design;
}

}  // namespace braid::text
