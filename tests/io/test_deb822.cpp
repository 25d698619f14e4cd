#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "braid/core/error.h"
#include "braid/io/deb822.h"
#include "braid/io/run_program.h"

namespace braid::io {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(Deb822, ReadsStanzas) {
  std::vector<std::string> seen;
  for_each_stanza(
      "Package: hello\nsource: hello-src (2.10)\nDescription-en: a greeting\n The GNU program.\n"
      "\tmore\n\n \n\n# odd\nno field\n: none\nPackage: b\nPackage: c",
      [&](const Deb822Stanza& stanza) {
        seen.push_back(std::string(stanza.get("package")) + "|" +
                       std::string(stanza.get("Source")) + "|" +
                       std::string(stanza.get("Description-en")));
      });
  EXPECT_THAT(seen,
              ElementsAre("hello|hello-src (2.10)|a greeting\n The GNU program.\n\tmore", "b||"));
  for_each_stanza("", [](const Deb822Stanza&) { FAIL(); });
}

TEST(Deb822, DescriptionsAreParagraphs) {
  EXPECT_THAT(description_paragraphs("a greeting\n The GNU program\n prints it.\n .\n Lists:\n"
                                     "  * one\n    goes on\n  * two\n - three\n and on\n ."),
              ElementsAre("a greeting", "The GNU program prints it.", "Lists:", "* one", "goes on",
                          "* two", "- three and on"));
  EXPECT_THAT(description_paragraphs("only this"), ElementsAre("only this"));
  EXPECT_TRUE(description_paragraphs("").empty());
}

TEST(RunProgram, GivesOutputErrorsAndCode) {
  const auto result =
      run_program({"sh", "-c", "echo out; echo err >&2; echo $BRAID_TEST_X; exit 3"},
                  {{"BRAID_TEST_X", "a b"}}, 1000);
  EXPECT_EQ(result.code, 3);
  EXPECT_EQ(result.out, "out\na b\n");
  EXPECT_EQ(result.err, "err\n");
  EXPECT_EQ(run_program({"sh", "-c", "kill -9 $$"}, {}, 10).code, 128 + 9);
  EXPECT_EQ(run_program({"cat"}, {}, 10).out, "") << "there is no input";
}

TEST(RunProgram, BoundsTheOutput) {
  EXPECT_THROW(run_program({"sh", "-c", "yes"}, {}, 10'000), DataError);
  const auto loud = run_program({"sh", "-c", "yes | head -c 500000 >&2; echo end >&2"}, {}, 10);
  EXPECT_LE(loud.err.size(), 65536u + 65536u);
  EXPECT_TRUE(loud.err.ends_with("end\n"));
}

TEST(RunProgram, MissingProgramsAreIoErrors) {
  EXPECT_THROW(run_program({"/nonexistent/program"}, {}, 10), IoError);
  EXPECT_FALSE(find_program("no-such-program-anywhere"));
  ASSERT_TRUE(find_program("sh"));
  EXPECT_EQ(find_program("sh")->filename(), "sh");
}

}  // namespace
}  // namespace braid::io
