#include "braid/tasks/class_names.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "braid/core/config.h"
#include "braid/core/error.h"
#include "braid/core/utf8.h"
#include "braid/models/hub_config.h"

namespace braid::tasks {

void expect_utf8(const std::vector<std::string>& classes, const std::string& data) {
  for (const auto& name : classes)
    if (valid_utf8_prefix(name) < name.size())
      throw DataError(
          "train",
          fmt::format("expected class names in UTF-8, got '{}'", replace_invalid_utf8(name)), data,
          "rename the class's folder");
}

void refuse_teachers_classes(const std::vector<std::string>& names, int64_t count, int64_t wanted,
                             const std::string& teacher) {
  throw DataError("train",
                  fmt::format("expected a teacher of the data's {} classes, got one of {} {}",
                              wanted, count, names.empty() ? "without names" : "of other names"),
                  teacher, "fine-tune it on this data first: braid train --weights");
}

void expect_same_classes(const std::vector<std::string>& run, const std::vector<std::string>& data,
                         const std::string& where) {
  if (run == data) return;
  const size_t both = std::min(run.size(), data.size());
  size_t k = 0;
  while (k < both && run[k] == data[k]) ++k;
  const auto name = [k](const std::vector<std::string>& names) {
    return k < names.size() ? "'" + names[k] + "'" : std::string("none");
  };
  throw DataError("resume",
                  fmt::format("expected the {} classes that the run began with, got {}: class {} "
                              "was {}, now it is {}",
                              run.size(), data.size(), k, name(run), name(data)),
                  where, "name the class folders as before, or start anew in another --output");
}

void reorder_head(models::Model& model, const std::vector<std::string>& of_weights,
                  const std::vector<std::string>& of_model) {
  const auto order = order_by_name(of_weights, of_model);
  if (!order) return;
  const torch::NoGradGuard no_grad;
  for (auto& item : model.named_parameters())
    if (model.in_head(item.key()) && item.value().size(0) == order->size(0))
      item.value().copy_(item.value().index_select(0, *order));
}

std::optional<torch::Tensor> order_by_name(const std::vector<std::string>& from,
                                           const std::vector<std::string>& to) {
  if (from == to || from.size() != to.size()) return std::nullopt;
  std::map<std::string, int64_t> places;
  for (size_t k = 0; k < from.size(); ++k) places[from[k]] = static_cast<int64_t>(k);
  std::vector<int64_t> order;
  for (const auto& name : to) {
    const auto place = places.find(name);
    if (place == places.end()) return std::nullopt;
    order.push_back(place->second);
    places.erase(place);  // a name that stands for two classes is none
  }
  return torch::tensor(order, torch::kInt64);
}

std::vector<std::string> classes_of(const std::filesystem::path& checkpoint) {
  const auto card = checkpoint / "config.json";
  if (checkpoint.empty() || !std::filesystem::exists(card)) return {};
  return models::read_hub_config(card).classes;
}

}  // namespace braid::tasks
