#include "braid/io/safetensors.h"

#include <fcntl.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <memory>
#include <set>

#include "braid/core/error.h"
#include "braid/core/json.h"
#include "braid/io/atomic_file.h"
#include "braid/io/posix_file.h"

namespace braid::io {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kMaxHeader = 100'000'000;  // bytes, the reference implementation's limit
constexpr size_t kLengthBytes = 8;
constexpr const char* kComponent = "safetensors";

struct Dtype {
  const char* name;
  size_t size;
};
constexpr Dtype kDtypes[] = {{"F64", 8},     {"I64", 8},     {"U64", 8},  {"F32", 4}, {"I32", 4},
                             {"U32", 4},     {"F16", 2},     {"BF16", 2}, {"I16", 2}, {"U16", 2},
                             {"F8_E4M3", 1}, {"F8_E5M2", 1}, {"I8", 1},   {"U8", 1},  {"BOOL", 1}};

uint64_t read_length(std::span<const std::byte> bytes) {
  uint64_t length = 0;
  for (size_t i = 0; i < kLengthBytes; ++i)
    length |= std::to_integer<uint64_t>(bytes[i]) << (8 * i);
  return length;
}

uint64_t unsigned_number(const Json& json, const std::string& name, const char* field,
                         const std::string& where) {
  // Below 2^63, so that it fits int64 and a sum of two cannot wrap.
  if (!json.is_number_unsigned() || json.get<uint64_t>() > uint64_t{INT64_MAX})
    throw DataError(
        kComponent,
        fmt::format("expected non-negative integers in '{}' of tensor '{}'", field, name), where);
  return json.get<uint64_t>();
}

// A name in the index's own folder, whatever the index says.
bool is_shard_name(const std::string& name) {
  constexpr size_t kMaxName = 200;  // bytes
  return name.ends_with(".safetensors") && name.front() != '.' && name.size() <= kMaxName &&
         std::none_of(name.begin(), name.end(), [](char c) {
           return static_cast<unsigned char>(c) < 0x20 || c == 0x7f || c == '/' || c == '\\';
         });
}

}  // namespace

size_t dtype_size(const std::string& dtype) {
  for (const auto& known : kDtypes)
    if (dtype == known.name) return known.size;
  return 0;
}

SafetensorsFile SafetensorsFile::read(const fs::path& file) {
  const auto fd = std::make_shared<const FileDescriptor>(file, O_RDONLY);
  if (!fd->ok()) fail_io("open", file, errno);
  return {file.string(), size_of_file(*fd, file),
          [fd, file](uint64_t offset, std::span<std::byte> into) {
            read_bytes_at(*fd, offset, into, file);
          }};
}

SafetensorsFile SafetensorsFile::parse(std::vector<uint8_t> bytes, const std::string& where) {
  const auto shared = std::make_shared<const std::vector<uint8_t>>(std::move(bytes));
  return {where, shared->size(), [shared](uint64_t offset, std::span<std::byte> into) {
            if (!into.empty()) std::memcpy(into.data(), shared->data() + offset, into.size());
          }};
}

SafetensorsFile::SafetensorsFile(std::string origin, uint64_t file_size, ReadAt read_at)
    : where_(std::move(origin)), read_at_(std::move(read_at)) {
  const std::string& where = where_;
  if (file_size < kLengthBytes)
    throw DataError(kComponent, fmt::format("expected at least 8 bytes, got {}", file_size), where);
  std::array<std::byte, kLengthBytes> start{};
  read_at_(0, start);
  const uint64_t header_size = read_length(start);
  if (header_size > kMaxHeader)
    throw DataError(
        kComponent,
        fmt::format("expected a header of at most {} bytes, got {}", kMaxHeader, header_size),
        where, "is this a safetensors file?");
  if (header_size > file_size - kLengthBytes)
    throw DataError(kComponent,
                    fmt::format("expected a header of {} bytes, got {} before the end of the file",
                                header_size, file_size - kLengthBytes),
                    where, "the file is cut; fetch it again");
  std::string text(header_size, '\0');
  read_at_(kLengthBytes, std::as_writable_bytes(std::span(text)));
  if (header_size == 0 || text[0] != '{')
    throw DataError(kComponent, "expected the header to begin with '{'", where);
  const Json header =
      parse_json(text, {.component = kComponent, .where = where, .unique_keys = true});
  const uint64_t data_start = kLengthBytes + header_size, data_size = file_size - data_start;

  std::vector<std::tuple<uint64_t, uint64_t, std::string>> extents;
  for (const auto& [name, entry] : header.items()) {
    if (name == "__metadata__") {
      if (!entry.is_object())
        throw DataError(kComponent, "expected an object in '__metadata__'", where);
      for (const auto& [key, value] : entry.items()) {
        if (!value.is_string())
          throw DataError(kComponent, fmt::format("expected a string for metadata '{}'", key),
                          where);
        metadata_[key] = value.get<std::string>();
      }
      continue;
    }
    if (!entry.is_object() || entry.size() != 3 || !entry.contains("dtype") ||
        !entry["dtype"].is_string() || !entry.contains("shape") || !entry["shape"].is_array() ||
        !entry.contains("data_offsets") || !entry["data_offsets"].is_array() ||
        entry["data_offsets"].size() != 2)
      throw DataError(
          kComponent,
          fmt::format("expected 'dtype', 'shape' and 'data_offsets' for tensor '{}'", name), where);
    TensorInfo info;
    info.dtype = entry["dtype"].get<std::string>();
    uint64_t expected = dtype_size(info.dtype);
    if (expected == 0)
      throw DataError(kComponent,
                      fmt::format("unknown dtype '{}' of tensor '{}'", info.dtype, name), where);
    bool empty = false;  // a zero anywhere makes the product zero, however large the rest
    for (const auto& extent : entry["shape"]) {
      const uint64_t n = unsigned_number(extent, name, "shape", where);
      info.shape.push_back(static_cast<int64_t>(n));
      if (n == 0)
        empty = true;
      else if (__builtin_mul_overflow(expected, n, &expected))
        throw DataError(kComponent, fmt::format("the shape of tensor '{}' overflows", name), where);
    }
    if (empty) expected = 0;
    const uint64_t begin = unsigned_number(entry["data_offsets"][0], name, "data_offsets", where);
    const uint64_t end = unsigned_number(entry["data_offsets"][1], name, "data_offsets", where);
    if (begin > end || end > data_size)
      throw DataError(kComponent,
                      fmt::format("offsets [{}, {}) of tensor '{}' leave the {} bytes of data",
                                  begin, end, name, data_size),
                      where, "the file is cut or corrupt; fetch it again");
    if (end - begin != expected)
      throw DataError(
          kComponent,
          fmt::format("tensor '{}' needs {} bytes by dtype and shape, its offsets say {}", name,
                      expected, end - begin),
          where);
    info.offset = data_start + begin;
    info.size = end - begin;
    extents.emplace_back(begin, end, name);
    tensors_.emplace(name, std::move(info));
  }
  std::sort(extents.begin(), extents.end());
  uint64_t position = 0;
  for (const auto& [begin, end, name] : extents) {
    if (begin != position)
      throw DataError(
          kComponent,
          fmt::format("tensor '{}' begins at {}, expected {}: {}", name, begin, position,
                      begin < position ? "tensors overlap" : "a hole in the data"),
          where);
    position = end;
  }
  if (position != data_size)
    throw DataError(kComponent,
                    fmt::format("{} bytes follow the last tensor", data_size - position), where);
}

const TensorInfo& SafetensorsFile::at(const std::string& name) const {
  const auto it = tensors_.find(name);
  if (it == tensors_.end())
    throw DataError(kComponent, fmt::format("expected a tensor '{}'", name), where_);
  return it->second;
}

void SafetensorsFile::read_tensor(const TensorInfo& tensor, std::span<std::byte> into) const {
  if (into.size() != tensor.size)
    throw InternalError(kComponent, fmt::format("a tensor of {} bytes was to be read into {}",
                                                tensor.size, into.size()));
  read_at_(tensor.offset, into);
}

std::vector<std::byte> SafetensorsFile::bytes(const std::string& name) const {
  const auto& tensor = at(name);
  std::vector<std::byte> data(tensor.size);
  read_tensor(tensor, data);
  return data;
}

void write_safetensors(const fs::path& file, const std::map<std::string, TensorView>& tensors,
                       const std::map<std::string, std::string>& metadata) {
  std::vector<const std::pair<const std::string, TensorView>*> order;
  order.reserve(tensors.size());
  for (const auto& entry : tensors) order.push_back(&entry);
  std::stable_sort(order.begin(), order.end(), [](const auto* a, const auto* b) {
    return dtype_size(a->second.dtype) > dtype_size(b->second.dtype);
  });
  Json header = Json::object();
  if (!metadata.empty()) header["__metadata__"] = metadata;
  std::vector<std::span<const std::byte>> parts(1);
  uint64_t position = 0;
  for (const auto* entry : order) {
    const auto& [name, view] = *entry;
    uint64_t expected = dtype_size(view.dtype);
    for (const int64_t extent : view.shape) expected *= static_cast<uint64_t>(extent);
    if (expected != view.data.size())
      throw InternalError(kComponent, fmt::format("tensor '{}' has {} bytes, its shape says {}",
                                                  name, view.data.size(), expected));
    header[name] = {{"dtype", view.dtype},
                    {"shape", view.shape},
                    {"data_offsets", {position, position + view.data.size()}}};
    position += view.data.size();
    parts.push_back(view.data);
  }
  std::string text = header.dump();
  text.resize((text.size() + 7) / 8 * 8, ' ');  // the data begins aligned
  std::string start(kLengthBytes, '\0');
  for (size_t i = 0; i < kLengthBytes; ++i)
    start[i] = static_cast<char>(text.size() >> (8 * i) & 0xff);
  start += text;
  parts[0] = std::as_bytes(std::span(start.data(), start.size()));
  write_file_atomic(file, parts);
}

std::vector<std::string> parse_weight_index(const std::vector<uint8_t>& bytes,
                                            const std::string& where) {
  const Json json = parse_json(bytes, {.component = kComponent, .where = where});
  if (!json.is_object() || !json.contains("weight_map") || !json["weight_map"].is_object() ||
      json["weight_map"].empty())
    throw DataError(kComponent, "expected a JSON object with 'weight_map'", where);
  std::set<std::string> shards;
  for (const auto& [tensor, shard] : json["weight_map"].items())
    if (!shard.is_string() || !is_shard_name(shard.get_ref<const std::string&>()))
      throw DataError(
          kComponent,
          "expected names of .safetensors files without a folder in 'weight_map', got " +
              (shard.is_string()
                   ? shard.dump(-1, ' ', /*ensure_ascii=*/true, Json::error_handler_t::replace)
                         .substr(0, 200)
                   : shard.type_name()),
          where);
    else
      shards.insert(shard.get<std::string>());
  return {shards.begin(), shards.end()};
}

std::vector<std::string> read_weight_index(const fs::path& file) {
  return parse_weight_index(read_file(file, kMaxHeader), file.string());
}

bool is_pickle(const fs::path& file) {
  static const std::set<std::string> kSuffixes = {".pth", ".pt", ".bin", ".ckpt", ".pkl"};
  return kSuffixes.contains(file.extension().string()) ||
         file.filename().string().ends_with(".pth.tar");
}

namespace {

// A word of a shell's command line.
std::string shell_word(const std::string& text) {
  std::string word = "'";
  for (const char c : text) word += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return word + "'";
}

}  // namespace

std::string pickle_remedy(const std::string& python_path, const std::string& imports,
                          const std::vector<std::string>& arguments) {
  // timm's training checkpoints hold their flags as a Namespace, and averaged weights are what it
  // takes first.
  std::string words;
  for (const auto& argument : arguments) words += " " + shell_word(argument);
  return fmt::format(
      "convert it: python -c \"import argparse, sys, torch; {}from safetensors.torch import "
      "save_file; torch.serialization.add_safe_globals([argparse.Namespace]); "
      "d = torch.load({}, map_location='cpu', weights_only=True); "
      "d = next((d[k] for k in ('state_dict_ema', 'model_ema', 'state_dict', 'model') "
      "if isinstance(d.get(k), dict)), d); "
      "save_file({{k: v.contiguous().clone() for k, v in d.items() if torch.is_tensor(v)}}, "
      "sys.argv[-1])\"{}",
      imports, python_path, words);
}

std::vector<fs::path> find_weight_files(const fs::path& path) {
  const auto refuse = [](const fs::path& pickle, const fs::path& output) {
    throw DataError(kComponent, "a pickle can run code when it is read and is refused",
                    pickle.string(),
                    pickle_remedy("sys.argv[1]", "", {pickle.string(), output.string()}));
  };
  if (is_pickle(path)) {
    fs::path stem = path;
    while (is_pickle(stem) || stem.extension() == ".tar") stem.replace_extension();
    refuse(path, stem.string() + ".safetensors");
  }
  if (!is_folder(path)) return {path};
  if (file_exists(path / kWeightsName)) return {path / kWeightsName};
  const fs::path index = path / kWeightIndexName;
  if (!file_exists(index)) {
    for (const auto& entry : list_folder(path))
      if (is_pickle(entry)) refuse(entry, path / kWeightsName);
    throw IoError(kComponent,
                  "expected model.safetensors or model.safetensors.index.json in the folder",
                  path.string(),
                  file_exists(path / "model_best") ? "a run's weights are in its model_best/" : "");
  }
  std::vector<fs::path> shards;
  for (const auto& shard : read_weight_index(index)) shards.push_back(path / shard);
  return shards;
}

}  // namespace braid::io
