// ONNX files as they are written: the part of onnx.proto that a network needs, without protobuf.
#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace braid::onnx {

// TensorProto.DataType
enum class DataType : int32_t {
  kFloat = 1,
  kUint8 = 2,
  kInt8 = 3,
  kInt32 = 6,
  kInt64 = 7,
  kBool = 9,
  kFloat16 = 10,
  kDouble = 11,
  kBfloat16 = 16,
  kInt4 = 22,  // of operator set 21 on
};

struct Initializer {
  std::string name{};
  DataType type = DataType::kFloat;
  std::vector<int64_t> dims{};
  std::string bytes{};  // little-endian, row by row; of int4 see io/int4.h
};

using AttributeValue =
    std::variant<int64_t, float, std::string, std::vector<int64_t>, std::vector<float>>;
using Attributes = std::vector<std::pair<std::string, AttributeValue>>;

struct NodeProto {
  std::string op_type{};
  std::string name{};
  std::vector<std::string> inputs{};  // "": left out
  std::vector<std::string> outputs{};
  Attributes attributes{};
};

using Dimension = std::variant<int64_t, std::string>;  // a word for one that is free
struct ValueInfo {
  std::string name{};
  DataType type = DataType::kFloat;
  std::vector<Dimension> shape{};
};

struct ModelProto {
  int64_t opset = 20;
  std::string producer_version{};
  std::string name{};  // of the graph
  std::vector<NodeProto> nodes{};
  std::vector<Initializer> initializers{};
  std::vector<ValueInfo> inputs{}, outputs{};
  std::map<std::string, std::string> metadata{};
};

// What a protobuf message may be large.
inline constexpr uint64_t kMostModelBytes = (uint64_t{1} << 31) - 1;

// The bytes of a .onnx file. Throws DataError above kMostModelBytes.
std::string serialize(const ModelProto& model);

}  // namespace braid::onnx
