#include "cli/prediction_printer.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>

#include "braid/core/error.h"
#include "braid/core/utf8.h"

namespace braid::cli {
namespace {

std::string csv_field(const std::string& text) {
  if (text.find_first_of(",\"\n\r") == std::string::npos) return text;
  std::string quoted = "\"";
  for (const char c : text) quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
  return quoted + "\"";
}

}  // namespace

Json top_classes(const torch::Tensor& probabilities, int64_t top,
                 const std::function<std::string(int64_t)>& name) {
  const auto [values, classes] = probabilities.topk(std::min<int64_t>(top, probabilities.size(0)));
  Json predictions = Json::array();
  for (int64_t k = 0; k < values.size(0); ++k) {
    const auto index = classes[k].item<int64_t>();
    predictions.push_back(
        {{"class", name(index)}, {"index", index}, {"probability", values[k].item<double>()}});
  }
  return predictions;
}

PredictionPrinter::PredictionPrinter(std::string format, std::string what,
                                     std::vector<std::string> more_columns)
    : format_(std::move(format)), what_(std::move(what)), more_columns_(std::move(more_columns)) {
  if (format_ != "csv") return;
  fmt::print("{},rank,class,probability", what_);
  for (const auto& column : more_columns_) fmt::print(",{}", column);
  fmt::print("\n");
}

PredictionPrinter::~PredictionPrinter() {
  if (format_ == "json") std::fputs(first_ ? "[]\n" : "\n]\n", stdout);
}

void PredictionPrinter::print(const std::string& item_name, const Json& predictions,
                              const Json& more) {
  if (format_ == "text")
    fmt::print("{}\n", what_ == "file" ? without_controls(item_name) : item_name);
  std::string columns;
  for (const auto& column : more_columns_)
    columns += "," + (more.contains(column) ? more.at(column).dump() : std::string());
  int64_t rank = 0;
  for (const auto& p : predictions) {
    auto name = p.at("class").get<std::string>();
    if (p.contains("word")) name += "  " + p.at("word").get<std::string>();  // of an entity
    const auto probability = p.at("probability").get<double>();
    ++rank;
    if (format_ == "text") fmt::print("  {:5.1f}%  {}\n", 100 * probability, name);
    if (format_ == "csv")
      fmt::print("{},{},{},{:.6f}{}\n", csv_field(item_name), rank, csv_field(name), probability,
                 columns);
  }
  Json item = {{what_, item_name}, {"predictions", predictions}};
  item.update(more);
  const auto dumped = [&](int indent) { return dump_json(item, indent); };
  if (format_ == "json") fmt::print("{}{}", first_ ? "[\n" : ",\n", dumped(2));
  if (format_ == "jsonl") fmt::print("{}\n", dumped(-1));
  first_ = false;
  if (std::fflush(stdout) != 0) throw IoError("cli", "cannot write to standard output");
}

}  // namespace braid::cli
