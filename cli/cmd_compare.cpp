// braid compare: several architectures under one equal budget.
#include <fmt/format.h>

#include <fstream>
#include <optional>

#include "braid/core/error.h"
#include "braid/evaluate/compare.h"
#include "braid/evaluate/make_workload.h"
#include "cli/command.h"

namespace braid::cli {
namespace {

constexpr const char* kCompareFooter = R"(Examples:
  braid compare --data fashion-mnist --budget time=45s --output runs/fashion      one model of each family, chosen by braid
  braid compare --data photos/ --budget time=2m --output runs/photos
  braid compare --data photos/ --models resnet18,vit_tiny_patch16_224,mobilevit_xs --budget epochs=5 --seeds 3
  braid compare --data photos/ --models resnet18,mobilevit_xs --pretrained      fine-tune what timm publishes
  braid compare --data photos/ --models resnet20,cct_2_3x2_32 --prefer latency --max-latency-ms 5
  braid compare --data photos/ --deploy braid-run-int8 --output runs/photos      what ships decides: quantized, in that engine
  braid compare --data multi30k/ --deploy braid-run      models that translate, by what their exported files translate
  braid compare --data multi30k/ --budget time=20m      parallel text (train.en, train.de): models that translate

The same command continues a comparison that was cut off; another --models adds to it.)";

// As it was typed, for the report; quoting is lost.
std::string command_line() {
  std::ifstream file("/proc/self/cmdline", std::ios::binary);
  std::string text;
  for (std::string word; std::getline(file, word, '\0');) text += (text.empty() ? "" : " ") + word;
  return text;
}

using Number = std::optional<double>;

std::string cell(const Number& value, const char* format, double scale = 1) {
  return value ? fmt::format(fmt::runtime(format), *value * scale) : "-";
}

Number value_of(const std::vector<tasks::Score>& scores, const std::string& name) {
  for (const auto& score : scores)
    if (score.name == name) return score.value;
  return std::nullopt;
}

// "top-1 %"
std::string heading(const evaluate::ScoreKind& kind) {
  return kind.unit.empty() ? kind.title : kind.title + " " + kind.unit;
}

// Of the score that decides; where no model has any, that is not known.
std::string deciding_heading(const evaluate::Results& results) {
  return results.scores.empty() ? "score" : heading(results.scores[0]);
}

size_t name_width(const evaluate::Results& results) {
  size_t width = 28;
  for (const auto& m : results.models) width = std::max(width, m.name.size());
  return width;
}

// How well the models do: a column per score, the interval after the one that decides.
void print_scores(const evaluate::Results& results) {
  struct Column {
    std::string name, title;
    size_t width;
  };
  const size_t width = name_width(results);
  std::vector<Column> scores;
  for (const auto& kind : results.scores)
    scores.push_back({kind.name, heading(kind), std::max<size_t>(6, heading(kind).size())});
  fmt::print("{:{}} {:11} {:>8}", "model", width, "family", "params M");
  for (const auto& column : scores) {
    fmt::print(" {:>{}}", column.title, column.width);
    if (&column == scores.data()) fmt::print(" {:>15}", "95% interval");
  }
  fmt::print("\n");
  for (const auto& m : results.models) {
    fmt::print("{:{}} {:11} {:>8}", m.name, width, m.family, cell(m.params, "{:.2f}", 1e-6));
    for (const auto& column : scores) {
      fmt::print(" {:>{}}", cell(value_of(m.scores, column.name), "{:.2f}"), column.width);
      if (&column == scores.data())
        fmt::print(" {:>15}", m.score && m.score->low && m.score->high
                                  ? fmt::format("{:.2f} to {:.2f}", *m.score->low, *m.score->high)
                                  : "-");
    }
    fmt::print("\n");
  }
}

// What they take: in training, then to answer.
void print_costs(const evaluate::Results& results) {
  const size_t width = name_width(results);
  const auto rate = results.data.items + "/s";  // "images/s"
  const std::string trained = "trained " + rate;
  fmt::print("\n{:{}} {:>8} {:>8} {:>7} {:>16} {:>6} {:>7} {:>8} {:>8} {:>10}\n", "what it takes",
             width, "MACs M", "seen", "epochs", trained, "peak %", "MiB", "p50 ms", "p95 ms", rate);
  for (const auto& m : results.models)
    fmt::print("{:{}} {:>8} {:>8} {:>7} {:>{}} {:>6} {:>7} {:>8} {:>8} {:>10}\n", m.name, width,
               cell(m.macs, "{:.1f}", 1e-6), cell(m.items_seen, "{:.0f}"), cell(m.epochs, "{:.1f}"),
               cell(m.train_items_per_s, "{:.0f}"), std::max<size_t>(16, trained.size()),
               cell(m.peak_share, "{:.1f}", 100),
               cell(m.peak_memory_bytes, "{:.0f}", 1.0 / (1 << 20)),
               cell(m.latency_ms_p50, "{:.2f}"), cell(m.latency_ms_p95, "{:.2f}"),
               cell(m.throughput_items_per_s, "{:.0f}"));
}

// Under the models: what costs next to nothing.
void print_references(const evaluate::Results& results) {
  if (results.references.empty()) return;
  fmt::print("\n{:52} {:>10} {:>8}\n", "for reference", deciding_heading(results), "seconds");
  for (const auto& row : results.references)
    fmt::print("{:52} {:>10.2f} {:>8.1f}\n", row.title, row.score.value, row.seconds);
}

// What ships: the exported models in the engine that was asked for.
void print_deployed(const evaluate::Results& results) {
  if (results.deploy.empty()) return;
  const size_t width = name_width(results);
  fmt::print("\n{:{}} {:11} {:>8} {:>15} {:>7} {:>8} {:>8} {:>12} {:>10} {:>8} {:>7}\n",
             results.deploy, width, "family", deciding_heading(results), "95% interval", "drop",
             "p50 ms", "p95 ms", "LibTorch p50", results.data.items + "/s", "MB", "of f32");
  for (const auto& m : results.models) {
    if (!m.deployed) continue;
    const auto& d = *m.deployed;
    if (d.error) {
      fmt::print("{:{}} {:11} {}\n", m.name, width, m.family, *d.error);
      continue;
    }
    const Number ratio =
        d.bytes && d.float_bytes && *d.float_bytes > 0
            ? Number(static_cast<double>(*d.bytes) / static_cast<double>(*d.float_bytes))
            : std::nullopt;
    fmt::print("{:{}} {:11} {:>8} {:>15} {:>7} {:>8} {:>8} {:>12} {:>10} {:>8} {:>7}\n", m.name,
               width, m.family, d.score ? fmt::format("{:.2f}", d.score->value) : "-",
               d.score && d.score->low && d.score->high
                   ? fmt::format("{:.2f} to {:.2f}", *d.score->low, *d.score->high)
                   : "-",
               cell(d.drop, "{:.2f}"), cell(d.latency_ms_p50, "{:.2f}"),
               cell(d.latency_ms_p95, "{:.2f}"), cell(m.latency_ms_p50, "{:.2f}"),
               cell(d.throughput_items_per_s, "{:.0f}"), cell(d.bytes, "{:.2f}", 1e-6),
               cell(ratio, "{:.3f}"));
  }
}

void print_fusion(const evaluate::Results& results) {
  if (!results.fusion) return;
  const auto& fusion = *results.fusion;
  const auto row = [](const std::string& what, const std::string& how, const Number& score,
                      const Number& params, const Number& latency) {
    fmt::print("{:18} {:52} {:>7} {:>8} {:>8}\n", what, how, cell(score, "{:.2f}"),
               cell(params, "{:.2f}", 1e-6), cell(latency, "{:.2f}"));
  };
  const auto model = [&](const std::string& what, const std::string& name) {
    for (const auto& m : results.models)
      if (m.name == name && m.score) row(what, name, m.score->value, m.params, m.latency_ms_p50);
  };
  const auto combination = [&](const std::string& what, const std::string& how,
                               const std::optional<evaluate::Combination>& c) {
    if (c) row(what, how, c->score.value, c->params, c->latency_ms_p50);
  };
  fmt::print("\n{:18} {:52} {:>7} {:>8} {:>8}\n", "what fusion gains", "",
             deciding_heading(results), "params M", "p50 ms");
  model("CNN", fusion.cnn);
  model("Transformer", fusion.transformer);
  if (fusion.hybrid) model("hybrid", *fusion.hybrid);
  combination("late fusion", "mean probabilities of both", fusion.late_fusion);
  combination("distillation", fusion.transformer + " taught by " + fusion.cnn, fusion.distillation);
  if (fusion.oracle_score)
    row("oracle", "right when either of both is", fusion.oracle_score, {}, {});
  if (const auto& o = fusion.overlap)
    fmt::print(
        "errors             both right {:.1f}%, only CNN {:.1f}%, only Transformer {:.1f}%, "
        "both wrong {:.1f}%\n",
        o->both_right, o->only_cnn_right, o->only_transformer_right, o->both_wrong);
}

// Whose scores those are: "test, 10000 images".
std::string scored_on(const evaluate::Results& results) {
  const auto& data = results.data;
  if (data.test_split == "test") return fmt::format("test, {} {}", data.test, data.items);
  if (results.folds > 1)
    return fmt::format("every fold, {} {} in all: there is no test split", data.test, data.items);
  return fmt::format("val, {} {}, by which the best epochs were chosen too: there is no test split",
                     data.test, data.items);
}

void run(const ConfigFlags& flags, const std::string& file, const std::string& format,
         const std::string& command) {
  evaluate::CompareConfig config;
  KeyLines lines;
  if (!file.empty()) update_from_json(config, read_toml(file, &lines), file, lines);
  update_from_json(config, flags.given(), "flags");
  const auto stop = stop_on_interrupt();
  const auto progress = make_terminal_progress();
  const auto outcome = evaluate::compare(config, command, stop, *progress);
  if (format == "json") {
    fmt::print("{}\n", dump_json(to_json(outcome.results), 2));
  } else {
    const auto& chosen = outcome.results.recommendation;
    print_scores(outcome.results);
    print_costs(outcome.results);
    print_references(outcome.results);
    print_deployed(outcome.results);
    print_fusion(outcome.results);
    fmt::print("\nrecommendation     {}\n", chosen.reason);
    fmt::print("scored on          {}\n", scored_on(outcome.results));
    if (chosen.checkpoint) fmt::print("checkpoint         {}\n", *chosen.checkpoint);
    if (chosen.file) fmt::print("deployed           {}\n", *chosen.file);
    fmt::print("report             {}\nresults            {}/results.json\n",
               outcome.report.string(), config.output);
  }
  if (outcome.exit_code != ExitCode::kOk)
    throw Error(outcome.exit_code, "compare",
                "not everything could be measured, first " + outcome.failure);
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
  show_choices(verb->get_option("--skip"), evaluate::skippable_parts());
  verb->callback([=] { run(*flags, *file, *format, command_line()); });
}

}  // namespace braid::cli
