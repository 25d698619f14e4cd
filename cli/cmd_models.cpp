// braid models: what can be trained.
#include <fmt/format.h>

#include "braid/evaluate/model_table.h"
#include "cli/command.h"

namespace braid::cli {
namespace {

std::string scaled(double value) {
  if (value >= 1e9) return fmt::format("{:.2f} G", value / 1e9);
  return fmt::format("{:.2f} M", value / 1e6);
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
  verb->footer("Examples:\n  braid models\n  braid models cct --format json");
  auto pattern = std::make_shared<std::string>();
  auto format = std::make_shared<std::string>("text");
  verb->add_option("pattern", *pattern, "only names that contain this");
  verb->add_option("--format", *format, "text or json [text]")
      ->check(CLI::IsMember({"text", "json"}));
  verb->callback([=] { run(*pattern, *format); });
}

}  // namespace braid::cli
