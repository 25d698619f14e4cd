#include "braid/text/design_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "braid/core/near_match.h"

namespace braid::text {
namespace {

const BlockName* find_block(const std::vector<BlockName>& names, const std::string& name) {
  const auto it =
      std::find_if(names.begin(), names.end(), [&](const BlockName& n) { return name == n.name; });
  return it == names.end() ? nullptr : &*it;
}

// As a line can have it: without an exponent, the fewest digits that give the number again.
std::string plain_number(double value) {
  std::array<char, 400> text{};  // 309 digits before the point, or 325 behind it
  const auto end =
      std::to_chars(text.data(), text.data() + text.size(), value, std::chars_format::fixed);
  return {text.data(), end.ptr};
}

// Letters of the blocks that `block` names: one name, or a list of names that take turns.
std::string letters(const DesignFile& file, const Json& value, const std::string& key,
                    const BlockVocabulary& vocabulary) {
  std::vector<std::string> known;
  for (const auto& name : vocabulary.names) known.emplace_back(name.name);
  std::string found;
  for (const auto& item : value.is_array() ? value : Json::array({value})) {
    const auto name = file.text(item, key);
    if (const auto* block = find_block(vocabulary.names, name)) {
      found += block->letter;
      continue;
    }
    if (find_block(vocabulary.others, name) != nullptr) {
      std::string list;
      for (const auto& one : known) list += (list.empty() ? "" : ", ") + one;
      file.fail(key, fmt::format("'{}' is a block of {}", name, vocabulary.other_kind),
                "this design can have " + list);
    }
    file.fail(key, "unknown block '" + name + "'", did_you_mean(name, known));
  }
  if (found.empty()) file.fail(key, "expected a block");
  return found;
}

StageDesign stage_of(const DesignFile& file, const Json& table, const std::string& prefix,
                     const BlockVocabulary& vocabulary) {
  if (!table.is_object()) file.fail(prefix, "expected a table [[stages]]");
  StageDesign stage;
  for (const char* required : {"block", "depth", "width"})
    if (!table.contains(required))
      file.fail(table.empty() ? prefix : prefix + "." + table.begin().key(),
                fmt::format("expected '{}' in [[stages]]", required));
  for (const auto& [name, value] : table.items()) {
    const auto key = prefix + "." + name;
    if (name == "block")
      stage.blocks = letters(file, value, key, vocabulary);
    else if (name == "depth")
      stage.depth = file.positive(value, key, kMaxDepth);
    else if (name == "width")
      stage.width = file.positive(value, key, kMaxNumber);
    else
      stage.options.push_back({name, file.option(value, key, vocabulary.lists), file.line(key)});
  }
  stage.at = file.line(prefix + ".block");
  return stage;
}

}  // namespace

size_t DesignFile::line(const std::string& key) const {
  const auto it = lines.find(key);
  return it == lines.end() ? 1 : static_cast<size_t>(it->second);
}

void DesignFile::fail(const std::string& key, const std::string& message,
                      const std::string& remedy) const {
  source.fail(line(key), message, remedy);
}

void DesignFile::expect_keys(const std::vector<std::string>& known) const {
  for (const auto& [key, value] : json.items())
    if (std::find(known.begin(), known.end(), key) == known.end())
      fail(key, "unknown key '" + key + "'", did_you_mean(key, known));
}

int64_t DesignFile::positive(const Json& value, const std::string& key, int64_t most) const {
  if (!value.is_number_integer() || value.get<int64_t>() < 1 || value.get<int64_t>() > most)
    fail(key, fmt::format("expected an integer between 1 and {}, got {}", most, value.dump()));
  return value.get<int64_t>();
}

std::string DesignFile::text(const Json& value, const std::string& key) const {
  if (!value.is_string()) fail(key, fmt::format("expected a text, got {}", value.dump()));
  return value.get<std::string>();
}

std::string DesignFile::option(const Json& value, const std::string& key, bool lists) const {
  if (value.is_string() && !value.get<std::string>().empty()) return value.get<std::string>();
  if (value.is_number() && value.get<double>() >= 0) return plain_number(value.get<double>());
  if (lists && value.is_array() && !value.empty()) {
    std::string list;
    for (const auto& item : value)
      list += fmt::format("{}{}", list.empty() ? "" : "+", positive(item, key, kMaxNumber));
    return list;
  }
  fail(key, fmt::format("expected a number or a word, got {}", value.dump()));
}

std::vector<StageDesign> stages_of(const DesignFile& file, const BlockVocabulary& vocabulary) {
  const auto& tables = file.json.at("stages");
  if (!tables.is_array() || tables.empty())
    file.fail("stages", "expected at least one table [[stages]]");
  std::vector<StageDesign> stages;
  for (size_t i = 0; i < tables.size(); ++i)
    stages.push_back(stage_of(file, tables[i], fmt::format("stages[{}]", i), vocabulary));
  return stages;
}

}  // namespace braid::text
