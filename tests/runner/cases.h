// The cases that generate_cases.py made.
#pragma once
#include <map>
#include <set>
#include <string>
#include <vector>

#include "braid/io/safetensors.h"
#include "braid/runner/session.h"

namespace braid::runner {

inline const io::SafetensorsFile& case_file() {
  static const auto file =
      io::SafetensorsFile::read(BRAID_TEST_SOURCE_DIR "/runner/fixtures/cases.safetensors");
  return file;
}

inline std::vector<std::string> case_names() {
  std::set<std::string> names;
  for (const auto& item : case_file().tensors())
    names.insert(item.first.substr(0, item.first.find('/')));
  return {names.begin(), names.end()};
}

inline std::vector<uint8_t> case_model(const std::string& name) {
  const auto bytes = case_file().bytes(name + "/model");
  const auto* begin = reinterpret_cast<const uint8_t*>(bytes.data());
  return {begin, begin + bytes.size()};
}

// kind: "in" or "out".
inline std::map<std::string, Tensor> case_tensors(const Session& session, const std::string& name,
                                                  const std::string& kind) {
  static const std::map<std::string, DType> types = {
      {"F32", DType::kFloat}, {"F64", DType::kDouble}, {"U8", DType::kUint8}, {"I8", DType::kInt8},
      {"I32", DType::kInt32}, {"I64", DType::kInt64},  {"BOOL", DType::kBool}};
  const std::string prefix = name + "/" + kind + "/";
  std::map<std::string, Tensor> tensors;
  for (const auto& [key, info] : case_file().tensors()) {
    if (!key.starts_with(prefix)) continue;
    Tensor tensor = session.make(types.at(info.dtype), info.shape);
    case_file().read_tensor(info, {tensor.raw(), tensor.byte_size()});
    tensors[key.substr(prefix.size())] = tensor;
  }
  return tensors;
}

}  // namespace braid::runner
