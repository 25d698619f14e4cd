#include "braid/core/html.h"

#include <algorithm>
#include <initializer_list>

#include "braid/core/error.h"

namespace braid {
namespace {

using Escapes = std::initializer_list<std::pair<char, std::string_view>>;

std::string escape(std::string_view text, Escapes escapes) {
  std::string escaped;
  escaped.reserve(text.size());
  for (const char c : text) {
    const auto found =
        std::find_if(escapes.begin(), escapes.end(), [c](auto& e) { return e.first == c; });
    if (found == escapes.end()) {
      escaped += c;
    } else {
      escaped += found->second;
    }
  }
  return escaped;
}

}  // namespace

std::string embed_text(const std::string& text) {
  const std::string valid =
      parse_json(Json(text).dump(-1, ' ', true, Json::error_handler_t::replace),
                 {.component = "report", .where = "a text of the results"})
          .get<std::string>();
  return escape(valid, {{'&', "&amp;"}, {'<', "&lt;"}, {'>', "&gt;"}});
}

std::string embed_json(const Json& json) {
  return escape(json.dump(-1, ' ', /*ensure_ascii=*/true, Json::error_handler_t::replace),
                {{'<', "\\u003c"}, {'>', "\\u003e"}, {'&', "\\u0026"}});
}

std::string fill_page(std::string_view page,
                      const std::vector<std::pair<std::string_view, std::string>>& parts) {
  std::string html;
  size_t begin = 0;
  for (const auto& [mark, text] : parts) {
    const size_t at = page.find(mark, begin);
    if (at == std::string_view::npos)
      throw InternalError("report", "expected the mark " + std::string(mark) + ", got none",
                          "page.html");
    html.append(page.substr(begin, at - begin)).append(text);
    begin = at + mark.size();
  }
  return html.append(page.substr(begin));
}

}  // namespace braid
