#include "braid/io/deb822.h"

#include <algorithm>

namespace braid::io {
namespace {

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kSpaces = " \t\r\n";
  const size_t begin = text.find_first_not_of(kSpaces);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kSpaces) - begin + 1);
}

bool same_name(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(),
                                            [&](char x, char y) { return lower(x) == lower(y); });
}

// The line that begins at `at`, and where the next one does.
struct Line {
  std::string_view text;
  size_t next = 0;
};
Line line_at(std::string_view text, size_t at) {
  const size_t end = text.find('\n', at);
  if (end == std::string_view::npos) return {text.substr(at), text.size()};
  return {text.substr(at, end - at), end + 1};
}

bool is_list_item(std::string_view line) {
  const auto text = trimmed(line);
  for (const std::string_view bullet : {"* ", "- ", "+ ", "\xe2\x80\xa2 "})
    if (text.starts_with(bullet)) return true;
  return false;
}

}  // namespace

std::string_view Deb822Stanza::get(std::string_view name) const {
  const auto found = std::find_if(fields_.begin(), fields_.end(),
                                  [&](const auto& field) { return same_name(field.first, name); });
  return found == fields_.end() ? std::string_view() : trimmed(found->second);
}

void for_each_stanza(std::string_view text, const std::function<void(const Deb822Stanza&)>& use) {
  Deb822Stanza stanza;
  const auto finish = [&] {
    if (!stanza.empty()) use(stanza);
    stanza = {};
  };
  for (size_t at = 0; at < text.size();) {
    const auto line = line_at(text, at);
    const size_t begin = at;
    at = line.next;
    if (trimmed(line.text).empty()) {
      finish();
      continue;
    }
    const size_t colon = line.text.find(':');
    if (colon == std::string_view::npos || colon == 0 || line.text[0] == ' ' ||
        line.text[0] == '\t')
      continue;
    while (at < text.size() && (text[at] == ' ' || text[at] == '\t')) at = line_at(text, at).next;
    stanza.add(line.text.substr(0, colon), text.substr(begin + colon + 1, at - begin - colon - 1));
  }
  finish();
}

std::vector<std::string> description_paragraphs(std::string_view description) {
  std::vector<std::string> paragraphs;
  std::string open;
  const auto finish = [&] {
    if (!open.empty()) paragraphs.push_back(std::move(open));
    open.clear();
  };
  const auto first = line_at(description, 0);
  open = trimmed(first.text);
  finish();
  for (size_t at = first.next; at < description.size();) {
    const auto line = line_at(description, at);
    at = line.next;
    const auto text = trimmed(line.text);
    if (text == "." || text.empty()) {
      finish();
      continue;
    }
    // Lines that begin with two spaces are not filled.
    if (line.text.starts_with("  ") || is_list_item(line.text)) finish();
    if (!open.empty()) open += ' ';
    open += text;
  }
  finish();
  return paragraphs;
}

}  // namespace braid::io
