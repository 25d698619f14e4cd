#include "braid/models/model.h"

namespace braid::models {

bool Model::in_head(const std::string& parameter) const {
  for (const auto& module : head_modules())
    if (parameter.starts_with(module + ".")) return true;
  return false;
}

std::vector<Part> Model::parts() {
  std::vector<Part> parts;
  for (const auto& child : named_children())
    parts.push_back(
        {.name = child.key(), .text = {}, .modules = {child.key()}, .shape = {}, .run = {}});
  return parts;
}

}  // namespace braid::models
