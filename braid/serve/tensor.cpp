#include "braid/serve/tensor.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "braid/core/error.h"

namespace braid::serve {
namespace {

struct TypeRow {
  DataType type;
  const char* word;
  size_t size;
};
constexpr std::array<TypeRow, 14> kTypes = {{
    {DataType::kBool, "BOOL", 1},
    {DataType::kUint8, "UINT8", 1},
    {DataType::kUint16, "UINT16", 2},
    {DataType::kUint32, "UINT32", 4},
    {DataType::kUint64, "UINT64", 8},
    {DataType::kInt8, "INT8", 1},
    {DataType::kInt16, "INT16", 2},
    {DataType::kInt32, "INT32", 4},
    {DataType::kInt64, "INT64", 8},
    {DataType::kFp16, "FP16", 2},
    {DataType::kBf16, "BF16", 2},
    {DataType::kFp32, "FP32", 4},
    {DataType::kFp64, "FP64", 8},
    {DataType::kBytes, "BYTES", 0},
}};

const TypeRow& row_of(DataType type) { return kTypes[static_cast<size_t>(type)]; }

}  // namespace

const char* to_string(DataType type) { return row_of(type).word; }

std::optional<DataType> data_type_of(std::string_view word) {
  for (const auto& row : kTypes)
    if (word == row.word) return row.type;
  return std::nullopt;
}

size_t size_of(DataType type) { return row_of(type).size; }

std::optional<int64_t> count_of(const std::vector<int64_t>& shape) {
  int64_t count = 1;
  for (const int64_t size : shape)
    if (size < 0 || __builtin_mul_overflow(count, size, &count)) return std::nullopt;
  return count;
}

std::string shape_text(const std::vector<int64_t>& shape) {
  return fmt::format("[{}]", fmt::join(shape, ","));
}

Tensor concatenate(const std::vector<const Tensor*>& parts, const TensorSpec& spec) {
  const Tensor& first = *parts.front();
  auto shape = first.shape;
  shape[0] = 0;
  bool ragged = false;
  for (const auto* part : parts) {
    shape[0] += part->rows();
    for (size_t d = 1; d < shape.size(); ++d)
      if (part->shape[d] != first.shape[d]) {
        ragged = true;
        shape[d] = std::max(shape[d], part->shape[d]);
      }
  }
  if (ragged && (spec.type != DataType::kInt64 || shape.size() != 2))
    throw InternalError("serve", "expected rows of one shape in a batch of '" + spec.name + "'");
  const auto count = static_cast<size_t>(count_of(shape).value());
  const size_t size = size_of(spec.type);
  const std::shared_ptr<char[]> bytes(new char[count * size]);
  if (ragged)
    for (size_t i = 0; i < count; ++i)
      std::memcpy(bytes.get() + i * size, &spec.padding, sizeof(spec.padding));
  char* to = bytes.get();
  for (const auto* part : parts) {
    if (!ragged) {
      if (!part->data.empty()) std::memcpy(to, part->data.data(), part->data.size());
      to += part->data.size();
      continue;
    }
    const size_t row = static_cast<size_t>(part->shape[1]) * size;
    for (int64_t r = 0; r < part->rows(); ++r) {
      if (row > 0) std::memcpy(to, part->data.data() + static_cast<size_t>(r) * row, row);
      to += static_cast<size_t>(shape[1]) * size;
    }
  }
  const std::string_view data(bytes.get(), count * size);
  return {.name = spec.name, .type = spec.type, .shape = shape, .owner = bytes, .data = data};
}

Tensor slice_rows(const Tensor& tensor, int64_t begin, int64_t count) {
  Tensor slice = tensor;
  const size_t row = tensor.data.size() / static_cast<size_t>(tensor.rows());
  slice.shape[0] = count;
  slice.data =
      tensor.data.substr(static_cast<size_t>(begin) * row, static_cast<size_t>(count) * row);
  return slice;
}

bool is_finite(const Tensor& tensor) {
  if (tensor.type != DataType::kFp32) return true;
  constexpr uint32_t kExponent = 0x7f800000;
  const char* at = tensor.data.data();
  for (size_t i = 0; i < tensor.data.size() / sizeof(uint32_t); ++i) {
    uint32_t bits;
    std::memcpy(&bits, at + i * sizeof(bits), sizeof(bits));
    if ((bits & kExponent) == kExponent) return false;
  }
  return true;
}

Tensor softmax(const Tensor& logits, std::string name) {
  auto values = values_of<float>(logits);
  const auto classes = static_cast<size_t>(logits.shape.back());
  for (size_t row = 0; classes > 0 && row < values.size(); row += classes) {
    const auto begin = values.begin() + static_cast<std::ptrdiff_t>(row);
    const auto end = begin + static_cast<std::ptrdiff_t>(classes);
    const float most = *std::max_element(begin, end);
    double sum = 0;
    for (auto at = begin; at != end; ++at) sum += * at = std::exp(*at - most);
    for (auto at = begin; at != end; ++at) *at = static_cast<float>(*at / sum);
  }
  return make_tensor(std::move(name), DataType::kFp32, logits.shape, std::move(values));
}

Tensor sigmoid(const Tensor& logits, std::string name) {
  auto values = values_of<float>(logits);
  for (float& value : values) value = 1 / (1 + std::exp(-value));
  return make_tensor(std::move(name), DataType::kFp32, logits.shape, std::move(values));
}

}  // namespace braid::serve
