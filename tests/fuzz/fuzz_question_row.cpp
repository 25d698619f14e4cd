// Any bytes as questions with their contexts: a row, and a file in SQuAD's form.
#include <cstdlib>

#include "braid/core/error.h"
#include "braid/io/question_row.h"

namespace {

// Every answer stands in its context.
void check(const braid::io::QuestionRow& row) {
  if (row.question.empty() || row.context.empty()) std::abort();
  for (const auto& answer : row.answers)
    if (answer.text.empty() ||
        row.context.compare(answer.begin, answer.text.size(), answer.text) != 0)
      std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace braid;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto attempt = [](const auto& parse) {
    try {
      parse();
    } catch (const DataError&) {  // the only error that foreign bytes may bring about
    }
  };
  attempt([&] { check(io::parse_question_row(text, "fuzz")); });
  attempt([&] {
    const auto file = parse_json(text, {.component = "data", .where = "fuzz"});
    io::each_squad_question(file, "fuzz", [&](const auto& read, const std::string&) {
      attempt([&] { check(read()); });
    });
  });
  return 0;
}
