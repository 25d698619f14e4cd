#include "braid/runner/labels.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "braid/core/error.h"
#include "braid/core/json.h"
#include "braid/core/name_at.h"

namespace braid::runner {
namespace {

std::vector<double> probabilities_of(const Tensor& output, bool are_logits, bool each) {
  const float* numbers = output.as<float>();
  std::vector<double> list(numbers, numbers + output.count());
  if (!are_logits) return list;
  if (each) {
    for (double& number : list) number = 1 / (1 + std::exp(-number));
    return list;
  }
  const double top = *std::max_element(list.begin(), list.end());
  double sum = 0;
  for (double& number : list) sum += number = std::exp(number - top);
  for (double& number : list) number /= sum;
  return list;
}

}  // namespace

std::vector<std::string> label_names(const Session& session) {
  const auto& metadata = session.metadata();
  Json names;
  const auto parse = [&](const std::string& text) {
    return parse_json(text, {.component = "runner", .where = session.where() + ", label_names"});
  };
  if (const auto it = metadata.find("label_names"); it != metadata.end()) {
    names = parse(it->second);
  } else if (const auto images = metadata.find("preprocessing"); images != metadata.end()) {
    const Json json = parse(images->second);
    if (json.is_object() && json.contains("label_names")) names = json.at("label_names");
  }
  std::vector<std::string> list;
  if (names.is_null()) return list;
  bool texts = names.is_array();
  if (texts)
    for (const auto& name : names) {
      texts = texts && name.is_string();
      if (texts) list.push_back(name.get<std::string>());
    }
  if (!texts)
    throw DataError("runner", "expected texts as label_names, got others", session.where());
  return list;
}

bool has_several_labels(const Session& session) {
  const auto type = session.metadata().find("problem_type");
  if (type == session.metadata().end() || type->second == "single_label_classification")
    return false;
  if (type->second == "multi_label_classification") return true;
  throw DataError("runner",
                  "expected a classifier, got a model with the problem_type " + type->second,
                  session.where(), "write the output with --output");
}

const Tensor& logits_among(const Session& session, const std::vector<Tensor>& outputs, int64_t rows,
                           const char* kind) {
  if (outputs.empty() || outputs[0].dtype() != DType::kFloat || outputs[0].rank() != 2 ||
      outputs[0].dim(0) != rows || outputs[0].dim(1) < 1)
    throw DataError("explain", "expected the logits [N,K] of a classifier, got another output",
                    session.where(), std::string("export a classifier of ") + kind);
  return outputs[0];
}

std::vector<Label> top_labels(const Session& session, const Tensor& output,
                              const std::vector<std::string>& names, int64_t top) {
  const bool vector = output.rank() == 2 && output.dim(0) == 1 && output.count() > 0;
  if (!vector || output.dtype() != DType::kFloat)
    throw DataError("runner",
                    fmt::format("expected a classifier's output [1, K], got {} {}",
                                to_string(output.dtype()), to_string(output.dims())),
                    session.where(), "write the output with --output");
  const float* numbers = output.as<float>();
  if (!std::all_of(numbers, numbers + output.count(), [](float x) { return std::isfinite(x); }))
    throw DataError("runner", "the model's output is not finite", session.where(),
                    "its training diverged, or the input is beyond what it computes with");
  const auto& metadata = session.metadata();
  if (const auto head = metadata.find("head");
      head != metadata.end() && head->second != "sequence_classification")
    throw DataError("runner", "expected a classifier, got a model with the head " + head->second,
                    session.where(), "write the output with --output");
  const auto probabilities = probabilities_of(
      output, session.outputs().at(0).name != "probabilities", has_several_labels(session));
  std::vector<size_t> order(probabilities.size());
  std::iota(order.begin(), order.end(), size_t{0});
  const auto count = std::min(order.size(), static_cast<size_t>(std::max<int64_t>(top, 0)));
  std::partial_sort(
      order.begin(), order.begin() + static_cast<int64_t>(count), order.end(),
      [&](size_t a, size_t b) {
        return probabilities[a] != probabilities[b] ? probabilities[a] > probabilities[b] : a < b;
      });
  std::vector<Label> labels;
  for (size_t i = 0; i < count; ++i)
    labels.push_back({.name = name_at(names, static_cast<int64_t>(order[i])),
                      .index = static_cast<int64_t>(order[i]),
                      .probability = probabilities[order[i]]});
  return labels;
}

}  // namespace braid::runner
