// Names of models that are designs: lines behind a prefix, such as `braidnet:stem=...`, and TOML
// files.
#pragma once
#include <functional>
#include <string>
#include <vector>

#include "braid/models/registry.h"

namespace braid::models {

// A resolver of the names `prefixLINE`. entry_of: makes the entry of a line.
NameResolver design_resolver(const std::string& prefix,
                             const std::function<ModelEntry(const std::string& line)>& entry_of);

// The entry of the design with this canonical name: the one that was made before, or what `check`
// makes, which builds the model once for its errors. A design is asked for often.
ModelEntry checked_design(const std::string& name,
                          const std::function<ModelEntry(const std::string& name)>& check);

// What stands between the bars of a line.
std::vector<std::string> design_items(const std::string& line);

// The names of TOML files, of designs of images and of texts.
void add_design_files(Registry& table);

}  // namespace braid::models
