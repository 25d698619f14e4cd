// What `tokenizers` of Hugging Face gives for the texts of generate_tokenizers.py.
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "braid/core/json.h"
#include "tests/text/tokenizer_files.h"

namespace braid::text {
namespace {

class TokenizerParity : public ::testing::TestWithParam<const char*> {};

template <class List>
std::string shown(const List& list) {
  std::ostringstream text;
  for (const auto& item : list) text << static_cast<int64_t>(item) << ' ';
  return text.str();
}

std::string shown_spans(const std::vector<Span>& spans) {
  std::ostringstream text;
  for (const auto& span : spans) text << span.begin << '-' << span.end << ' ';
  return text.str();
}

std::string shown_json_spans(const Json& spans) {
  std::vector<Span> list;
  for (const auto& span : spans)
    list.push_back({span.at(0).get<size_t>(), span.at(1).get<size_t>()});
  return shown_spans(list);
}

TEST_P(TokenizerParity, EveryCase) {
  const auto file = std::filesystem::path(BRAID_TEST_SOURCE_DIR) / "text/fixtures" /
                    (std::string(GetParam()) + ".json");
  const auto fixture = read_json(file);
  const test::Folder folder;
  folder.write("tokenizer.json", fixture.at("tokenizer").dump());
  const auto tokenizer = load_tokenizer(folder.path());
  for (const auto& want : fixture.at("cases")) {
    SCOPED_TRACE(want.dump());
    const auto text = want.at("text").get<std::string>();
    EncodeOptions options;
    options.add_special_tokens = want.value("special", true);
    options.max_length = want.value("max_length", int64_t{0});
    const auto got = want.contains("pair")
                         ? tokenizer->encode_pair(text, want.at("pair").get<std::string>(), options)
                         : tokenizer->encode(text, options);
    EXPECT_EQ(shown(got.ids), shown(want.at("ids").get<std::vector<int32_t>>()));
    EXPECT_EQ(shown(got.type_ids), shown(want.at("type_ids").get<std::vector<int32_t>>()));
    EXPECT_EQ(shown_spans(got.offsets), shown_json_spans(want.at("offsets")));
    EXPECT_EQ(shown(got.special_tokens), shown(want.at("special_tokens").get<std::vector<int>>()));
    EXPECT_EQ(shown(got.words), shown(want.at("words").get<std::vector<int32_t>>()));
    EXPECT_EQ(tokenizer->decode(got.ids), want.at("decoded").get<std::string>());
    EXPECT_EQ(tokenizer->decode(got.ids, false), want.at("decoded_whole").get<std::string>());
  }
}

INSTANTIATE_TEST_SUITE_P(Fixtures, TokenizerParity,
                         ::testing::Values("wordpiece_uncased", "wordpiece_cased",
                                           "wordpiece_lower_accents", "wordpiece_unclean",
                                           "bpe_gpt2", "bpe_prefix", "bpe_roberta", "bpe_llama3",
                                           "bpe_qwen2", "bpe_o200k", "bpe_tekken", "bpe_words"),
                         [](const auto& info) { return std::string(info.param); });

}  // namespace
}  // namespace braid::text
