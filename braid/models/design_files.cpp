// TOML files as names of models: the file says which kind of design it is.
#include <variant>

#include "braid/models/design_names.h"
#include "braid/models/text/composer/braidtext.h"
#include "braid/models/vision/composer/braidnet.h"

namespace braid::models {

void add_design_files(Registry& table) {
  table.add_resolver({.matches = [](const std::string& name) { return name.ends_with(".toml"); },
                      .resolve =
                          [](const std::string& file) {
                            const auto design = text::read_any_design(file);
                            if (const auto* texts = std::get_if<text::TextDesign>(&design))
                              return braidtext_entry(*texts);
                            return braidnet_entry(std::get<text::Design>(design));
                          },
                      .continues = [](const std::string&, const std::string&) { return false; }});
}

}  // namespace braid::models
