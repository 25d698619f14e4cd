#include "braid/runtime/tensor_file.h"

#include <cmath>

#include "braid/core/error.h"
#include "braid/io/weight_shards.h"

namespace braid::runtime {
namespace {

struct DtypeName {
  const char* name;
  at::ScalarType type;
};
constexpr DtypeName kDtypes[] = {{"F64", at::kDouble},    {"F32", at::kFloat}, {"F16", at::kHalf},
                                 {"BF16", at::kBFloat16}, {"I64", at::kLong},  {"I32", at::kInt},
                                 {"I16", at::kShort},     {"I8", at::kChar},   {"U8", at::kByte},
                                 {"BOOL", at::kBool}};

// Views of tensors, and copies on the CPU that they look into.
struct Views {
  std::map<std::string, io::TensorView> views;
  std::vector<torch::Tensor> alive;
};

Views views_of(const TensorMap& tensors) {
  Views out;
  for (const auto& [name, tensor] : tensors) {
    const auto plain = tensor.detach().cpu().contiguous();
    const DtypeName* dtype = nullptr;
    for (const auto& known : kDtypes)
      if (plain.scalar_type() == known.type) dtype = &known;
    if (dtype == nullptr)
      throw InternalError("weights", "tensor '" + name + "' has a dtype that safetensors lacks");
    out.views[name] = {dtype->name,
                       plain.sizes().vec(),
                       {static_cast<const std::byte*>(plain.const_data_ptr()), plain.nbytes()}};
    out.alive.push_back(plain);
  }
  return out;
}

}  // namespace

TensorReader::TensorReader(const std::filesystem::path& path) {
  for (const auto& part : io::find_weight_files(path)) {
    files_.push_back(io::SafetensorsFile::read(part));
    for (const auto& [name, info] : files_.back().tensors()) {
      const DtypeName* dtype = nullptr;
      for (const auto& known : kDtypes)
        if (info.dtype == known.name) dtype = &known;
      if (dtype == nullptr)
        throw DataError("weights",
                        "dtype " + info.dtype + " of tensor '" + name + "' is not supported",
                        part.string(), "convert it to F32, F16 or BF16");
      if (!tensors_.emplace(name, Info{dtype->type, info.shape}).second)
        throw DataError("weights", "tensor '" + name + "' is in two shards", part.string());
      file_of_[name] = files_.size() - 1;
    }
  }
}

torch::Tensor TensorReader::load(const std::string& name) const {
  const auto& info = tensors_.at(name);
  const auto& file = files_[file_of_.at(name)];
  auto tensor = torch::empty(info.shape, info.dtype);
  file.read_tensor(file.at(name), {static_cast<std::byte*>(tensor.data_ptr()), tensor.nbytes()});
  return tensor;
}

TensorFile load_tensor_file(const std::filesystem::path& path) {
  const TensorReader reader(path);
  TensorFile file{{}, reader.metadata()};
  for (const auto& item : reader.tensors()) file.tensors[item.first] = reader.load(item.first);
  return file;
}

TensorMap load_tensors(const std::filesystem::path& path) { return load_tensor_file(path).tensors; }

void save_tensors(const TensorMap& tensors, const std::filesystem::path& file,
                  const std::map<std::string, std::string>& metadata) {
  const Views views = views_of(tensors);
  io::write_safetensors(file, views.views, metadata);
}

void save_tensors_sharded(const TensorMap& tensors, const std::filesystem::path& folder,
                          uint64_t max_shard_size) {
  const Views views = views_of(tensors);
  io::write_weights(folder, views.views, max_shard_size, {{"format", "pt"}});
}

bool is_finite(const torch::Tensor& tensor) {
  if (!tensor.is_floating_point() || tensor.numel() == 0) return true;
  const torch::NoGradGuard no_grad;
  const auto [least, most] = tensor.detach().aminmax();  // NaN wins
  return std::isfinite(least.item<double>()) && std::isfinite(most.item<double>());
}

TensorMap named_state(const torch::nn::Module& module) {
  TensorMap state;
  for (const auto& item : module.named_parameters()) state[item.key()] = item.value();
  for (const auto& item : module.named_buffers()) state[item.key()] = item.value();
  return state;
}

}  // namespace braid::runtime
