#include "braid/tasks/class_map.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "braid/core/error.h"

namespace braid::tasks {

torch::Tensor class_map(const std::vector<std::string>& of_data,
                        const std::vector<std::string>& of_checkpoint, int64_t num_classes,
                        const std::string& where) {
  if (of_checkpoint.empty()) {
    if (static_cast<int64_t>(of_data.size()) != num_classes)
      throw DataError("eval",
                      fmt::format("the checkpoint knows {} classes without names, the data has {}",
                                  num_classes, of_data.size()),
                      where, "give the names as 'label_names' in the checkpoint's config.json");
    return torch::arange(num_classes, torch::kInt64);
  }
  std::vector<int64_t> map;
  for (const auto& name : of_data) {
    const auto it = std::find(of_checkpoint.begin(), of_checkpoint.end(), name);
    if (it == of_checkpoint.end())
      throw DataError(
          "eval",
          fmt::format("the checkpoint knows {} classes ({}), not '{}'", of_checkpoint.size(),
                      fmt::join(of_checkpoint.begin(),
                                of_checkpoint.begin() +
                                    static_cast<int64_t>(std::min<size_t>(8, of_checkpoint.size())),
                                ", "),
                      name),
          where, "name the classes as in training: of texts their labels, of images their folders");
    map.push_back(it - of_checkpoint.begin());
  }
  return torch::tensor(map, torch::kInt64);
}

}  // namespace braid::tasks
