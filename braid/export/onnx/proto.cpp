#include "braid/export/onnx/proto.h"

#include <fmt/format.h>

#include <protozero/pbf_writer.hpp>

#include "braid/core/error.h"

namespace braid::onnx {
namespace {

using protozero::pbf_writer;

// Field numbers of onnx.proto.
enum ModelField {
  kIrVersion = 1,
  kProducerName,
  kProducerVersion,
  kGraph = 7,
  kOpsetImport,
  kMetadata = 14
};
enum OpsetField { kDomain = 1, kVersion };
enum EntryField { kKey = 1, kEntryValue };
enum GraphField { kNode = 1, kGraphName, kInitializer = 5, kInput = 11, kOutput };
enum NodeField { kNodeInput = 1, kNodeOutput, kNodeName, kOpType, kAttribute };
enum AttributeField { kAttributeName = 1, kF, kI, kS, kFloats = 7, kInts, kType = 20 };
enum TensorField { kDims = 1, kDataType, kTensorName = 8, kRawData };
enum ValueField { kValueName = 1, kValueType };
enum TypeField { kTensorType = 1 };
enum TensorTypeField { kElementType = 1, kShape };
enum ShapeField { kDim = 1 };
enum DimensionField { kDimValue = 1, kDimParam };
enum AttributeType { kFloatType = 1, kIntType, kStringType, kFloatsType = 6, kIntsType };

// Of the first release with the operator set: ONNX 1.15 with 20, 1.16 with 21.
int64_t ir_version_of(int64_t opset) { return opset > 20 ? 10 : 9; }

struct WriteAttribute {
  pbf_writer& out;
  void operator()(int64_t value) const {
    out.add_int64(kI, value);
    out.add_enum(kType, kIntType);
  }
  void operator()(float value) const {
    out.add_float(kF, value);
    out.add_enum(kType, kFloatType);
  }
  void operator()(const std::string& value) const {
    out.add_bytes(kS, value);
    out.add_enum(kType, kStringType);
  }
  void operator()(const std::vector<int64_t>& values) const {
    for (const int64_t value : values) out.add_int64(kInts, value);
    out.add_enum(kType, kIntsType);
  }
  void operator()(const std::vector<float>& values) const {
    for (const float value : values) out.add_float(kFloats, value);
    out.add_enum(kType, kFloatsType);
  }
};

void write_node(pbf_writer& graph, const NodeProto& node) {
  pbf_writer out(graph, kNode);
  for (const auto& name : node.inputs) out.add_string(kNodeInput, name);
  for (const auto& name : node.outputs) out.add_string(kNodeOutput, name);
  out.add_string(kNodeName, node.name);
  out.add_string(kOpType, node.op_type);
  for (const auto& [name, value] : node.attributes) {
    pbf_writer attribute(out, kAttribute);
    attribute.add_string(kAttributeName, name);
    std::visit(WriteAttribute{attribute}, value);
  }
}

void write_initializer(pbf_writer& graph, const Initializer& tensor) {
  pbf_writer out(graph, kInitializer);
  for (const int64_t size : tensor.dims) out.add_int64(kDims, size);
  out.add_int32(kDataType, static_cast<int32_t>(tensor.type));
  out.add_string(kTensorName, tensor.name);
  out.add_bytes(kRawData, tensor.bytes);
}

void write_value(pbf_writer& graph, GraphField field, const ValueInfo& value) {
  pbf_writer out(graph, field);
  out.add_string(kValueName, value.name);
  pbf_writer type(out, kValueType);
  pbf_writer tensor(type, kTensorType);
  tensor.add_int32(kElementType, static_cast<int32_t>(value.type));
  pbf_writer shape(tensor, kShape);
  for (const auto& dimension : value.shape) {
    pbf_writer dim(shape, kDim);
    if (const auto* size = std::get_if<int64_t>(&dimension))
      dim.add_int64(kDimValue, *size);
    else
      dim.add_string(kDimParam, std::get<std::string>(dimension));
  }
}

void check_size(const ModelProto& model) {
  uint64_t bytes = 0;
  for (const auto& tensor : model.initializers) bytes += tensor.bytes.size();
  constexpr uint64_t kRoomForNodes = 16 << 20;
  if (bytes > kMostModelBytes - kRoomForNodes)
    throw DataError(
        "onnx",
        fmt::format("expected weights below 2 GB, which is all that one ONNX file holds, "
                    "got {:.2f} GB",
                    static_cast<double>(bytes) / 1e9),
        "", "export a smaller model");
}

}  // namespace

std::string serialize(const ModelProto& model) {
  check_size(model);
  std::string bytes;
  pbf_writer out(bytes);
  out.add_int64(kIrVersion, ir_version_of(model.opset));
  out.add_string(kProducerName, "braid");
  out.add_string(kProducerVersion, model.producer_version);
  {
    pbf_writer graph(out, kGraph);
    for (const auto& node : model.nodes) write_node(graph, node);
    graph.add_string(kGraphName, model.name);
    for (const auto& tensor : model.initializers) write_initializer(graph, tensor);
    for (const auto& value : model.inputs) write_value(graph, kInput, value);
    for (const auto& value : model.outputs) write_value(graph, kOutput, value);
  }
  {
    pbf_writer opset(out, kOpsetImport);
    opset.add_string(kDomain, "");
    opset.add_int64(kVersion, model.opset);
  }
  for (const auto& [key, value] : model.metadata) {
    pbf_writer entry(out, kMetadata);
    entry.add_string(kKey, key);
    entry.add_string(kEntryValue, value);
  }
  return bytes;
}

}  // namespace braid::onnx
