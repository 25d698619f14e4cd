// The reader of ONNX files: foreign bytes, bounded and checked before anything is believed.
#pragma once
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "braid/runner/dtype.h"

namespace braid::runner {

// What a file may hold; more is refused before memory is taken for it.
struct FileLimits {
  size_t nodes = 200'000;
  size_t tensors = 200'000;
  size_t values_per_node = 4096;  // inputs or outputs
  size_t attributes_per_node = 64;
  size_t name_bytes = 4096;
  size_t rank = 12;
  uint64_t metadata_bytes = 256 << 20;
};

struct StoredTensor {
  std::string name;
  DType dtype = DType::kFloat;
  Dims dims;
  std::span<const uint8_t> bytes;  // as many as dims and dtype say, little-endian
  // Holds the bytes where the file has no raw ones, or two numbers of 4 bits in each.
  std::shared_ptr<std::vector<uint8_t>> unpacked;
};

struct Attribute {
  enum class Kind { kNone, kFloat, kInt, kString, kTensor, kFloats, kInts };
  std::string name;
  Kind kind = Kind::kNone;
  float number = 0;
  int64_t integer = 0;
  std::string text;
  std::vector<float> numbers;
  std::vector<int64_t> integers;
  StoredTensor tensor;
};

struct FileNode {
  std::string op_type, name;
  std::vector<std::string> inputs, outputs;  // an empty name: left out
  std::vector<Attribute> attributes;
};

struct FileValue {
  std::string name;
  DType dtype = DType::kFloat;
  Dims dims;                           // -1: free
  std::vector<std::string> dim_names;  // of those that are free, may be empty
};

struct OnnxFile {
  int64_t opset = 0;
  std::string producer, graph_name;
  std::vector<FileNode> nodes;
  std::vector<StoredTensor> tensors;
  std::vector<FileValue> inputs, outputs;  // inputs without those that are tensors of the file
  std::map<std::string, std::string> metadata;
};

// The tensors' bytes lie in `bytes`, which must live as long. Throws DataError naming `where` and
// the node or tensor: no protobuf, wrong wire types, more than the limits, sizes that overflow or
// disagree with the bytes, types and features that are not known here. Takes memory of the order of
// the file's size: numbers of 4 bits, which stand in half of a byte there, get a byte each.
OnnxFile parse_onnx(std::span<const uint8_t> bytes, const std::string& where,
                    const FileLimits& limits = {});

}  // namespace braid::runner
