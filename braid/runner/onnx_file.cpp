#include "braid/runner/onnx_file.h"

#include <fmt/format.h>

#include <cstring>
#include <protozero/pbf_reader.hpp>
#include <set>

#include "braid/core/error.h"
#include "braid/io/int4.h"

namespace braid::runner {
namespace {

using protozero::pbf_reader;
using protozero::pbf_wire_type;

// Field numbers of onnx.proto.
enum ModelField {
  kProducerName = 2,
  kGraph = 7,
  kOpsetImport = 8,
  kMetadata = 14,
  kFunctions = 25
};
enum OpsetField { kDomain = 1, kVersion };
enum EntryField { kKey = 1, kEntryValue };
enum GraphField { kNode = 1, kGraphName, kInitializer = 5, kInput = 11, kOutput, kSparse = 15 };
enum NodeField { kNodeInput = 1, kNodeOutput, kNodeName, kOpType, kAttribute, kNodeDomain = 7 };
enum AttributeField {
  kAttributeName = 1,
  kF,
  kI,
  kS,
  kT,
  kSubgraph,
  kFloats,
  kInts,
  kSubgraphs = 11,
  kReference = 21
};
enum TensorField {
  kDims = 1,
  kDataType,
  kFloatData = 4,
  kInt32Data,
  kInt64Data = 7,
  kTensorName,
  kRawData,
  kDoubleData,
  kExternalData = 13,
  kDataLocation
};
enum ValueField { kValueName = 1, kValueType };
enum TypeField { kTensorType = 1 };
enum TensorTypeField { kElementType = 1, kShape };
enum ShapeField { kDim = 1 };
enum DimensionField { kDimValue = 1, kDimParam };

class Reader {
 public:
  Reader(const std::string& where, const FileLimits& limits) : where_(where), limits_(limits) {}

  OnnxFile model(pbf_reader in) {
    OnnxFile file;
    bool has_graph = false;
    while (in.next()) switch (in.tag()) {
        case kProducerName:
          file.producer = text(in, "the producer's name");
          break;
        case kGraph:
          if (has_graph) fail("one graph", "several");
          has_graph = true;
          graph(message(in, "the graph"), file);
          break;
        case kOpsetImport:
          opset(message(in, "an operator set"), file);
          break;
        case kMetadata:
          metadata(message(in, "an entry of metadata"), file);
          break;
        case kFunctions:
          fail("a graph of plain operators", "functions of the file's own");
          break;
        default:
          in.skip();
      }
    if (!has_graph) fail("a graph", "none");
    if (file.opset == 0) fail("an operator set", "none");
    drop_inputs_that_are_tensors(file);
    return file;
  }

 private:
  [[noreturn]] void fail(const std::string& expected, const std::string& got,
                         const std::string& what = "") const {
    throw DataError("onnx", "expected " + expected + ", got " + got,
                    what.empty() ? where_ : where_ + ", " + what,
                    "export the model again with `braid export`");
  }

  void expect(const pbf_reader& in, pbf_wire_type type, const char* what) const {
    if (in.wire_type() != type) fail(fmt::format("the wire type of {}", what), "another");
  }
  pbf_reader message(pbf_reader& in, const char* what) const {
    expect(in, pbf_wire_type::length_delimited, what);
    return in.get_message();
  }
  std::string bytes(pbf_reader& in, size_t most, const char* what) const {
    expect(in, pbf_wire_type::length_delimited, what);
    const auto view = in.get_view();
    if (view.size() > most)
      fail(fmt::format("at most {} bytes for {}", most, what), std::to_string(view.size()));
    return {view.data(), view.size()};
  }
  std::string text(pbf_reader& in, const char* what) const {
    return bytes(in, limits_.name_bytes, what);
  }
  int64_t integer(pbf_reader& in, const char* what) const {
    expect(in, pbf_wire_type::varint, what);
    return in.get_int64();
  }

  // Packed or one by one, as both are allowed.
  template <class T>
  void integers(pbf_reader& in, std::vector<T>& out, const char* what) const {
    if (in.wire_type() == pbf_wire_type::length_delimited)
      for (const int64_t value : in.get_packed_int64()) out.push_back(static_cast<T>(value));
    else
      out.push_back(static_cast<T>(integer(in, what)));
  }
  void floats(pbf_reader& in, std::vector<float>& out, const char* what) const {
    if (in.wire_type() == pbf_wire_type::length_delimited) {
      for (const float value : in.get_packed_float()) out.push_back(value);
      return;
    }
    expect(in, pbf_wire_type::fixed32, what);
    out.push_back(in.get_float());
  }

  void opset(pbf_reader in, OnnxFile& file) const {
    std::string domain;
    int64_t version = 0;
    while (in.next()) switch (in.tag()) {
        case kDomain:
          domain = text(in, "an operator set's domain");
          break;
        case kVersion:
          version = integer(in, "an operator set's version");
          break;
        default:
          in.skip();
      }
    if (!domain.empty() && domain != "ai.onnx") return;  // its operators are refused by name
    if (version < 13 || version > 22) fail("an operator set of 13 to 22", std::to_string(version));
    file.opset = version;
  }

  void metadata(pbf_reader in, OnnxFile& file) {
    std::string key, value;
    while (in.next()) switch (in.tag()) {
        case kKey:
          key = text(in, "a key of metadata");
          break;
        case kEntryValue:
          value = bytes(in, limits_.metadata_bytes, "metadata");
          break;
        default:
          in.skip();
      }
    metadata_bytes_ += key.size() + value.size();
    if (metadata_bytes_ > limits_.metadata_bytes)
      fail(fmt::format("at most {} bytes of metadata", limits_.metadata_bytes), "more");
    file.metadata[key] = value;
  }

  void graph(pbf_reader in, OnnxFile& file) const {
    while (in.next()) switch (in.tag()) {
        case kNode:
          if (file.nodes.size() >= limits_.nodes)
            fail(fmt::format("at most {} operators", limits_.nodes), "more");
          file.nodes.push_back(node(message(in, "an operator")));
          break;
        case kGraphName:
          file.graph_name = text(in, "the graph's name");
          break;
        case kInitializer:
          if (file.tensors.size() >= limits_.tensors)
            fail(fmt::format("at most {} tensors", limits_.tensors), "more");
          file.tensors.push_back(tensor(message(in, "a tensor")));
          if (file.tensors.back().name.empty()) fail("a tensor's name", "none");
          break;
        case kInput:
        case kOutput: {
          auto& list = in.tag() == kInput ? file.inputs : file.outputs;
          if (list.size() >= limits_.tensors)
            fail(fmt::format("at most {} inputs", limits_.tensors), "more");
          list.push_back(value(message(in, "an input or output")));
          if (list.back().name.empty()) fail("a name of each input and output", "none");
          break;
        }
        case kSparse:
          fail("dense tensors", "a sparse one");
          break;
        default:
          in.skip();
      }
  }

  FileNode node(pbf_reader in) const {
    FileNode node;
    const auto add_name = [&](std::vector<std::string>& names) {
      if (names.size() >= limits_.values_per_node)
        fail(fmt::format("at most {} values of an operator", limits_.values_per_node), "more");
      names.push_back(text(in, "a value's name"));
    };
    while (in.next()) switch (in.tag()) {
        case kNodeInput:
          add_name(node.inputs);
          break;
        case kNodeOutput:
          add_name(node.outputs);
          break;
        case kNodeName:
          node.name = text(in, "an operator's name");
          break;
        case kOpType:
          node.op_type = text(in, "an operator's type");
          break;
        case kAttribute:
          if (node.attributes.size() >= limits_.attributes_per_node)
            fail(fmt::format("at most {} attributes", limits_.attributes_per_node), "more");
          node.attributes.push_back(attribute(message(in, "an attribute")));
          break;
        case kNodeDomain: {
          const auto domain = text(in, "an operator's domain");
          if (!domain.empty() && domain != "ai.onnx")
            fail("operators of ONNX itself", fmt::format("one of '{}'", domain),
                 "operator " + node.name);
          break;
        }
        default:
          in.skip();
      }
    if (node.op_type.empty()) fail("an operator's type", "none", "operator " + node.name);
    // What fusions make of operators is theirs alone.
    bool foreign = !node.op_type.starts_with("braid.");
    for (const auto& a : node.attributes) foreign = foreign && !a.name.starts_with("braid.");
    if (!foreign) fail("operators of ONNX", node.op_type, "operator " + node.name);
    return node;
  }

  Attribute attribute(pbf_reader in) const {
    using Kind = Attribute::Kind;
    Attribute a;
    while (in.next()) switch (in.tag()) {
        case kAttributeName:
          a.name = text(in, "an attribute's name");
          break;
        case kF:
          expect(in, pbf_wire_type::fixed32, "a number");
          a.number = in.get_float();
          a.kind = Kind::kFloat;
          break;
        case kI:
          a.integer = integer(in, "a whole number");
          a.kind = Kind::kInt;
          break;
        case kS:
          a.text = text(in, "a text");
          a.kind = Kind::kString;
          break;
        case kT:
          a.tensor = tensor(message(in, "a tensor"));
          a.kind = Kind::kTensor;
          break;
        case kFloats:
          floats(in, a.numbers, "numbers");
          a.kind = Kind::kFloats;
          break;
        case kInts:
          integers(in, a.integers, "whole numbers");
          a.kind = Kind::kInts;
          break;
        case kSubgraph:
        case kSubgraphs:
        case kReference:
          fail("operators without graphs inside", "one with a graph", "attribute " + a.name);
          break;
        default:
          in.skip();
      }
    return a;
  }

  // Numbers that stand in fields of their type instead of raw bytes.
  struct Typed {
    std::vector<float> floats;
    std::vector<int64_t> integers;
    std::vector<double> doubles;
  };

  template <class T, class From>
  void unpack(StoredTensor& t, const std::vector<From>& numbers) const {
    t.unpacked = std::make_shared<std::vector<uint8_t>>(numbers.size() * sizeof(T));
    for (size_t i = 0; i < numbers.size(); ++i) {
      const T value = static_cast<T>(numbers[i]);
      std::memcpy(t.unpacked->data() + i * sizeof(T), &value, sizeof(T));
    }
    t.bytes = *t.unpacked;
  }

  void unpack(StoredTensor& t, const Typed& typed) const {
    switch (t.dtype) {
      case DType::kFloat:
        return unpack<float>(t, typed.floats);
      case DType::kDouble:
        return unpack<double>(t, typed.doubles);
      case DType::kInt32:
        return unpack<int32_t>(t, typed.integers);
      case DType::kInt64:
        return unpack<int64_t>(t, typed.integers);
      case DType::kInt4:
        for (const int64_t value : typed.integers)
          if (value < -128 || value > 255)
            fail("bytes of two numbers each", std::to_string(value), "tensor " + t.name);
        return unpack<uint8_t>(t, typed.integers);
      default:
        return unpack<uint8_t>(t, typed.integers);
    }
  }

  // Two numbers in a byte become a byte each.
  static void spread_int4(StoredTensor& t, int64_t count) {
    auto numbers = std::make_shared<std::vector<uint8_t>>(static_cast<size_t>(count));
    io::unpack_int4(t.bytes, {reinterpret_cast<int8_t*>(numbers->data()), numbers->size()});
    t.unpacked = std::move(numbers);
    t.bytes = *t.unpacked;
  }

  StoredTensor tensor(pbf_reader in) const {
    StoredTensor t;
    Typed typed;
    int64_t type = 0;
    bool raw = false;
    while (in.next()) switch (in.tag()) {
        case kDims:
          integers(in, t.dims, "a tensor's sizes");
          if (t.dims.size() > limits_.rank)
            fail(fmt::format("at most {} dimensions", limits_.rank), "more", "tensor " + t.name);
          break;
        case kDataType:
          type = integer(in, "a tensor's type");
          break;
        case kFloatData:
          floats(in, typed.floats, "a tensor's numbers");
          break;
        case kInt32Data:
        case kInt64Data:
          integers(in, typed.integers, "a tensor's numbers");
          break;
        case kDoubleData:
          expect(in, pbf_wire_type::length_delimited, "a tensor's numbers");
          for (const double value : in.get_packed_double()) typed.doubles.push_back(value);
          break;
        case kTensorName:
          t.name = text(in, "a tensor's name");
          break;
        case kRawData: {
          expect(in, pbf_wire_type::length_delimited, "a tensor's bytes");
          const auto view = in.get_view();
          t.bytes = {reinterpret_cast<const uint8_t*>(view.data()), view.size()};
          raw = true;
          break;
        }
        case kExternalData:
          fail("weights in the file itself", "a reference to another file", "tensor " + t.name);
          break;
        case kDataLocation:
          if (integer(in, "a tensor's place") != 0)
            fail("weights in the file itself", "a reference to another file", "tensor " + t.name);
          break;
        default:
          in.skip();
      }
    const auto what = fmt::format("tensor '{}'", t.name);
    const bool is_int4 = type == static_cast<int64_t>(DType::kInt4);
    t.dtype = is_int4 ? DType::kInt4 : dtype(type, what);
    const int64_t count = count_of(t.dims, t.dtype, where_ + ", " + what);
    const uint64_t bytes = stored_bytes(count, t.dtype);
    if (!raw) unpack(t, typed);
    if (t.bytes.size() != bytes)
      fail(fmt::format("{} bytes of {} {}", bytes, to_string(t.dtype), to_string(t.dims)),
           std::to_string(t.bytes.size()), what);
    if (t.dtype == DType::kBool)
      for (const uint8_t value : t.bytes)
        if (value > 1) fail("truth values of 0 and 1", std::to_string(value), what);
    if (is_int4) spread_int4(t, count);
    return t;
  }

  DType dtype(int64_t type, const std::string& what) const {
    if (type < 0 || type > 100 || !is_supported(static_cast<int32_t>(type)))
      fail("float32, float64, uint8, int8, int32, int64, bool or, of stored numbers, int4",
           fmt::format("type {} of ONNX", type), what);
    return static_cast<DType>(type);
  }

  FileValue value(pbf_reader in) const {
    FileValue v;
    int64_t type = 0;
    while (in.next()) switch (in.tag()) {
        case kValueName:
          v.name = text(in, "a value's name");
          break;
        case kValueType: {
          auto types = message(in, "a value's type");
          while (types.next())
            if (types.tag() == kTensorType)
              type = tensor_type(message(types, "a tensor's type"), v);
            else
              types.skip();
          break;
        }
        default:
          in.skip();
      }
    v.dtype = dtype(type, fmt::format("value '{}'", v.name));
    return v;
  }

  int64_t tensor_type(pbf_reader in, FileValue& v) const {
    int64_t type = 0;
    while (in.next()) switch (in.tag()) {
        case kElementType:
          type = integer(in, "a type");
          break;
        case kShape: {
          auto shape = message(in, "a shape");
          while (shape.next())
            if (shape.tag() == kDim)
              dimension(message(shape, "a dimension"), v);
            else
              shape.skip();
          break;
        }
        default:
          in.skip();
      }
    return type;
  }

  void dimension(pbf_reader in, FileValue& v) const {
    if (v.dims.size() >= limits_.rank)
      fail(fmt::format("at most {} dimensions", limits_.rank), "more", "value " + v.name);
    v.dims.push_back(-1);
    v.dim_names.emplace_back();
    while (in.next()) switch (in.tag()) {
        case kDimValue:
          v.dims.back() = integer(in, "a size");
          if (v.dims.back() < 0) fail("sizes from 0 on", "a negative one", "value " + v.name);
          break;
        case kDimParam:
          v.dim_names.back() = text(in, "a dimension's name");
          break;
        default:
          in.skip();
      }
  }

  // Old files list weights among the inputs too.
  static void drop_inputs_that_are_tensors(OnnxFile& file) {
    std::set<std::string> stored;
    for (const auto& tensor : file.tensors) stored.insert(tensor.name);
    std::erase_if(file.inputs, [&](const FileValue& v) { return stored.contains(v.name); });
  }

  const std::string& where_;
  const FileLimits& limits_;
  uint64_t metadata_bytes_ = 0;
};

}  // namespace

OnnxFile parse_onnx(std::span<const uint8_t> bytes, const std::string& where,
                    const FileLimits& limits) {
  try {
    return Reader(where, limits)
        .model(pbf_reader(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
  } catch (const protozero::exception& e) {
    throw DataError("onnx", fmt::format("expected an ONNX file, got something else: {}", e.what()),
                    where, "export the model again with `braid export`");
  }
}

}  // namespace braid::runner
