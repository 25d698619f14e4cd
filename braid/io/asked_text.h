// A text, or two of them, as people ask a classifier about it: a line, an argument, a request.
#pragma once
#include <optional>
#include <string>

namespace braid::io {

struct AskedText {
  std::string text;
  std::optional<std::string> pair{};  // a second text, of models that judge two
};

// pairs: whether two texts are judged together. Then they have a tab between them, or are a JSON
// object {"text": .., "text_pair": ..} with any names that labelled rows have (labelled_row.h);
// otherwise the line is the text. where: the line's place. Throws DataError for one text where
// there must be two, and for such an object of two where there must be one.
AskedText parse_asked_text(const std::string& line, bool pairs, const std::string& where);

// Throws DataError of `component` where a text has no pair for a model of pairs, or has one for
// another.
void expect_asked(const std::optional<std::string>& pair, bool pairs, const std::string& component,
                  const std::string& where);

}  // namespace braid::io
