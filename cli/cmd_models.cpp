// braid models: what can be trained.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "braid/evaluate/model_table.h"
#include "braid/models/describe.h"
#include "cli/command.h"

namespace braid::cli {
namespace {

std::string scaled(double value) {
  if (value >= 1e9) return fmt::format("{:.2f} G", value / 1e9);
  return fmt::format("{:.2f} M", value / 1e6);
}

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
}

void run(const std::string& pattern, const std::string& format) {
  const auto progress = make_terminal_progress();
  const auto rows = evaluate::model_table(pattern, *progress);
  if (format == "json") {
    Json json = Json::array();
    for (const auto& row : rows)
      json.push_back({{"name", row.name},
                      {"family", row.family},
                      {"fusion", row.fusion},
                      {"params", row.params},
                      {"macs", row.macs},
                      {"input_size", row.input_size}});
    fmt::print("{}\n", json.dump(2));
    return;
  }
  fmt::print("{:34} {:12} {:12} {:>10} {:>10}  {}\n", "name", "family", "fusion", "params", "MACs",
             "input");
  for (const auto& row : rows)
    fmt::print("{:34} {:12} {:12} {:>10} {:>10}  {}x{}x{}\n", row.name, row.family, row.fusion,
               scaled(static_cast<double>(row.params)), scaled(static_cast<double>(row.macs)),
               row.input_size[0], row.input_size[1], row.input_size[2]);
}

}  // namespace

void add_models(CLI::App& program) {
  auto* verb = program.add_subcommand("models", "List the architectures");
  verb->footer(
      "Examples:\n  braid models\n  braid models cct --format json\n"
      "  braid models --describe 'braidnet:stem=conv3x3s2*2,48|C2x64|C2x96|T4x192h6|T2x256h8'\n"
      "  braid models --describe design.toml");
  auto pattern = std::make_shared<std::string>();
  auto format = std::make_shared<std::string>("text");
  verb->add_option("pattern", *pattern, "only names that contain this");
  add_choice(*verb, "--format", *format, {"text", "json"}, "what is printed");
  auto design = std::make_shared<std::string>();
  verb->add_option(
      "--describe", *design,
      "shapes, parameters and MACs per part of one model, braidnet line or TOML design");
  verb->callback([=] { design->empty() ? run(*pattern, *format) : describe(*design, *format); });
}

}  // namespace braid::cli
