#include "braid/serve/protocol/infer_request.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>
#include <type_traits>

#include "braid/core/error.h"
#include "braid/core/json.h"

namespace braid::serve {
namespace {

constexpr size_t kMostTensors = 64;  // inputs, and outputs, of a request
constexpr size_t kMostDimensions = 8;
constexpr int64_t kMostElements = 1 << 16;  // of BYTES as binary data: four bytes ask for one

[[noreturn]] void refuse_request(const std::string& message, const std::string& where) {
  throw DataError("request", message, where);
}

const Json* find_member(const Json& object, const char* key) {
  const auto found = object.find(key);
  return found == object.end() ? nullptr : &*found;
}

void expect_object(const Json& value, const std::string& where) {
  if (!value.is_object()) refuse_request("expected an object", where);
}

const std::string& string_member(const Json& object, const char* key, const std::string& where) {
  const auto* value = find_member(object, key);
  if (value == nullptr || !value->is_string())
    refuse_request("expected a string", where + "." + key);
  return value->get_ref<const std::string&>();
}

// Not negative.
std::optional<int64_t> count_member(const Json& object, const char* key, const std::string& where) {
  const auto* value = find_member(object, key);
  if (value == nullptr) return std::nullopt;
  if (!value->is_number_unsigned() ||
      value->get<uint64_t>() > static_cast<uint64_t>(std::numeric_limits<int64_t>::max()))
    refuse_request("expected a whole number, at least 0", where + "." + key);
  return value->get<int64_t>();
}

bool flag_member(const Json& object, const char* key, const std::string& where) {
  const auto* value = find_member(object, key);
  if (value == nullptr) return false;
  if (!value->is_boolean()) refuse_request("expected true or false", where + "." + key);
  return value->get<bool>();
}

const Json& parameters_of(const Json& object, const std::string& where) {
  static const Json none = Json::object();
  const auto* parameters = find_member(object, "parameters");
  if (parameters == nullptr) return none;
  expect_object(*parameters, where + ".parameters");
  return *parameters;
}

const Json& list_member(const Json& object, const char* key) {
  const auto* list = find_member(object, key);
  if (list == nullptr || !list->is_array() || list->empty() || list->size() > kMostTensors)
    refuse_request(fmt::format("expected a list of 1 to {} tensors", kMostTensors), key);
  return *list;
}

std::vector<int64_t> read_shape(const Json& input, const std::string& where) {
  const auto* json = find_member(input, "shape");
  if (json == nullptr || !json->is_array() || json->empty() || json->size() > kMostDimensions)
    refuse_request(fmt::format("expected a list of 1 to {} dimensions", kMostDimensions),
                   where + ".shape");
  std::vector<int64_t> shape;
  for (const auto& size : *json) {
    if (!size.is_number_unsigned() ||
        size.get<uint64_t>() > static_cast<uint64_t>(std::numeric_limits<int64_t>::max()))
      refuse_request("expected whole numbers, at least 0", where + ".shape");
    shape.push_back(size.get<int64_t>());
  }
  if (!count_of(shape)) refuse_request("expected a smaller tensor", where + ".shape");
  return shape;
}

// Visits the values of `data`, which is flat or nested like `shape`.
template <class Put>
void read_nested(const Json& data, const std::vector<int64_t>& shape, size_t level,
                 const std::string& where, const Put& put) {
  const auto expect_size = [&](int64_t expected) {
    if (data.size() != static_cast<uint64_t>(expected))
      refuse_request(fmt::format("expected {} values for the shape {}, got {}", expected,
                                 shape_text(shape), data.size()),
                     where);
  };
  const bool nested = !data.empty() && data.front().is_array();
  if (!nested) {
    if (level > 0 && level + 1 < shape.size())
      refuse_request("expected lists nested like the shape, or one flat list", where);
    expect_size(level == 0 ? *count_of(shape) : shape[level]);
    for (const auto& value : data) put(value);
    return;
  }
  if (level + 1 >= shape.size())
    refuse_request("expected lists nested no deeper than the shape", where);
  expect_size(shape[level]);
  for (const auto& part : data) {
    if (!part.is_array()) refuse_request("expected lists nested like the shape", where);
    read_nested(part, shape, level + 1, where, put);
  }
}

template <class T>
T number_of(const Json& value, const std::string& where) {
  if constexpr (std::is_same_v<T, bool>) {
    if (!value.is_boolean()) refuse_request("expected true or false", where);
    return value.get<bool>();
  } else if constexpr (std::is_floating_point_v<T>) {
    if (!value.is_number()) refuse_request("expected numbers", where);
    const double number = value.get<double>();
    if (!(std::abs(number) <= static_cast<double>(std::numeric_limits<T>::max())))
      refuse_request("expected numbers within the type's range", where);
    return static_cast<T>(number);
  } else {
    const bool fits =
        value.is_number_unsigned()
            ? value.get<uint64_t>() <= static_cast<uint64_t>(std::numeric_limits<T>::max())
            : value.is_number_integer() && std::is_signed_v<T> &&
                  value.get<int64_t>() >= static_cast<int64_t>(std::numeric_limits<T>::min());
    if (!fits) refuse_request("expected whole numbers within the type's range", where);
    return static_cast<T>(value.is_number_unsigned() ? value.get<uint64_t>()
                                                     : static_cast<uint64_t>(value.get<int64_t>()));
  }
}

template <class T>
void read_numbers(const Json& data, Tensor& tensor, const std::string& where) {
  const auto bytes = std::make_shared<std::string>();
  read_nested(data, tensor.shape, 0, where, [&](const Json& value) {
    const T number = number_of<T>(value, where);
    bytes->append(reinterpret_cast<const char*>(&number), sizeof(number));
  });
  tensor.data = *bytes;
  tensor.owner = bytes;
}

void read_strings(const Json& data, Tensor& tensor, const std::string& where) {
  const auto strings = std::make_shared<std::vector<std::string>>();
  read_nested(data, tensor.shape, 0, where, [&](const Json& value) {
    if (!value.is_string()) refuse_request("expected strings", where);
    strings->push_back(value.get_ref<const std::string&>());
  });
  tensor.elements.assign(strings->begin(), strings->end());
  tensor.owner = strings;
  tensor.written_as_json = true;
}

void read_json_data(const Json& input, Tensor& tensor, const std::string& where) {
  const auto* data = find_member(input, "data");
  if (data == nullptr || !data->is_array())
    refuse_request("expected a list, or the parameter binary_data_size", where + ".data");
  const std::string place = where + ".data";
  switch (tensor.type) {
    case DataType::kBool:
      return read_numbers<bool>(*data, tensor, place);
    case DataType::kUint8:
      return read_numbers<uint8_t>(*data, tensor, place);
    case DataType::kUint16:
      return read_numbers<uint16_t>(*data, tensor, place);
    case DataType::kUint32:
      return read_numbers<uint32_t>(*data, tensor, place);
    case DataType::kUint64:
      return read_numbers<uint64_t>(*data, tensor, place);
    case DataType::kInt8:
      return read_numbers<int8_t>(*data, tensor, place);
    case DataType::kInt16:
      return read_numbers<int16_t>(*data, tensor, place);
    case DataType::kInt32:
      return read_numbers<int32_t>(*data, tensor, place);
    case DataType::kInt64:
      return read_numbers<int64_t>(*data, tensor, place);
    case DataType::kFp32:
      return read_numbers<float>(*data, tensor, place);
    case DataType::kFp64:
      return read_numbers<double>(*data, tensor, place);
    case DataType::kBytes:
      return read_strings(*data, tensor, place);
    case DataType::kFp16:
    case DataType::kBf16:
      break;
  }
  refuse_request(fmt::format("expected {} as binary data, which JSON has no numbers for",
                             to_string(tensor.type)),
                 place);
}

// Elements of BYTES: a length of four bytes, little-endian, and as many bytes.
void read_elements(Tensor& tensor, const std::string& where) {
  const int64_t count = *count_of(tensor.shape);
  std::string_view rest = tensor.data;
  for (int64_t i = 0; i < count; ++i) {
    if (i == kMostElements)
      refuse_request(fmt::format("expected at most {} elements, got {}", kMostElements, count),
                     where);
    uint32_t size = 0;
    if (rest.size() >= sizeof(size)) std::memcpy(&size, rest.data(), sizeof(size));
    if (rest.size() < sizeof(size) || rest.size() - sizeof(size) < size)
      refuse_request(fmt::format("expected {} elements with their lengths, but the binary data "
                                 "ends within the {}th",
                                 count, i + 1),
                     where);
    tensor.elements.push_back(rest.substr(sizeof(size), size));
    rest.remove_prefix(sizeof(size) + size);
  }
  if (!rest.empty())
    refuse_request(fmt::format("expected no more binary data than {} elements take, got {} bytes",
                               count, rest.size()),
                   where);
  tensor.data = {};
}

void read_binary_data(Tensor& tensor, int64_t size, std::string_view& rest,
                      const std::string& where) {
  if (static_cast<uint64_t>(size) > rest.size())
    refuse_request(fmt::format("expected {} bytes of binary data, got {}", size, rest.size()),
                   where);
  tensor.data = rest.substr(0, static_cast<size_t>(size));
  rest.remove_prefix(static_cast<size_t>(size));
  if (tensor.type == DataType::kBytes) return read_elements(tensor, where);
  int64_t expected = 0;
  if (__builtin_mul_overflow(*count_of(tensor.shape), static_cast<int64_t>(size_of(tensor.type)),
                             &expected) ||
      size != expected)
    refuse_request(fmt::format("expected {} of {} and so another number of bytes, got {}",
                               shape_text(tensor.shape), to_string(tensor.type), size),
                   where);
}

Tensor read_input(const Json& input, const std::shared_ptr<const std::string>& body,
                  std::string_view& binary, const std::string& where) {
  expect_object(input, where);
  Tensor tensor;
  tensor.name = string_member(input, "name", where);
  const auto& word = string_member(input, "datatype", where);
  const auto type = data_type_of(word);
  if (!type) refuse_request("expected a type such as FP32 or BYTES", where + ".datatype");
  tensor.type = *type;
  tensor.shape = read_shape(input, where);
  const std::string place = where + ".parameters";
  const auto size = count_member(parameters_of(input, where), "binary_data_size", place);
  if (size) {
    tensor.owner = body;
    read_binary_data(tensor, *size, binary, place + ".binary_data_size");
  } else {
    read_json_data(input, tensor, where);
  }
  return tensor;
}

RequestedOutput read_output(const Json& output, bool binary_output, const std::string& where) {
  expect_object(output, where);
  RequestedOutput requested{.name = string_member(output, "name", where)};
  const auto& parameters = parameters_of(output, where);
  const std::string place = where + ".parameters";
  requested.binary = find_member(parameters, "binary_data") != nullptr
                         ? flag_member(parameters, "binary_data", place)
                         : binary_output;
  requested.classification = count_member(parameters, "classification", place).value_or(0);
  return requested;
}

InferRequest raw_request(const std::shared_ptr<const std::string>& body) {
  InferRequest request{.raw = true};
  request.inputs.push_back({.type = DataType::kBytes,
                            .shape = {1},
                            .owner = body,
                            .elements = {std::string_view(*body)}});
  return request;
}

}  // namespace

int64_t reading_bytes(std::string_view body, std::optional<uint64_t> json_bytes) {
  const uint64_t size = json_bytes.value_or(body.size());
  if (size > body.size() || size > kMaxRequestJson) return 0;  // which is refused unread
  // Each value stands behind one of these. In a list that grows a number takes up to 48 bytes, an
  // empty list 80, a text, which has three of them, 180 with its copy, and a member, which has
  // four, 240 with its name. Letters are copied.
  constexpr int64_t kBytesOfMark = 64;
  const auto json = body.substr(0, size);
  const auto marks = std::count_if(json.begin(), json.end(), [](char c) {
    return c == ',' || c == ':' || c == '[' || c == '{' || c == '"';
  });
  return static_cast<int64_t>(size) + marks * kBytesOfMark;
}

InferRequest parse_infer_request(const std::shared_ptr<const std::string>& body,
                                 std::optional<uint64_t> json_bytes) {
  if (json_bytes == 0) return raw_request(body);
  const std::string_view bytes = *body;
  const uint64_t json_size = json_bytes.value_or(bytes.size());
  if (json_size > bytes.size())
    refuse_request(
        fmt::format("expected {} bytes of JSON, got a body of {}", json_size, bytes.size()),
        "Inference-Header-Content-Length");
  if (json_size > kMaxRequestJson)
    refuse_request(fmt::format("expected at most {} bytes of JSON, got {}: send tensors as binary "
                               "data",
                               kMaxRequestJson, json_size),
                   "body");
  const Json json = parse_json(bytes.substr(0, json_size),
                               {.component = "request", .where = "body", .unique_keys = true});
  std::string_view binary = bytes.substr(json_size);
  expect_object(json, "body");
  InferRequest request;
  if (find_member(json, "id") != nullptr) request.id = string_member(json, "id", "body");
  const auto& parameters = parameters_of(json, "body");
  request.timeout_us = count_member(parameters, "timeout", "parameters");
  request.binary_output = flag_member(parameters, "binary_data_output", "parameters");
  const auto& inputs = list_member(json, "inputs");
  std::set<std::string> names;
  for (size_t i = 0; i < inputs.size(); ++i) {
    const std::string where = fmt::format("inputs[{}]", i);
    request.inputs.push_back(read_input(inputs[i], body, binary, where));
    if (!names.insert(request.inputs.back().name).second)
      refuse_request("expected each input once", where + ".name");
  }
  if (!binary.empty())
    refuse_request(fmt::format("expected all binary data to belong to an input, got {} bytes more",
                               binary.size()),
                   "body");
  if (const auto* outputs = find_member(json, "outputs");
      outputs != nullptr && !(outputs->is_array() && outputs->empty())) {
    const auto& list = list_member(json, "outputs");
    names.clear();
    for (size_t i = 0; i < list.size(); ++i) {
      const std::string where = fmt::format("outputs[{}]", i);
      request.outputs.push_back(read_output(list[i], request.binary_output, where));
      if (!names.insert(request.outputs.back().name).second)
        refuse_request("expected each output once", where + ".name");
    }
  }
  return request;
}

}  // namespace braid::serve
