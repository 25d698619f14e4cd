#include "braid/serve/protocol/infer_response.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <iterator>
#include <numeric>

#include "braid/core/error.h"
#include "braid/core/json.h"

namespace braid::serve {
namespace {

std::string json_text(std::string_view text) { return dump_json(Json(text)); }

template <class T>
void append_numbers(std::string& out, const Tensor& tensor) {
  const auto values = values_of<T>(tensor);
  auto to = std::back_inserter(out);
  for (size_t i = 0; i < values.size(); ++i)
    fmt::format_to(to, "{}{}", i == 0 ? "" : ",", values[i]);
}

void append_json_data(std::string& out, const Tensor& tensor) {
  switch (tensor.type) {
    case DataType::kBytes:
      for (size_t i = 0; i < tensor.elements.size(); ++i)
        out += (i == 0 ? "" : ",") + json_text(tensor.elements[i]);
      return;
    case DataType::kFp32:
      return append_numbers<float>(out, tensor);
    case DataType::kFp64:
      return append_numbers<double>(out, tensor);
    case DataType::kInt32:
      return append_numbers<int32_t>(out, tensor);
    case DataType::kInt64:
      return append_numbers<int64_t>(out, tensor);
    default:
      throw DataError(
          "request",
          fmt::format("expected binary_data for an output of {}", to_string(tensor.type)),
          tensor.name);
  }
}

std::string binary_data(const Tensor& tensor) {
  if (tensor.type != DataType::kBytes) return std::string(tensor.data);
  std::string out;
  for (const auto& element : tensor.elements) {
    const auto size = static_cast<uint32_t>(element.size());
    out.append(reinterpret_cast<const char*>(&size), sizeof(size));
    out += element;
  }
  return out;
}

const Tensor& find_output(const InferResponse& response, const std::string& name) {
  const auto found = std::find_if(response.outputs.begin(), response.outputs.end(),
                                  [&](const auto& output) { return output.name == name; });
  if (found != response.outputs.end()) return *found;
  std::string known;
  for (const auto& output : response.outputs) known += (known.empty() ? "" : ", ") + output.name;
  throw DataError("request", fmt::format("expected an output of {}, got '{}'", known, name),
                  "outputs");
}

}  // namespace

Tensor classify_rows(const Tensor& scores, int64_t k, const std::vector<std::string>& classes) {
  if (scores.type != DataType::kFp32 || scores.shape.size() != 2 || scores.shape[1] == 0)
    throw DataError("request", "expected an output of scores to classify", scores.name);
  const auto values = values_of<float>(scores);
  const int64_t width = scores.shape[1];
  k = std::min(k, width);
  const auto owner = std::make_shared<std::vector<std::string>>();
  std::vector<int64_t> order(static_cast<size_t>(width));
  for (int64_t row = 0; row < scores.rows(); ++row) {
    const float* at = values.data() + row * width;
    std::iota(order.begin(), order.end(), 0);
    std::partial_sort(order.begin(), order.begin() + k, order.end(),
                      [&](int64_t a, int64_t b) { return at[a] != at[b] ? at[a] > at[b] : a < b; });
    for (int64_t i = 0; i < k; ++i) {
      const auto index = order[static_cast<size_t>(i)];
      auto text = fmt::format("{:f}:{}", at[index], index);
      if (static_cast<size_t>(index) < classes.size())
        text += ":" + classes[static_cast<size_t>(index)];
      owner->push_back(std::move(text));
    }
  }
  Tensor best{
      .name = scores.name, .type = DataType::kBytes, .shape = {scores.rows(), k}, .owner = owner};
  best.elements.assign(owner->begin(), owner->end());
  return best;
}

EncodedResponse encode_response(const InferResponse& response, const InferRequest& request,
                                const std::vector<std::string>& classes) {
  auto wanted = request.outputs;
  if (wanted.empty())
    for (const auto& output : response.outputs)
      wanted.push_back({.name = output.name, .binary = request.binary_output});
  EncodedResponse encoded;
  std::string binary;
  bool any_binary = false;
  auto& out = encoded.body;
  out = fmt::format(R"({{"model_name":{},"model_version":{},)", json_text(response.model_name),
                    json_text(response.model_version));
  if (!response.id.empty()) out += fmt::format(R"("id":{},)", json_text(response.id));
  if (!response.truncated_rows.empty())  // the protocol's parameters are no lists
    out += fmt::format(R"("parameters":{{"truncated_rows":"{}"}},)",
                       fmt::join(response.truncated_rows, ","));
  out += R"("outputs":[)";
  for (size_t i = 0; i < wanted.size(); ++i) {
    const auto& full = find_output(response, wanted[i].name);
    const Tensor output = wanted[i].classification > 0
                              ? classify_rows(full, wanted[i].classification, classes)
                              : full;
    out += fmt::format(R"({}{{"name":{},"datatype":"{}","shape":{},)", i == 0 ? "" : ",",
                       json_text(output.name), to_string(output.type), shape_text(output.shape));
    if (wanted[i].binary) {
      const auto bytes = binary_data(output);
      out += fmt::format(R"("parameters":{{"binary_data_size":{}}}}})", bytes.size());
      binary += bytes;
      any_binary = true;
    } else {
      out += R"("data":[)";
      append_json_data(out, output);
      out += "]}";
    }
  }
  out += "]}";
  if (any_binary) {
    encoded.json_bytes = out.size();
    out += binary;
  }
  return encoded;
}

}  // namespace braid::serve
