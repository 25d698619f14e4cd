#include "braid/runtime/tensor_file.h"

#include <cstring>

#include "braid/core/error.h"
#include "braid/io/safetensors.h"
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

TensorMap load_tensors(const std::filesystem::path& path) {
  TensorMap tensors;
  for (const auto& part : io::find_weight_files(path)) {
    const auto file = io::SafetensorsFile::read(part);
    for (const auto& [name, view] : file.tensors()) {
      const DtypeName* dtype = nullptr;
      for (const auto& known : kDtypes)
        if (view.dtype == known.name) dtype = &known;
      if (dtype == nullptr)
        throw DataError("weights",
                        "dtype " + view.dtype + " of tensor '" + name + "' is not supported",
                        part.string(), "convert it to F32, F16 or BF16");
      auto tensor = torch::empty(view.shape, dtype->type);
      if (!view.data.empty()) std::memcpy(tensor.data_ptr(), view.data.data(), view.data.size());
      if (!tensors.emplace(name, tensor).second)
        throw DataError("weights", "tensor '" + name + "' is in two shards", part.string());
    }
  }
  return tensors;
}

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

TensorMap named_state(const torch::nn::Module& module) {
  TensorMap state;
  for (const auto& item : module.named_parameters()) state[item.key()] = item.value();
  for (const auto& item : module.named_buffers()) state[item.key()] = item.value();
  return state;
}

}  // namespace braid::runtime
