// Text and JSON inside a page, so that nothing foreign acts as markup.
#pragma once
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "braid/core/json.h"

namespace braid {

// Text between tags. File names need not be UTF-8: what is not becomes U+FFFD.
std::string embed_text(const std::string& text);
// JSON inside a <script> element: nothing in it may look like a tag or a comment.
std::string embed_json(const Json& json);

// The page with each mark, such as {{title}}, replaced once, in the page's order: a value that
// looks like a later mark is never taken for it. Throws InternalError where a mark is missing.
std::string fill_page(std::string_view page,
                      const std::vector<std::pair<std::string_view, std::string>>& parts);

}  // namespace braid
