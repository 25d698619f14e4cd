// braid compare: several architectures under one equal budget.
#include <fmt/format.h>

#include <fstream>

#include "braid/core/error.h"
#include "braid/evaluate/compare.h"
#include "cli/command.h"

namespace braid::cli {
namespace {

constexpr const char* kCompareFooter = R"(Examples:
  braid compare --data fashion-mnist --models resnet20,vit_lite_2_4_32,cct_2_3x2_32 --budget time=2m --output runs/compare
  braid compare --data photos/ --models resnet18,vit_tiny_patch16_224,coatnet_nano_rw_224 --budget epochs=5 --seeds 3
  braid compare --data photos/ --models resnet20,cct_2_3x2_32 --prefer latency --max-latency-ms 5

The same command continues a comparison that was cut off; another --models adds to it.)";

// As it was typed, for the report; quoting is lost.
std::string command_line() {
  std::ifstream file("/proc/self/cmdline", std::ios::binary);
  std::string text;
  for (std::string word; std::getline(file, word, '\0');) text += (text.empty() ? "" : " ") + word;
  return text;
}

std::string cell(const Json& value, const char* format, double scale = 1) {
  return value.is_number() ? fmt::format(fmt::runtime(format), value.get<double>() * scale) : "-";
}

void print_models(const Json& models) {
  size_t width = 28;
  for (const auto& m : models) width = std::max(width, m.at("name").get<std::string>().size());
  fmt::print("{:{}} {:11} {:>8} {:>8} {:>7} {:>15} {:>6} {:>5} {:>10} {:>8} {:>8} {:>9} {:>7}\n",
             "model", width, "family", "params M", "MACs M", "top-1 %", "95% interval", "F1 %",
             "ECE %", "train im/s", "p50 ms", "p95 ms", "images/s", "MiB");
  for (const auto& m : models) {
    const Json& interval = m.at("top1_interval");
    fmt::print(
        "{:{}} {:11} {:>8} {:>8} {:>7} {:>15} {:>6} {:>5} {:>10} {:>8} {:>8} {:>9} {:>7}\n",
        m.at("name").get<std::string>(), width, m.at("family").get<std::string>(),
        cell(m.at("params"), "{:.2f}", 1e-6), cell(m.at("macs"), "{:.1f}", 1e-6),
        cell(m.at("top1"), "{:.2f}"),
        interval.is_array()
            ? fmt::format("{:.2f} to {:.2f}", interval[0].get<double>(), interval[1].get<double>())
            : "-",
        cell(m.at("macro_f1"), "{:.2f}"), cell(m.at("ece"), "{:.2f}"),
        cell(m.at("train_images_per_s"), "{:.0f}"), cell(m.at("latency_ms_p50"), "{:.2f}"),
        cell(m.at("latency_ms_p95"), "{:.2f}"), cell(m.at("throughput_images_per_s"), "{:.0f}"),
        cell(m.at("peak_memory_bytes"), "{:.0f}", 1.0 / (1 << 20)));
  }
}

void print_fusion(const Json& results) {
  const Json& fusion = results.at("fusion");
  if (fusion.is_null()) return;
  const auto find = [&](const Json& name) -> Json {
    for (const auto& model : results.at("models"))
      if (model.at("name") == name) return model;
    return nullptr;
  };
  const auto row = [](const std::string& what, const std::string& how, const Json& m) {
    if (m.is_null()) return;
    fmt::print("{:18} {:52} {:>7} {:>8} {:>8}\n", what, how, cell(m.at("top1"), "{:.2f}"),
               cell(m.value("params", Json()), "{:.2f}", 1e-6),
               cell(m.value("latency_ms_p50", Json()), "{:.2f}"));
  };
  const auto cnn = fusion.at("cnn").get<std::string>();
  const auto transformer = fusion.at("transformer").get<std::string>();
  fmt::print("\n{:18} {:52} {:>7} {:>8} {:>8}\n", "what fusion gains", "", "top-1 %", "params M",
             "p50 ms");
  row("CNN", cnn, find(fusion.at("cnn")));
  row("Transformer", transformer, find(fusion.at("transformer")));
  if (fusion.at("hybrid").is_string())
    row("hybrid", fusion.at("hybrid").get<std::string>(), find(fusion.at("hybrid")));
  row("late fusion", "mean probabilities of both", fusion.at("late_fusion"));
  row("distillation", transformer + " taught by " + cnn, fusion.at("distillation"));
  row("oracle", "right when either of both is", {{"top1", fusion.at("oracle_top1")}});
  const Json& o = fusion.at("overlap");
  fmt::print(
      "errors             both right {:.1f}%, only CNN {:.1f}%, only Transformer {:.1f}%, "
      "both wrong {:.1f}%\n",
      o.at("both_right").get<double>(), o.at("only_cnn_right").get<double>(),
      o.at("only_transformer_right").get<double>(), o.at("both_wrong").get<double>());
}

void run(const ConfigFlags& flags, const std::string& file, const std::string& format,
         const std::string& command) {
  evaluate::CompareConfig config;
  KeyLines lines;
  if (!file.empty()) update_from_json(config, read_toml(file, &lines), file, lines);
  update_from_json(config, flags.given(), "flags");
  const auto progress = make_terminal_progress();
  const auto outcome = evaluate::compare(config, command, stop_on_interrupt(), *progress);
  if (format == "json") {
    fmt::print("{}\n", outcome.results.dump(2, ' ', false, Json::error_handler_t::replace));
  } else {
    const Json& chosen = outcome.results.at("recommendation");
    print_models(outcome.results.at("models"));
    print_fusion(outcome.results);
    fmt::print("\nrecommendation     {}\n", chosen.at("reason").get<std::string>());
    if (chosen.at("checkpoint").is_string())
      fmt::print("checkpoint         {}\n", chosen.at("checkpoint").get<std::string>());
    fmt::print("report             {}\nresults            {}/results.json\n",
               outcome.report.string(), config.output);
  }
  if (outcome.exit_code != ExitCode::kOk)
    throw DataError("compare", "a model could not be trained: " + outcome.failure);
}

}  // namespace

void add_compare(CLI::App& program) {
  auto* verb = program.add_subcommand(
      "compare", "Train several architectures under one equal budget and recommend one");
  verb->footer(kCompareFooter);
  auto file = std::make_shared<std::string>();
  auto format = std::make_shared<std::string>("text");
  verb->add_option("--config", *file, "TOML file of settings; flags override it");
  add_choice(*verb, "--format", *format, {"text", "json"}, "what is printed at the end");
  auto flags = std::make_shared<ConfigFlags>(*verb, evaluate::CompareConfig());
  verb->callback([=] { run(*flags, *file, *format, command_line()); });
}

}  // namespace braid::cli
