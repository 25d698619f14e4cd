#include "braid/runner/tensor_files.h"

#include <fmt/format.h>

#include "braid/core/error.h"
#include "braid/io/safetensors.h"

namespace braid::runner {
namespace {

const std::map<std::string, DType>& stored_types() {
  static const std::map<std::string, DType> types = {
      {"F32", DType::kFloat}, {"F64", DType::kDouble}, {"U8", DType::kUint8}, {"I8", DType::kInt8},
      {"I32", DType::kInt32}, {"I64", DType::kInt64},  {"BOOL", DType::kBool}};
  return types;
}

}  // namespace

std::map<std::string, Tensor> read_inputs(const Session& session,
                                          const std::filesystem::path& file) {
  const auto stored = io::SafetensorsFile::read(file);
  std::map<std::string, Tensor> inputs;
  for (const auto& input : session.inputs()) {
    const bool only = session.inputs().size() == 1 && stored.tensors().size() == 1;
    const auto& info = only ? stored.tensors().begin()->second : stored.at(input.name);
    const auto type = stored_types().find(info.dtype);
    if (type == stored_types().end())
      throw DataError("runner", fmt::format("expected numbers of a known type, got {}", info.dtype),
                      file.string());
    Tensor tensor = session.make(type->second, info.shape);
    stored.read_tensor(info, {tensor.raw(), tensor.byte_size()});
    inputs[input.name] = tensor;
  }
  return inputs;
}

void write_outputs(const Session& session, const std::vector<Tensor>& outputs,
                   const std::filesystem::path& file) {
  std::map<std::string, io::TensorView> tensors;
  for (size_t i = 0; i < outputs.size(); ++i) {
    const Tensor& tensor = outputs[i];
    std::string type;
    for (const auto& [name, dtype] : stored_types())
      if (dtype == tensor.dtype()) type = name;
    tensors[session.outputs().at(i).name] = {
        .dtype = type, .shape = tensor.dims(), .data = {tensor.raw(), tensor.byte_size()}};
  }
  io::write_safetensors(file, tensors);
}

}  // namespace braid::runner
