// braid graph: the operators that a model runs.
#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <utility>
#include <vector>

#include "braid/graph/capture.h"
#include "braid/graph/capture_encoder_decoder.h"
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
  fmt::print("{}: {} -> {}\n", d.name, graph::to_text(d.captured, d.captured.inputs),
             graph::to_text(d.captured, d.captured.outputs));
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

Json described_json(const Described& d) {
  Json operators = Json::array(), nodes = Json::array(), passes = Json::array();
  for (const auto& row : graph::operator_rows(d.captured)) operators.push_back(to_json(row));
  for (const auto& row : graph::node_rows(d.captured)) nodes.push_back(to_json(row));
  for (const auto& pass : d.passes)
    passes.push_back({{"name", pass.name}, {"removed", pass.removed}});
  return {{"name", d.name},
          {"passes", passes},
          {"max_error", d.deviation.absolute},
          {"relative_error", d.deviation.relative},
          {"operators", operators},
          {"nodes", nodes}};
}

// Of one graph an object, of two a list.
void print_json(const std::vector<Described>& all) {
  Json list = Json::array();
  for (const auto& d : all) list.push_back(described_json(d));
  const Json& json = all.size() == 1 ? list.at(0) : list;
  fmt::print("{}\n", dump_json(json, 2));
}

// The deviation is asked for after the passes.
Described describe(std::string name, graph::Graph captured, const GraphOptions& options,
                   const std::function<graph::Deviation(const graph::Graph&)>& deviation) {
  Described d{
      .name = std::move(name), .captured = std::move(captured), .passes = {}, .deviation = {}};
  if (options.passes == "all") d.passes = graph::simplify(d.captured);
  if (options.format != "dot") d.deviation = deviation(d.captured);
  return d;
}

constexpr int64_t kBatch = 4;  // of what deviations are measured on

std::vector<Described> describe(models::LoadedModel& loaded, const GraphOptions& options) {
  const auto& input = loaded.hub.input;
  return {describe(loaded.hub.architecture,
                   graph::capture(*loaded.model, input.height, input.width), options,
                   [&](const graph::Graph& graph) {
                     return graph::deviation_on_noise(graph, *loaded.model, kBatch);
                   })};
}

std::vector<Described> describe(models::LoadedTextEncoder& loaded, const GraphOptions& options) {
  return {describe(loaded.hub.architecture, graph::capture(*loaded.model), options,
                   [&](const graph::Graph& graph) {
                     return graph::deviation_on_noise(
                         graph, *loaded.model, {kBatch, models::example_length(*loaded.model)});
                   })};
}

std::vector<Described> describe(models::LoadedEncoderDecoder& loaded, const GraphOptions& options) {
  auto& model = *loaded.model;
  const int64_t length = models::example_length(model);
  const graph::Sizes sizes(kBatch, length, length);
  std::vector<Described> both;
  both.push_back(describe(loaded.hub.architecture + ", encoder", graph::capture_encoder(model),
                          options, [&](const graph::Graph& graph) {
                            return graph::encoder_deviation_on_noise(graph, model, sizes);
                          }));
  both.push_back(describe(loaded.hub.architecture + ", decoder", graph::capture_decoder(model),
                          options, [&](const graph::Graph& graph) {
                            return graph::decoder_deviation_on_noise(graph, model, sizes);
                          }));
  return both;
}

void run(const GraphOptions& options) {
  auto chosen = choose_any_model(options.model, options.shape, 0);
  const auto all =
      std::visit([&](auto& loaded) { return describe(loaded, options); }, chosen.model);
  if (options.format == "json") return print_json(all);
  for (const auto& d : all) {
    if (options.format == "dot") {
      fmt::print("{}", graph::to_dot(d.captured, d.name));
      continue;
    }
    if (&d != &all.front()) fmt::print("\n");
    print_text(d);
  }
}

}  // namespace

void add_graph(CLI::App& program) {
  auto* verb = program.add_subcommand("graph", "Show the operators that a model runs");
  verb->footer(
      "Examples:\n"
      "  braid graph resnet18\n"
      "  braid graph runs/photos --passes none --format json\n"
      "  braid graph bert_tiny\n"
      "  braid graph transformer_tiny\n"
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
