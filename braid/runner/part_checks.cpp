#include "braid/runner/part_checks.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "braid/core/error.h"
#include "braid/decoding/encoder_decoder_files.h"

namespace braid::runner {
namespace {

std::string shown(const std::map<std::string, std::string>& metadata, const std::string& key) {
  constexpr size_t kShort = 60;  // bytes
  const auto found = metadata.find(key);
  if (found == metadata.end()) return "none";
  return found->second.size() > kShort ? "a long text" : "'" + found->second + "'";
}

}  // namespace

void refuse_part(const Session& session, const std::string& expected, const std::string& got,
                 const std::string& what) {
  throw DataError("runner", fmt::format("expected {}, got {}", expected, got),
                  what.empty() ? session.where() : session.where() + ", " + what, kExportAllParts);
}

const std::string& needed_metadata(const Session& session, const char* key) {
  const auto found = session.metadata().find(key);
  if (found == session.metadata().end())
    refuse_part(session, fmt::format("'{}' in the metadata of a translator's file", key), "none");
  return found->second;
}

void expect_part(const Session& session, const char* part) {
  const auto& found = needed_metadata(session, decoding::kPartKey);
  if (found != part)
    refuse_part(session, fmt::format("the {} of a translator", part), "its " + found);
}

void expect_one_model(const Session& encoder, const Session& other) {
  const auto& a = encoder.metadata();
  const auto& b = other.metadata();
  const auto compare = [&](const std::string& key) {
    const auto in_a = a.find(key), in_b = b.find(key);
    const bool same = in_a != a.end() && in_b != b.end() && in_a->second == in_b->second;
    if (!same && key != decoding::kPartKey)
      refuse_part(other, fmt::format("the {} that {} has, {}", key, encoder.where(), shown(a, key)),
                  shown(b, key));
  };
  for (const auto& item : a) compare(item.first);
  for (const auto& item : b) compare(item.first);
}

size_t place_of(const Session& session, const std::vector<FileValue>& values,
                const std::string& name) {
  const auto found = std::find_if(values.begin(), values.end(),
                                  [&](const FileValue& value) { return value.name == name; });
  if (found == values.end())
    refuse_part(session, fmt::format("a value '{}' in the file", name), "none");
  return static_cast<size_t>(found - values.begin());
}

const FileValue& needed_value(const Session& session, const std::vector<FileValue>& values,
                              const std::string& name, DType dtype, size_t rank) {
  const auto& found = values[place_of(session, values, name)];
  if (found.dtype != dtype || found.dims.size() != rank)
    refuse_part(session, fmt::format("{} of {} dimensions as '{}'", to_string(dtype), rank, name),
                to_string(found.dtype) + " " + to_string(found.dims));
  return found;
}

int64_t fixed_size(const Session& session, const FileValue& value) {
  const int64_t size = value.dims.empty() ? -1 : value.dims.back();
  if (size < 1)
    refuse_part(session, fmt::format("'{}' with a last size that is fixed", value.name),
                to_string(value.dims));
  return size;
}

Tensor all_tokens(const Session& session, int64_t rows, int64_t length) {
  Tensor mask = session.make(DType::kInt64, {rows, length});
  std::fill_n(mask.as<int64_t>(), mask.count(), int64_t{1});
  return mask;
}

}  // namespace braid::runner
