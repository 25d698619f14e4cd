// Debian's control files: package lists and the translations of their descriptions.
#pragma once
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace braid::io {

// A paragraph of "Name: value" fields; a value goes on in lines that begin with a space. Views into
// the text.
class Deb822Stanza {
 public:
  // Without the spaces around it; empty: there is no such field. Names are the same in any case.
  std::string_view get(std::string_view name) const;
  void add(std::string_view name, std::string_view value) { fields_.emplace_back(name, value); }
  bool empty() const { return fields_.empty(); }

 private:
  std::vector<std::pair<std::string_view, std::string_view>> fields_;
};

// Stanzas are separated by blank lines; what is no field is passed over, as apt does.
void for_each_stanza(std::string_view text, const std::function<void(const Deb822Stanza&)>& use);

// A package description's first line, then its paragraphs and list items, each in one line.
std::vector<std::string> description_paragraphs(std::string_view description);

}  // namespace braid::io
