// braid models: what can be trained.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "braid/evaluate/model_table.h"
#include "braid/models/describe.h"
#include "braid/models/own_cost.h"
#include "cli/command.h"
#include "cli/model_list.h"

namespace braid::cli {
namespace {

std::string join_shape(const std::vector<int64_t>& shape) {
  return fmt::format("{}", fmt::join(shape, "x"));
}

void describe(const std::string& name, const std::string& format) {
  const auto entry = models::find_model(name);
  const auto rows = models::describe(entry);
  if (format == "json") {
    Json parts = Json::array();
    for (const auto& row : rows)
      parts.push_back({{"name", row.name},
                       {"design", row.text},
                       {"shape", row.shape},
                       {"params", row.params},
                       {"macs", row.macs ? Json(*row.macs) : Json()}});
    fmt::print("{}\n", Json{{"name", entry.name}, {"parts", parts}}.dump(2));
    return;
  }
  size_t width = 6;
  for (const auto& row : rows) width = std::max(width, row.text.size());
  fmt::print("{}\n{:20} {:{}} {:>14} {:>10} {:>10}\n", entry.name, "part", "design", width,
             "output", "params", "MACs");
  for (const auto& row : rows)
    fmt::print("{:20} {:{}} {:>14} {:>10} {:>10}\n", row.name, row.text, width,
               join_shape(row.shape), scaled(static_cast<double>(row.params)),
               row.macs ? scaled(static_cast<double>(*row.macs)) : "-");
  if (std::all_of(rows.begin(), rows.end(), [](const auto& row) { return row.macs.has_value(); }))
    return;
  // Parts that only say where a named model's features come from are not all of it.
  if (const auto cost = models::known_cost(entry.name))
    fmt::print("{:20} {:{}} {:>14} {:>10} {:>10}\n", "in all", "", width, "",
               scaled(static_cast<double>(cost->params)), scaled(static_cast<double>(cost->macs)));
  fmt::print("These parts give features; `braid graph {}` shows every operator.\n", entry.name);
}

void run(const std::string& pattern, const std::string& format) {
  Json rows = Json::array();
  for (const auto& row : evaluate::model_table()) rows.push_back(to_json(row));
  fmt::print("{}", model_list(rows, pattern, format));
}

}  // namespace

void add_models(CLI::App& program) {
  auto* verb = program.add_subcommand("models", "List the architectures");
  verb->footer(
      "Examples:\n  braid models\n  braid models cct --format json\n  braid models 'vit*'\n"
      "  braid models --describe 'braidnet:stem=conv3x3s2*2,48|C2x64|C2x96|T4x192h6|T2x256h8'\n"
      "  braid models --describe design.toml");
  auto pattern = std::make_shared<std::string>();
  auto format = std::make_shared<std::string>("text");
  verb->add_option("pattern", *pattern, "only names that contain this, or fit this glob");
  add_choice(*verb, "--format", *format, {"text", "json"}, "what is printed");
  auto design = std::make_shared<std::string>();
  verb->add_option("--describe", *design,
                   "shapes, parameters and MACs per part of a braidnet line, a TOML design or a "
                   "text model; of a "
                   "named image model the parts that give features");
  verb->callback([=] { design->empty() ? run(*pattern, *format) : describe(*design, *format); });
}

}  // namespace braid::cli
