// The safetensors format (https://huggingface.co/docs/safetensors), with the checks of its
// reference implementation.
#pragma once
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <vector>

namespace braid::io {

struct TensorView {
  std::string dtype;                // F64 F32 F16 BF16 I64 I32 I16 I8 U8 BOOL ...
  std::vector<int64_t> shape;       // empty: a scalar
  std::span<const std::byte> data;  // row-major, little-endian
};

// Bytes per element; 0 for an unknown dtype.
size_t dtype_size(const std::string& dtype);

// A tensor in a file.
struct TensorInfo {
  std::string dtype;
  std::vector<int64_t> shape;
  uint64_t offset = 0;  // of its first byte in the file
  uint64_t size = 0;    // bytes
};

// A file whose header is checked and whose tensors are read when they are asked for, each straight
// to where it is wanted: weights are large. (Not mapped: a program that shortens a mapped file
// kills those that look into it; here that is an IoError.)
class SafetensorsFile {
 public:
  // Throws IoError, or DataError naming file and tensor: header length, JSON, duplicate keys,
  // dtype, shape overflow, offsets out of bounds or disagreeing with the shape, overlaps, holes.
  static SafetensorsFile read(const std::filesystem::path& file);
  static SafetensorsFile parse(std::vector<uint8_t> bytes, const std::string& where);

  const std::map<std::string, TensorInfo>& tensors() const { return tensors_; }
  const std::map<std::string, std::string>& metadata() const { return metadata_; }
  // Throws DataError naming file and tensor when it is not there.
  const TensorInfo& at(const std::string& name) const;
  // The tensor's bytes, row-major, little-endian. into: of the tensor's size. Throws IoError.
  void read_tensor(const TensorInfo& tensor, std::span<std::byte> into) const;
  std::vector<std::byte> bytes(const std::string& name) const;
  const std::string& where() const { return where_; }

 private:
  using ReadAt = std::function<void(uint64_t offset, std::span<std::byte> into)>;
  SafetensorsFile(std::string where, uint64_t file_size, ReadAt read_at);

  std::string where_;
  ReadAt read_at_;
  std::map<std::string, TensorInfo> tensors_;
  std::map<std::string, std::string> metadata_;
};

// Written whole or not at all; tensors are laid out by descending element size, then by name, as
// the reference does.
void write_safetensors(const std::filesystem::path& file,
                       const std::map<std::string, TensorView>& tensors,
                       const std::map<std::string, std::string>& metadata = {});

constexpr const char* kWeightsName = "model.safetensors";
constexpr const char* kWeightIndexName = "model.safetensors.index.json";

// The files of a weights path: the file itself; or of a folder, model.safetensors, or the shards
// that model.safetensors.index.json lists. Throws IoError or DataError; a pickle, also one that is
// alone in the folder, is refused with the command that converts it.
std::vector<std::filesystem::path> find_weight_files(const std::filesystem::path& path);

// The shards that an index names under `weight_map`, sorted. Throws DataError, also where a name
// has a folder or is no .safetensors file.
std::vector<std::string> parse_weight_index(const std::vector<uint8_t>& bytes,
                                            const std::string& where);
std::vector<std::string> read_weight_index(const std::filesystem::path& file);

// By its extension: .pth, .pth.tar, .pt, .bin, .ckpt, .pkl.
bool is_pickle(const std::filesystem::path& file);
// The command that converts a pickle. python_path: a Python expression for its path, of what
// imports brings in and of the command's arguments; the last of those is the file that it writes.
std::string pickle_remedy(const std::string& python_path, const std::string& imports,
                          const std::vector<std::string>& arguments);

}  // namespace braid::io
