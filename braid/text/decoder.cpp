#include "braid/text/decoder.h"

#include <utility>

#include "braid/text/byte_alphabet.h"
#include "braid/text/utf8.h"

namespace braid::text {
namespace {

std::string replace_all(std::string_view text, std::string_view from, std::string_view to) {
  std::string out;
  if (from.empty()) {  // it stands around every character, as in Rust
    for (const char byte : text) {
      if (starts_code_point(byte)) out.append(to);
      out.push_back(byte);
    }
    return out.append(to);
  }
  size_t at = 0;
  for (size_t found; (found = text.find(from, at)) != std::string_view::npos;
       at = found + from.size())
    out.append(text, at, found - at).append(to);
  return out.append(text.substr(at));
}

std::string clean_up(std::string text) {
  static constexpr std::pair<const char*, const char*> kReplacements[] = {
      {" .", "."},   {" ?", "?"},     {" !", "!"},    {" ,", ","},
      {" ' ", "'"},  {" n't", "n't"}, {" 'm", "'m"},  {" do not", " don't"},
      {" 's", "'s"}, {" 've", "'ve"}, {" 're", "'re"}};
  for (const auto& [from, to] : kReplacements) text = replace_all(text, from, to);
  return text;
}

}  // namespace

std::string TokenDecoder::decode(const std::vector<std::string>& tokens) const {
  std::string text;
  for (size_t i = 0; i < tokens.size(); ++i) {
    const auto& token = tokens[i];
    switch (kind) {
      case Kind::kNone:
        if (i > 0) text += ' ';
        text += token;
        break;
      case Kind::kWordPiece: {
        const bool joined = i > 0 && token.compare(0, prefix.size(), prefix) == 0;
        auto word = i == 0 ? token : joined ? token.substr(prefix.size()) : ' ' + token;
        if (cleanup) word = clean_up(std::move(word));
        text += word;
        break;
      }
      case Kind::kByteLevel:
        text += from_byte_alphabet(token).value_or(token);
        break;
      case Kind::kBpe:
        text += replace_all(token, suffix, i + 1 == tokens.size() ? "" : " ");
        break;
    }
  }
  if (kind == Kind::kByteLevel && valid_utf8(text) != text.size()) return repair_utf8(text).text;
  return text;
}

}  // namespace braid::text
