#include "braid/evaluate/report_html.h"

#include <algorithm>
#include <array>
#include <initializer_list>
#include <string_view>
#include <utility>

#include "braid/core/error.h"
#include "braid/core/json.h"
#include "braid/io/atomic_file.h"

// The page with its styles, scripts and charting library: cmake/BraidReport.cmake.
extern "C" const char braid_report_page[];
extern "C" const char braid_report_page_end[];

namespace braid::evaluate {
namespace {

constexpr const char* kComponent = "report";

void check(const Json& results) {
  if (!results.is_object()) {
    throw DataError(kComponent, std::string("expected an object, got ") + results.type_name(),
                    "results");
  }
  const auto models = results.find("models");
  if (models == results.end() || !models->is_array() || models->empty()) {
    throw DataError(kComponent, "expected a list of at least one model, got none", "models");
  }
  for (const Json& model : *models) {
    if (!model.is_object() || !model.contains("name") || !model["name"].is_string()) {
      throw DataError(kComponent,
                      "expected an object with a name, got " + std::string(model.type_name()),
                      "models");
    }
  }
}

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

// Text between tags. File names need not be UTF-8: what is not becomes U+FFFD.
std::string embed_text(const std::string& text) {
  const std::string valid =
      parse_json(Json(text).dump(-1, ' ', true, Json::error_handler_t::replace),
                 {.component = "report", .where = "a text of the results"})
          .get<std::string>();
  return escape(valid, {{'&', "&amp;"}, {'<', "&lt;"}, {'>', "&gt;"}});
}

// JSON inside a <script> element: nothing in it may look like a tag or a comment.
std::string embed_json(const Json& json) {
  return escape(json.dump(-1, ' ', /*ensure_ascii=*/true, Json::error_handler_t::replace),
                {{'<', "\\u003c"}, {'>', "\\u003e"}, {'&', "\\u0026"}});
}

std::string text_at(const Json& object, const char* key) {
  const auto value = object.find(key);
  return value != object.end() && value->is_string() ? value->get<std::string>() : std::string();
}

// Read where scripts do not run, as in the file preview of some phones.
std::string summary(const Json& results) {
  const auto recommendation = results.find("recommendation");
  if (recommendation == results.end() || !recommendation->is_object()) {
    return "No model is recommended.";
  }
  return text_at(*recommendation, "model") + ": " + text_at(*recommendation, "reason");
}

std::string title(const Json& results) {
  const auto data = results.find("data");
  std::string name;
  if (data != results.end()) {
    name = data->is_object()   ? text_at(*data, "name")
           : data->is_string() ? data->get<std::string>()
                               : "";
  }
  return name.empty() ? "braid compare" : "braid compare: " + name;
}

}  // namespace

std::string report_page(const Json& results) {
  check(results);
  const std::string_view page(braid_report_page, braid_report_page_end - braid_report_page);
  // In the page's order, so that a value that looks like a later mark is never taken for it.
  const std::array<std::pair<std::string_view, std::string>, 3> parts = {{
      {"{{title}}", embed_text(title(results))},
      {"{{summary}}", embed_text(summary(results))},
      {"{{results}}", embed_json(results)},
  }};
  std::string html;
  html.reserve(page.size() + parts.back().second.size() + 1024);
  size_t begin = 0;
  for (const auto& [mark, text] : parts) {
    const size_t at = page.find(mark, begin);
    if (at == std::string_view::npos) {
      throw InternalError(kComponent, "expected the mark " + std::string(mark) + ", got none",
                          "page.html");
    }
    html.append(page.substr(begin, at - begin)).append(text);
    begin = at + mark.size();
  }
  return html.append(page.substr(begin));
}

void write_report(const Json& results, const std::filesystem::path& file) {
  io::write_file_atomic(file, report_page(results));
}

}  // namespace braid::evaluate
