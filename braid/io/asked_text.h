// A text, or two of them, as people ask a classifier about it: a line, an argument, a request.
#pragma once
#include <string>

#include "braid/data/text/text_dataset.h"

namespace braid::data {

// pairs: whether two texts are judged together. Then they have a tab between them, or are a JSON
// object {"text": .., "text_pair": ..} with any names that labelled rows have (io/labelled_row.h);
// otherwise the line is the text. where: the line's place. Throws DataError for one text where
// there must be two, and for such an object of two where there must be one.
TextExample parse_asked_text(const std::string& line, bool pairs, const std::string& where);

}  // namespace braid::data
