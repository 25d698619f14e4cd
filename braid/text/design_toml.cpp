// A design from a TOML file: the same items as a line's, by name.
#include <fmt/format.h>

#include <algorithm>

#include "braid/core/error.h"
#include "braid/core/near_match.h"
#include "braid/text/design.h"
#include "braid/text/design_file.h"
#include "braid/text/text_design.h"

namespace braid::text {
namespace {

DesignFile design_file(const Json& json, const KeyLines& lines, const std::string& name) {
  return {json, lines, {.model = "braidnet", .source = name, .is_file = true}};
}

bool is_of_texts(const DesignFile& file) {
  const bool texts = file.json.contains("embedding");
  if (texts && file.json.contains("stem"))
    file.fail("stem", "expected a stem or an [embedding], got both",
              "a design of images has a stem, one of texts an [embedding]");
  return texts;
}

// A line's item that the file has as text; an error in it shows the file's line.
template <class Parse>
auto part(const DesignFile& file, const std::string& key, Parse parse) {
  const auto value = file.text(file.json.at(key), key);
  try {
    return parse(value);
  } catch (const ConfigError& e) {
    std::string what = e.what();  // [braidnet] MESSAGE, then the line with a caret
    what = what.substr(what.find("] ") + 2);
    file.fail(key, fmt::format("{} in {} = '{}'", what.substr(0, what.find('\n')), key, value));
  }
}

Design image_design_of(const DesignFile& file) {
  file.expect_keys({"stem", "head", "stages"});
  if (!file.json.contains("stem"))
    file.fail("", "expected 'stem'", "a design of texts has a table [embedding] instead");
  if (!file.json.contains("stages")) file.fail("", "expected 'stages'");

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
  static_cast<DesignSource&>(design) = file.source;
  for (auto& conv : design.stem) {
    conv.at = file.line("stem");
    for (auto& option : conv.options) option.at = conv.at;
  }
  design.stages = stages_of(
      file, {.names = block_names(), .others = text_block_names(), .other_kind = "texts"});
  return design;
}

TextDesign text_design_of(DesignFile file) {
  file.source.model = "braidtext";
  file.expect_keys({"embedding", "stages", "head", "pool"});
  if (!file.json.contains("stages")) file.fail("", "expected 'stages'");
  TextDesign design;
  static_cast<DesignSource&>(design) = file.source;
  const auto& embedding = file.json.at("embedding");
  if (!embedding.is_object()) file.fail("embedding", "expected a table [embedding]");
  if (!embedding.contains("width"))
    file.fail(embedding.empty() ? "embedding" : "embedding." + embedding.begin().key(),
              "expected 'width' in [embedding]");
  design.embedding.at = file.line("embedding.width");
  for (const auto& [name, value] : embedding.items()) {
    const auto key = "embedding." + name;
    if (name == "width")
      design.embedding.width = file.positive(value, key, kMaxNumber);
    else
      design.embedding.options.push_back(
          {name, file.option(value, key, /*lists=*/false), file.line(key)});
  }
  if (file.json.contains("head")) {
    const auto head = file.text(file.json.at("head"), "head");
    if (head != "norm") file.fail("head", fmt::format("expected head = \"norm\", got '{}'", head));
    design.head_norm = true;
  }
  if (file.json.contains("pool")) {
    design.pool = file.text(file.json.at("pool"), "pool");
    const auto& known = text_pools();
    if (std::find(known.begin(), known.end(), design.pool) == known.end())
      file.fail("pool", fmt::format("unknown pool '{}'", design.pool),
                did_you_mean(design.pool, known, "mean, max, first"));
  }
  design.stages = stages_of(file, {.names = text_block_names(),
                                   .others = block_names(),
                                   .other_kind = "images",
                                   .lists = true});
  return design;
}

}  // namespace

Design read_design(const std::filesystem::path& path) {
  KeyLines lines;
  const auto json = read_toml(path, &lines);
  const auto file = design_file(json, lines, path.string());
  if (is_of_texts(file))
    file.fail("embedding", "expected a design of images, got one of texts",
              "a design of images has a stem");
  return image_design_of(file);
}

std::variant<Design, TextDesign> any_design_of(const Json& json, const KeyLines& lines,
                                               const std::string& name) {
  const auto file = design_file(json, lines, name);
  if (!json.is_object()) file.fail("", "expected keys and their values");
  if (is_of_texts(file)) return text_design_of(file);
  return image_design_of(file);
}

std::variant<Design, TextDesign> read_any_design(const std::filesystem::path& path) {
  KeyLines lines;
  const auto json = read_toml(path, &lines);
  return any_design_of(json, lines, path.string());
}

}  // namespace braid::text
