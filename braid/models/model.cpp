#include "braid/models/model.h"

namespace braid::models {

bool Model::in_classifier(const std::string& parameter) const {
  for (const auto& module : classifier())
    if (parameter.starts_with(module + ".")) return true;
  return false;
}

std::string Model::global_pool() const {
  const Json fields = config();
  if (fields.contains("global_pool") && fields.at("global_pool").is_string())
    return fields.at("global_pool").get<std::string>();
  return named_parameters().contains("cls_token") ? "token" : "avg";
}

}  // namespace braid::models
