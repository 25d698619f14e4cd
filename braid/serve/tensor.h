// Tensors as the server passes them on: names, types and shapes of the Open Inference Protocol,
// bytes of somebody else's. No LibTorch here.
#pragma once
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace braid::serve {

enum class DataType {
  kBool,
  kUint8,
  kUint16,
  kUint32,
  kUint64,
  kInt8,
  kInt16,
  kInt32,
  kInt64,
  kFp16,
  kBf16,
  kFp32,
  kFp64,
  kBytes,
};
// The protocol's word, such as "FP32".
const char* to_string(DataType type);
std::optional<DataType> data_type_of(std::string_view word);
// Bytes of an element; 0: of BYTES, whose elements have lengths of their own.
size_t size_of(DataType type);

// What a model takes or gives.
struct TensorSpec {
  std::string name{};
  DataType type = DataType::kFp32;
  std::vector<int64_t> shape{};  // the first dimension is the batch; -1: any
  int64_t padding = 0;  // of INT64 [N,L]: what fills rows that are shorter than their batch
};

struct Tensor {
  std::string name{};
  DataType type = DataType::kFp32;
  std::vector<int64_t> shape{};
  std::shared_ptr<const void> owner{};       // of the bytes below
  std::string_view data{};                   // row-major, little-endian, not aligned
  std::vector<std::string_view> elements{};  // of BYTES, in place of data
  bool written_as_json = false;              // elements of BYTES came as JSON's strings

  int64_t rows() const { return shape.empty() ? 0 : shape.front(); }
};

// Elements of a shape; nothing where a dimension is negative or the product beyond an int64.
std::optional<int64_t> count_of(const std::vector<int64_t>& shape);
// "[1,3,32,32]"
std::string shape_text(const std::vector<int64_t>& shape);

// A tensor that owns its values.
template <class T>
Tensor make_tensor(std::string name, DataType type, std::vector<int64_t> shape,
                   std::vector<T> values) {
  static_assert(std::is_trivially_copyable_v<T>);
  const auto owner = std::make_shared<const std::vector<T>>(std::move(values));
  const std::string_view data(reinterpret_cast<const char*>(owner->data()),
                              owner->size() * sizeof(T));
  Tensor tensor;
  tensor.name = std::move(name);
  tensor.type = type;
  tensor.shape = std::move(shape);
  tensor.owner = owner;
  tensor.data = data;
  return tensor;
}
template <class T>
std::vector<T> values_of(const Tensor& tensor) {
  std::vector<T> values(tensor.data.size() / sizeof(T));
  const auto whole = tensor.data.substr(0, values.size() * sizeof(T));
  if (!whole.empty()) std::memcpy(values.data(), whole.data(), whole.size());
  return values;
}

// The rows of several requests, one below the other, aligned. Rows of INT64 [N,L] are padded to the
// longest. parts: of the same type, and but for L of the same shape.
Tensor concatenate(const std::vector<const Tensor*>& parts, const TensorSpec& spec);
// Rows begin to begin + count, which share the bytes.
Tensor slice_rows(const Tensor& tensor, int64_t begin, int64_t count);
// Whether FP32 holds neither NaN nor infinity; other types do not.
bool is_finite(const Tensor& tensor);
// [N,K] FP32 -> [N,K] FP32, rows sum to 1.
Tensor softmax(const Tensor& logits, std::string name);
// The same of labels of which any number may be right: of each by itself.
Tensor sigmoid(const Tensor& logits, std::string name);

}  // namespace braid::serve
