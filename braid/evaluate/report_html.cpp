#include "braid/evaluate/report_html.h"

#include <string_view>

#include "braid/core/error.h"
#include "braid/core/html.h"
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
  return fill_page(page, {{"{{title}}", embed_text(title(results))},
                          {"{{summary}}", embed_text(summary(results))},
                          {"{{results}}", embed_json(results)}});
}

void write_report(const Json& results, const std::filesystem::path& file) {
  io::write_file_atomic(file, report_page(results));
}

}  // namespace braid::evaluate
