// Where the weights lie that an architecture's authors or timm have published.
#pragma once
#include <optional>
#include <string>

namespace braid::models {

// "hf-hub:timm/resnet18.a1_in1k" of "resnet18": timm's default tag, or the one that the name
// carries ("resnet18.a2_in1k"); of texts what Hugging Face keeps the authors' in. Nothing for an
// architecture that has none. Throws UsageError for an unknown name.
std::optional<std::string> find_published_weights(const std::string& name);

// The same; throws UsageError where there is none, naming the models of its kind that have one.
std::string published_weights(const std::string& name);

}  // namespace braid::models
