#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <regex>

#include "braid/core/error.h"
#include "braid/evaluate/report_html.h"
#include "tests/evaluate/json_schema.h"

namespace braid::evaluate {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

const fs::path kFixtures = fs::path(BRAID_TEST_SOURCE_DIR) / "evaluate" / "fixtures";

Json fixture(const std::string& name) { return read_json(kFixtures / name); }

// What the page's script reads: the text of its results element, as a browser takes it.
Json embedded(const std::string& page) {
  const std::string open = R"(<script id="results" type="application/json">)";
  const size_t begin = page.find(open) + open.size();
  return Json::parse(page.substr(begin, page.find("</script", begin) - begin));
}

size_t count(const std::string& text, const std::string& part) {
  size_t n = 0;
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++n;
  return n;
}

Json schema(const std::string& name) {
  return read_json(fs::path(BRAID_TEST_SOURCE_DIR) / ".." / "docs" / name);
}

TEST(ReportFixtures, AreValidUnderTheSchema) {
  for (const char* name : {"results_sample.json", "results_hostile.json", "results_minimal.json",
                           "results_perplexity.json"})
    EXPECT_THAT(test::schema_violations(fixture(name), schema("results.schema.json")), IsEmpty())
        << name;
  for (const char* name :
       {"results_v1_sample.json", "results_v1_hostile.json", "results_v1_minimal.json"})
    EXPECT_THAT(test::schema_violations(fixture(name), schema("results.schema.v1.json")), IsEmpty())
        << name;
}

TEST(ReportFixtures, SchemaRejectsWhatItShould) {
  const Json rules = schema("results.schema.json");
  const auto refuses = [&](const std::function<void(Json&)>& change) {
    Json results = fixture("results_minimal.json");
    change(results);
    return !test::schema_violations(results, rules).empty();
  };
  EXPECT_FALSE(refuses([](Json&) {}));
  EXPECT_TRUE(refuses([](Json& r) { r["models"][0]["score"].erase("unit"); }));
  EXPECT_TRUE(refuses([](Json& r) { r["models"][0]["score"] = 88.1; }));
  EXPECT_TRUE(refuses([](Json& r) { r["models"][0]["family"] = "recurrent"; }));
  EXPECT_TRUE(refuses([](Json& r) { r.erase("machine"); }));
  EXPECT_TRUE(refuses([](Json& r) { r["schema_version"] = 1; }));
}

TEST(ReportPage, HoldsTheResultsUnchanged) {
  const Json results = fixture("results_sample.json");
  EXPECT_EQ(embedded(report_page(results)), results);
}

TEST(ReportPage, FetchesNothing) {
  const std::string page = report_page(fixture("results_sample.json"));
  // The browser is told to fetch nothing but inline images.
  EXPECT_THAT(page,
              HasSubstr(R"(content="default-src 'none'; script-src 'unsafe-inline' 'unsafe-eval'; )"
                        R"(style-src 'unsafe-inline'; img-src data:")"));
  EXPECT_FALSE(std::regex_search(
      page,
      std::regex(R"(<(script|img|iframe|link|source)[^>]{0,200}(src|href)=["']?(https?:)?//)")));
  EXPECT_THAT(page, Not(HasSubstr("<link")));
  EXPECT_THAT(page, Not(HasSubstr("@import")));
  EXPECT_THAT(page, Not(HasSubstr("url(http")));
  EXPECT_THAT(page, Not(HasSubstr("sourceMappingURL")));
}

TEST(ReportPage, CarriesTheChartingLibraryAndLeavesNoMarkUnfilled) {
  const std::string page = report_page(fixture("results_sample.json"));
  EXPECT_GT(page.size(), 700'000U);
  EXPECT_THAT(page, HasSubstr(".vegaLite={}"));
  EXPECT_THAT(
      page, HasSubstr("University of Washington Interactive Data Lab"));  // its licence wants that
  EXPECT_THAT(page, HasSubstr("<title>braid compare: fashion-mnist (invented sample)</title>"));
  EXPECT_FALSE(std::regex_search(page, std::regex(R"(\{\{[a-z_.-]+\}\})")));
}

TEST(ReportPage, ForeignTextCannotActAsMarkup) {
  const std::string plain = report_page(fixture("results_minimal.json"));
  const Json hostile = fixture("results_hostile.json");
  const std::string page = report_page(hostile);
  EXPECT_EQ(count(page, "<script"), count(plain, "<script"));
  EXPECT_EQ(count(page, "</script"), count(plain, "</script"));
  EXPECT_EQ(count(page, "<img"), count(plain, "<img"));
  EXPECT_EQ(count(page, "<!--"), count(plain, "<!--"));
  EXPECT_EQ(embedded(page), hostile);
}

TEST(ReportPage, TextThatLooksLikeAMarkStaysText) {
  Json results = fixture("results_minimal.json");
  results["data"]["name"] = "{{results}}{{summary}}";
  results["recommendation"]["reason"] = "{{results}}";
  const std::string page = report_page(results);
  EXPECT_THAT(page, HasSubstr("<title>braid compare: {{results}}{{summary}}</title>"));
  EXPECT_EQ(embedded(page), results);
}

TEST(ReportPage, ReplacesBytesThatAreNotUtf8) {
  Json results = fixture("results_minimal.json");
  results["data"]["name"] = "caf\xe9";
  const std::string page = report_page(results);
  EXPECT_THAT(page, HasSubstr("<title>braid compare: caf\xef\xbf\xbd</title>"));
  EXPECT_EQ(embedded(page)["data"]["name"], "caf\xef\xbf\xbd");
}

TEST(ReportPage, RefusesResultsWithoutModels) {
  EXPECT_THROW(report_page(Json::array()), DataError);
  EXPECT_THROW(report_page(Json::object()), DataError);
  EXPECT_THROW(report_page({{"models", Json::array()}}), DataError);
  EXPECT_THROW(report_page({{"models", {1, 2}}}), DataError);
  EXPECT_THROW(report_page({{"models", {{{"family", "cnn"}}}}}), DataError);
}

TEST(WriteReport, WritesThePageAndReplacesAnOldOne) {
  const fs::path file = fs::path(testing::TempDir()) / "braid_report_test.html";
  std::ofstream(file) << "old";
  const Json results = fixture("results_sample.json");
  write_report(results, file);
  std::ifstream in(file, std::ios::binary);
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(in), {}), report_page(results));
  fs::remove(file);
}

TEST(WriteReport, NamesTheFileThatCannotBeWritten) {
  try {
    write_report(fixture("results_minimal.json"), "/nonexistent-folder/report.html");
    FAIL() << "expected IoError";
  } catch (const IoError& error) {
    EXPECT_THAT(error.what(), HasSubstr("/nonexistent-folder/report.html"));
  }
}

}  // namespace
}  // namespace braid::evaluate
