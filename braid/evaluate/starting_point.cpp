#include "braid/evaluate/starting_point.h"

#include <fmt/format.h>

#include <algorithm>

#include "braid/core/error.h"
#include "braid/evaluate/compare_config.h"
#include "braid/io/hub.h"
#include "braid/models/published_weights.h"
#include "braid/models/registry.h"

namespace braid::evaluate {

StartingPoint starting_point_of(const std::string& name) {
  const auto equals = name.find('=');
  const std::string before = name.substr(0, equals);
  // A design's line has such signs too, but is no architecture's name up to there.
  if (equals == std::string::npos || before.find_first_of(":|,") != std::string::npos)
    return {name, ""};
  return {before, name.substr(equals + 1)};
}

std::string from_published_weights(const std::string& architecture) {
  return models::find_model(architecture).name + "=" + models::published_weights(architecture);
}

std::vector<std::string> resolve_starting_points(const std::vector<std::string>& names,
                                                 bool pretrained) {
  if (names == std::vector<std::string>{kAutoModels}) return names;
  std::vector<std::string> resolved, pieces;  // pieces: of names that may hold commas
  const auto resolve_pieces = [&] {
    for (const auto& name : models::resolve_names(pieces)) resolved.push_back(name);
    pieces.clear();
  };
  for (const auto& name : names) {
    const auto starting = starting_point_of(name);
    if (starting.weights.empty() && pretrained) {  // a design's line has none, nor has its piece
      resolved.push_back(from_published_weights(name));
      continue;
    }
    if (starting.weights.empty()) {
      pieces.push_back(name);
      continue;
    }
    resolve_pieces();
    resolved.push_back(models::find_model(starting.architecture).name + "=" + starting.weights);
  }
  resolve_pieces();
  for (size_t i = 0; i < resolved.size(); ++i)
    if (std::find(resolved.begin(), resolved.begin() + static_cast<std::ptrdiff_t>(i),
                  resolved[i]) != resolved.begin() + static_cast<std::ptrdiff_t>(i))
      throw UsageError("compare", fmt::format("'{}' is named twice", resolved[i]), "--models");
  return resolved;
}

void fetch_weights(const std::vector<std::string>& names, Progress& progress) {
  for (const auto& name : names)
    if (const auto weights = starting_point_of(name).weights; !weights.empty())
      io::resolve_weights(weights, progress);
}

}  // namespace braid::evaluate
