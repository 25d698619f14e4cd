#include "braid/export/file_proof.h"

#include <fmt/format.h>

#include <cstdint>
#include <cstring>
#include <map>
#include <span>
#include <utility>

#include "braid/core/error.h"
#include "braid/runner/session.h"

namespace braid::onnx {
namespace {

// Not a number is never within.
bool is_within(const graph::Deviation& deviation, const ProofLimits& limits) {
  return deviation.relative <= limits.relative;
}

std::span<const uint8_t> as_bytes(std::string_view text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

std::optional<std::string> unknown_operator(std::string_view bytes, const std::string& where) {
  for (const auto& node : runner::parse_onnx(as_bytes(bytes), where).nodes)
    if (!runner::op_table().contains(node.op_type)) return node.op_type;
  return std::nullopt;
}

torch::Tensor in_torch(const runner::Session& session, const runner::Tensor& made) {
  if (made.dtype() != runner::DType::kFloat)
    throw InternalError("onnx", "expected float32 as output, got " + to_string(made.dtype()),
                        session.where());
  auto output = torch::empty(made.dims(), torch::kFloat);
  if (made.byte_size() > 0) std::memcpy(output.data_ptr(), made.raw(), made.byte_size());
  return output;
}

std::vector<torch::Tensor> outputs_for(runner::Session& session, const graph::Sample& sample) {
  const auto& wanted = session.inputs();
  if (wanted.size() != sample.inputs.size())
    throw InternalError(
        "onnx",
        fmt::format("expected a file of {} inputs, got {}", sample.inputs.size(), wanted.size()),
        session.where());
  std::map<std::string, runner::Tensor> inputs;
  for (size_t i = 0; i < wanted.size(); ++i) {
    const auto given = sample.inputs[i].contiguous();
    auto tensor = session.make(wanted[i].dtype, given.sizes().vec());
    if (tensor.byte_size() != given.nbytes())
      throw InternalError(
          "onnx",
          fmt::format("expected {} as input '{}', got {}", runner::to_string(wanted[i].dtype),
                      wanted[i].name, c10::toString(given.scalar_type())),
          session.where());
    if (given.nbytes() > 0) std::memcpy(tensor.raw(), given.const_data_ptr(), given.nbytes());
    inputs.emplace(wanted[i].name, std::move(tensor));
  }
  std::vector<torch::Tensor> outputs;
  for (const auto& made : session.run(inputs)) outputs.push_back(in_torch(session, made));
  return outputs;
}

}  // namespace

FileProof prove_file(std::string_view bytes, const std::string& name,
                     const std::vector<graph::Sample>& samples, const ProofLimits& limits) {
  const auto where = name + ", as it would be written";
  if (const auto unknown = unknown_operator(bytes, where))
    return {.remark = fmt::format("braid-run has no operator {}: the file was not run.", *unknown)};
  const auto session =
      runner::Session::of_bytes(as_bytes(bytes), where, {.threads = at::get_num_threads()});
  if (samples.empty()) return {.remark = "No sample was asked for anything: the file was not run."};
  graph::Deviation largest;
  for (const auto& sample : samples) {
    const auto deviation = graph::deviation(sample, outputs_for(*session, sample));
    if (!is_within(deviation, limits))
      throw InternalError(
          "onnx",
          fmt::format("expected a file within {:g} of the model, got {:g} of the largest output of "
                      "{} in a batch",
                      limits.relative, deviation.relative, sample.expected.size(0)),
          where, "nothing was written");
    largest = graph::larger(largest, deviation);
  }
  return {.deviation = largest};
}

void expect_close(const graph::Deviation& deviation, const std::string& architecture) {
  const ProofLimits limits;
  if (!is_within(deviation, limits))
    throw InternalError("onnx",
                        fmt::format("expected a graph within {:g} of the model, got {:g}",
                                    limits.relative, deviation.relative),
                        architecture);
}

}  // namespace braid::onnx
