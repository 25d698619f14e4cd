// braid graph: the operators that a model runs.
#include <fmt/format.h>

#include <algorithm>

#include "braid/graph/capture.h"
#include "braid/graph/describe.h"
#include "braid/graph/passes/passes.h"
#include "braid/graph/verify.h"
#include "cli/chosen_model.h"
#include "cli/command.h"
#include "cli/model_list.h"

namespace braid::cli {
namespace {

struct GraphOptions {
  std::string model, format = "text", passes = "all";
  ModelShape shape;
};

struct Described {
  std::string name;
  graph::Graph captured;
  std::vector<graph::PassResult> passes;
  graph::Deviation deviation;
};

std::string dash_if_none(int64_t count) {
  return count == 0 ? "-" : scaled(static_cast<double>(count));
}

void print_text(const Described& d) {
  const auto rows = graph::operator_rows(d.captured);
  graph::OperatorRow total;
  size_t name = 8, shape = 14;
  for (const auto& row : rows) {
    total.calls += row.calls;
    total.params += row.params;
    total.macs += row.macs;
    name = std::max(name, row.name.size());
    shape = std::max(shape, row.largest.size());
  }
  const auto list = [&](const std::vector<graph::ValueId>& ids) {
    std::string text;
    for (const auto id : ids) {
      const auto& value = d.captured.at(id);
      text += (text.empty() ? "" : ", ") + value.name + " " + graph::to_text(value.shape);
    }
    return text;
  };
  fmt::print("{}: {} -> {}\n", d.name, list(d.captured.inputs), list(d.captured.outputs));
  for (const auto& pass : d.passes)
    if (pass.removed > 0) fmt::print("{}: {} operators fewer\n", pass.name, pass.removed);
  fmt::print("largest difference from the model: {:.2g}, of its largest output {:.2g}\n\n",
             d.deviation.absolute, d.deviation.relative);
  const auto line = [&](const std::string& operator_name, int64_t calls, const std::string& largest,
                        int64_t params, int64_t macs) {
    fmt::print("{:{}} {:>6} {:>{}} {:>10} {:>10}\n", operator_name, name, calls, largest, shape,
               dash_if_none(params), dash_if_none(macs));
  };
  fmt::print("{:{}} {:>6} {:>{}} {:>10} {:>10}\n", "operator", name, "calls", "largest output",
             shape, "params", "MACs");
  for (const auto& row : rows) line(row.name, row.calls, row.largest, row.params, row.macs);
  line("total", total.calls, "", total.params, total.macs);
}

void print_json(const Described& d) {
  Json operators = Json::array(), nodes = Json::array(), passes = Json::array();
  for (const auto& row : graph::operator_rows(d.captured)) operators.push_back(to_json(row));
  for (const auto& row : graph::node_rows(d.captured)) nodes.push_back(to_json(row));
  for (const auto& pass : d.passes)
    passes.push_back({{"name", pass.name}, {"removed", pass.removed}});
  fmt::print("{}\n", Json{{"name", d.name},
                          {"passes", passes},
                          {"max_error", d.deviation.absolute},
                          {"relative_error", d.deviation.relative},
                          {"operators", operators},
                          {"nodes", nodes}}
                         .dump(2, ' ', false, Json::error_handler_t::replace));
}

graph::Graph capture(models::LoadedModel& loaded) {
  return graph::capture(*loaded.model, loaded.hub.input.height, loaded.hub.input.width);
}
graph::Graph capture(models::LoadedTextEncoder& loaded) { return graph::capture(*loaded.model); }

graph::Deviation deviation(const graph::Graph& captured, models::LoadedModel& loaded) {
  return graph::deviation_on_noise(captured, *loaded.model, 4);
}
graph::Deviation deviation(const graph::Graph& captured, models::LoadedTextEncoder& loaded) {
  return graph::deviation_on_noise(captured, *loaded.model,
                                   {4, models::example_length(*loaded.model)});
}

template <class Loaded>
Described describe(Loaded& loaded, const GraphOptions& options) {
  Described d{
      .name = loaded.hub.architecture, .captured = capture(loaded), .passes = {}, .deviation = {}};
  if (options.passes == "all") d.passes = graph::simplify(d.captured);
  if (options.format != "dot") d.deviation = deviation(d.captured, loaded);
  return d;
}

void run(const GraphOptions& options) {
  auto chosen = choose_any_model(options.model, options.shape, 0);
  auto d = std::visit([&](auto& loaded) { return describe(loaded, options); }, chosen.model);
  if (options.format == "dot") {
    fmt::print("{}", graph::to_dot(d.captured, d.name));
    return;
  }
  if (options.format == "json")
    print_json(d);
  else
    print_text(d);
}

}  // namespace

void add_graph(CLI::App& program) {
  auto* verb = program.add_subcommand("graph", "Show the operators that a model runs");
  verb->footer(
      "Examples:\n"
      "  braid graph resnet18\n"
      "  braid graph runs/photos --passes none --format json\n"
      "  braid graph bert_tiny\n"
      "  braid graph vit_tiny_patch16_224 --format dot | dot -Tsvg > vit.svg");
  auto o = std::make_shared<GraphOptions>();
  verb->add_option("model", o->model,
                   "architecture (see `braid models`), folder of a checkpoint, or "
                   "hf-hub:OWNER/NAME")
      ->required();
  add_choice(*verb, "--format", o->format, {"text", "json", "dot"}, "what is printed");
  add_choice(*verb, "--passes", o->passes, {"none", "all"},
             "simplify the graph as an export does, or show it as it runs");
  add_model_shape(*verb, o->shape);
  verb->callback([o] { run(*o); });
}

}  // namespace braid::cli
