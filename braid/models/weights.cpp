#include "braid/models/weights.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "braid/core/error.h"

namespace braid::models {
namespace {

namespace fs = std::filesystem;

constexpr const char* kOtherArchitecture =
    "give the weights of this architecture, or name theirs (config.json's 'architecture')";

std::string shape_of(const torch::Tensor& tensor) {
  return fmt::format("[{}]", fmt::join(tensor.sizes(), ","));
}

// Shapes that agree but for one dimension.
bool differ_only_in(int64_t dim, const torch::Tensor& a, const torch::Tensor& b) {
  if (a.dim() != b.dim() || a.dim() <= dim || a.size(dim) == b.size(dim)) return false;
  for (int64_t d = 0; d < a.dim(); ++d)
    if (d != dim && a.size(d) != b.size(d)) return false;
  return true;
}

// What is copied for one tensor of the model. Throws DataError where it does not fit.
torch::Tensor fitted(const Model& model, const std::string& name, const torch::Tensor& loaded,
                     const torch::Tensor& target, const std::string& where) {
  if (loaded.is_floating_point() != target.is_floating_point())
    throw DataError(
        "weights",
        fmt::format("expected {} for tensor '{}', got {}", c10::toString(target.scalar_type()),
                    name, c10::toString(loaded.scalar_type())),
        where, "quantized weights cannot be loaded");
  const bool half = loaded.is_floating_point() && loaded.element_size() < 4;
  const auto fit = model.resample_weight(name, half ? loaded.to(torch::kFloat) : loaded);
  if (fit.sizes() != target.sizes())
    throw DataError(
        "weights",
        fmt::format("expected shape {} for tensor '{}', got {}", shape_of(target), name,
                    shape_of(loaded)),
        where,
        "config.json or the flags build another shape: num_classes, in_chans, img_size or another "
        "field of the model");
  return fit;
}

// Puts the model's own classifier in the place of one for other classes.
void keep_classifier(const Model& model, const runtime::TensorMap& state,
                     runtime::TensorMap& tensors, const std::string& where, Progress& progress) {
  bool any = false, other = false;
  int64_t before = 0, now = 0;
  for (const auto& [name, own] : state) {
    if (!model.in_head(name)) continue;
    now = own.size(0);
    const auto it = tensors.find(name);
    if (it == tensors.end()) continue;
    any = true;
    if (differ_only_in(0, it->second, own)) {
      other = true;
      before = it->second.size(0);
    }
  }
  if ((any && !other) || now == 0) return;
  for (const auto& [name, own] : state) {
    if (!model.in_head(name)) continue;
    const auto it = tensors.find(name);
    // One that differs in more than its classes stays, to be refused.
    if (it == tensors.end() || it->second.sizes() == own.sizes() ||
        differ_only_in(0, it->second, own))
      tensors[name] = own;
  }
  progress.line(fmt::format("{}: {}; a fresh one with {} takes its place ({}).", where,
                            any ? fmt::format("the classifier has {} classes", before)
                                : std::string("there is no classifier"),
                            now, fmt::join(model.head_modules(), ", ")));
}

void adapt_channels(const Model& model, const runtime::TensorMap& state,
                    runtime::TensorMap& tensors, const std::string& where, Progress& progress) {
  std::vector<std::string> adapted;
  int64_t before = 0, now = 0;
  for (const auto& name : model.input_weights()) {
    const auto it = tensors.find(name);
    if (it == tensors.end() || it->second.numel() == 0 || !it->second.is_floating_point() ||
        !differ_only_in(1, it->second, state.at(name)))
      continue;
    before = it->second.size(1);
    now = state.at(name).size(1);
    it->second = adapt_input_convolution(it->second.to(torch::kFloat), now);
    adapted.push_back(name);
  }
  if (adapted.empty()) return;
  progress.line(fmt::format("{}: {} takes {} channels, the images have {}; its weights are {}.",
                            where, fmt::join(adapted, ", "), before, now,
                            now == 1 ? "summed over them" : "repeated and scaled"));
}

void report_resampled(const Model& model, const runtime::TensorMap& state,
                      const runtime::TensorMap& tensors, const std::string& where,
                      Progress& progress) {
  std::string first;
  int64_t count = 0;
  for (const auto& [name, own] : state) {
    const auto it = tensors.find(name);
    if (it == tensors.end() || it->second.sizes() == own.sizes()) continue;
    const auto fit = model.resample_weight(name, it->second.to(torch::kFloat));
    if (fit.sizes() != own.sizes()) continue;  // refused later
    if (++count == 1) first = fmt::format("{} {} to {}", name, shape_of(it->second), shape_of(own));
  }
  if (count > 0)
    progress.line(fmt::format("{}: resampled for another image size: {}{}.", where, first,
                              count > 1 ? fmt::format(" and {} more", count - 1) : ""));
}

}  // namespace

void load_weights(Model& model, const fs::path& path) {
  load_tensors_into(model, runtime::load_tensors(path), path.string());
}

void load_tensors_into(Model& model, const runtime::TensorMap& given, const std::string& where) {
  const auto tensors = without_wrapper(given, model);
  auto state = runtime::named_state(model);
  for (const auto& [name, tensor] : tensors)
    if (!state.contains(name))
      throw DataError("weights", fmt::format("unexpected tensor '{}'", name), where,
                      kOtherArchitecture);
  const torch::NoGradGuard no_grad;
  std::vector<std::pair<torch::Tensor, torch::Tensor>> copies;  // target, source
  for (const auto& [name, target] : state) {
    const auto it = tensors.find(name);
    if (it != tensors.end())
      copies.emplace_back(target, fitted(model, name, it->second, target, where));
    else if (!name.ends_with("num_batches_tracked"))  // old checkpoints lack it
      throw DataError("weights", fmt::format("missing tensor '{}'", name), where,
                      kOtherArchitecture);
  }
  for (auto& [target, source] : copies) target.copy_(source);
}

void load_weights_to_fine_tune(Model& model, const fs::path& path, Progress& progress) {
  auto tensors = without_wrapper(runtime::load_tensors(path), model);
  const auto state = runtime::named_state(model);
  const std::string where = path.string();
  keep_classifier(model, state, tensors, where, progress);
  adapt_channels(model, state, tensors, where, progress);
  report_resampled(model, state, tensors, where, progress);
  load_tensors_into(model, tensors, where);
}

torch::Tensor adapt_input_convolution(const torch::Tensor& weight, int64_t in_chans) {
  const int64_t old = weight.size(1);
  if (in_chans == old) return weight;
  if (in_chans == 1) return weight.sum(1, /*keepdim=*/true);
  const auto repeated = weight.repeat({1, (in_chans + old - 1) / old, 1, 1});
  return repeated.narrow(1, 0, in_chans) *
         (static_cast<double>(old) / static_cast<double>(in_chans));
}

runtime::TensorMap without_wrapper(const runtime::TensorMap& given, const Model& model) {
  // DataParallel and torch.compile wrap each other in either order.
  constexpr const char* kPrefixes[] = {"_orig_mod.", "module.", "_orig_mod.", "model."};
  const auto state = runtime::named_state(model);
  runtime::TensorMap tensors = given;
  for (const std::string prefix : kPrefixes) {
    const auto has_prefix = [&](const auto& item) { return item.first.starts_with(prefix); };
    if (tensors.empty() || !std::all_of(tensors.begin(), tensors.end(), has_prefix) ||
        std::any_of(state.begin(), state.end(), has_prefix))
      continue;
    runtime::TensorMap bare;
    for (const auto& [name, tensor] : tensors) bare[name.substr(prefix.size())] = tensor;
    tensors = std::move(bare);
  }
  return tensors;
}

void save_weights(const Model& model, const fs::path& file) {
  runtime::save_tensors(runtime::named_state(model), file);
}

void save_weights(const Model& model, const fs::path& folder, uint64_t max_shard_size) {
  runtime::save_tensors_sharded(runtime::named_state(model), folder, max_shard_size);
}

}  // namespace braid::models
