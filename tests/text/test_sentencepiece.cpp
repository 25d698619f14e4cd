// SentencePiece models, good and hostile, and Marian's numbering of them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <functional>
#include <limits>
#include <protozero/pbf_writer.hpp>

#include "braid/text/sentencepiece_check.h"
#include "braid/text/train_tokenizer.h"
#include "tests/text/tokenizer_files.h"

namespace braid::text {
namespace {

using test::Folder;
using test::message_of;
using test::tokens_of;
using ::testing::HasSubstr;

struct Piece {
  std::string text;
  float score = 0;
  int type = ModelPiece::kNormal;
};

std::string model_of(const std::vector<Piece>& pieces, const std::string& charsmap = "") {
  std::string bytes;
  protozero::pbf_writer model(bytes);
  for (const auto& piece : pieces) {
    protozero::pbf_writer message(model, 1);
    message.add_string(1, piece.text);
    message.add_float(2, piece.score);
    message.add_enum(3, piece.type);
  }
  if (!charsmap.empty()) {
    protozero::pbf_writer normalizer(model, 3);
    normalizer.add_bytes(2, charsmap);
  }
  return bytes;
}

const std::vector<Piece> kPieces = {{"<unk>", 0, ModelPiece::kUnknown},
                                    {"</s>", 0, ModelPiece::kControl},
                                    {"\u2581a", -1},
                                    {"b", -2},
                                    {"\u2581", -3}};

std::string refusal(const std::string& model) {
  return message_of([&] { check_sentencepiece_model(model, "x.model"); });
}

std::string with_piece(const Piece& piece) {
  auto pieces = kPieces;
  pieces.push_back(piece);
  return refusal(model_of(pieces));
}

std::string charsmap_of(std::vector<uint32_t> units, const std::string& texts, int64_t size = -1) {
  const auto bytes = static_cast<uint32_t>(size < 0 ? 4 * units.size() : size);
  std::string map(4 + 4 * units.size(), '\0');
  std::memcpy(map.data(), &bytes, 4);
  std::memcpy(map.data() + 4, units.data(), 4 * units.size());
  return map + texts;
}

TEST(SentencePiece, LoadsAModel) {
  const Folder folder;
  const auto tokenizer = load_tokenizer(folder.write("x.model", model_of(kPieces)));
  EXPECT_EQ(tokens_of(*tokenizer, "ab xa"), "\u2581a b \u2581 <unk> </s>");
  EXPECT_EQ(tokenizer->token_to_id("b"), 3);
  EXPECT_EQ(tokenizer->token_to_id("none"), std::nullopt);
  EXPECT_EQ(tokenizer->decode({2, 3, 1}), "ab");
  EXPECT_EQ(tokenizer->decode({2, 3, 1}, false), "ab</s>");
  EXPECT_THROW(tokenizer->decode({5}), DataError);
}

// XLM-R's words are one number further than its model says, and DeBERTa's texts begin otherwise.
TEST(SentencePiece, RefusesTokenizersWithOtherNumbers) {
  const auto refused = [](const std::string& name, const std::string& config) {
    const Folder folder;
    folder.write(name, model_of(kPieces));
    if (!config.empty()) folder.write("tokenizer_config.json", config);
    return message_of([&] { load_tokenizer(folder.path()); });
  };
  EXPECT_THAT(refused("x.model", R"({"tokenizer_class": "XLMRobertaTokenizerFast"})"),
              HasSubstr("XLMRobertaTokenizerFast"));
  EXPECT_THAT(refused("spiece.model", R"({"tokenizer_class": "DebertaV2Tokenizer"})"),
              HasSubstr("DebertaV2Tokenizer"));
  EXPECT_THAT(refused("sentencepiece.bpe.model", ""), HasSubstr("sentencepiece.bpe.model"));
  EXPECT_EQ(refused("spiece.model", R"({"tokenizer_class": "T5Tokenizer"})"), "");
  EXPECT_EQ(refused("tokenizer.model", R"({"tokenizer_class": "LlamaTokenizer"})"), "");
  EXPECT_EQ(refused("x.model", R"({"tokenizer_class": null})"), "");
}

// As Marian has them: a model for each language, and one vocabulary.
const std::vector<Piece> kTargetPieces = {{"<unk>", 0, ModelPiece::kUnknown},
                                          {"</s>", 0, ModelPiece::kControl},
                                          {"\u2581Hund", -1},
                                          {"\u2581", -3},
                                          {"a", -3},
                                          {"b", -3}};
constexpr const char* kMarianVocabulary =
    R"({"</s>": 0, "<unk>": 1, ">>de<<": 2, "b": 3, "▁a": 4, "<pad>": 5, "▁Hund": 6, "▁": 7, "a": 8})";

void write_marian(const Folder& folder) {
  folder.write("source.spm", model_of(kPieces));
  folder.write("target.spm", model_of(kTargetPieces));
  folder.write("vocab.json", kMarianVocabulary);
}

using Ids = std::vector<int32_t>;

TEST(SentencePiece, NumbersPiecesAsMarianDoes) {
  const Folder folder;
  write_marian(folder);
  const auto tokenizer = load_tokenizer(folder.path());
  EXPECT_EQ(tokenizer->encode(">>de<< ab").ids, (Ids{2, 4, 3, 0}));
  EXPECT_EQ(tokenizer->encode(">>de<< a<<").ids, (Ids{2, 4, 1, 0})) << "a code ends at once";
  EXPECT_EQ(tokenizer->special().pad, 5);
  EXPECT_EQ(tokenizer->vocab_size(), 9);
}

// What MarianTokenizer of transformers 5.24 gives for the same files.
TEST(SentencePiece, MarianReadsAndWritesByModelsOfTheirOwn) {
  const Folder folder;
  write_marian(folder);
  folder.write("tokenizer_config.json", R"({"source_lang": "en", "target_lang": "de"})");
  const auto expect_both = [](const Tokenizer& tokenizer) {
    EXPECT_EQ(tokenizer.encode("ab Hund").ids, (Ids{4, 3, 7, 1, 0}));
    EXPECT_EQ(tokenizer.encode_target("ab Hund").ids, (Ids{7, 8, 3, 6, 0}));
    EXPECT_EQ(tokenizer.encode_target("Hund", {.add_special_tokens = false}).ids, (Ids{6}));
    EXPECT_EQ(tokenizer.decode({6, 7, 8, 3, 6, 0}), "Hund ab Hund");
    EXPECT_EQ(tokenizer.decode({6, 4, 3, 4, 0}), "Hund ab a") << "pieces of the source, too";
    EXPECT_EQ(tokenizer.decode({4, 1, 3, 5}), "ab") << "nothing for what is unknown";
    EXPECT_EQ(tokenizer.decode({5, 6, 0}, false), "<pad> Hund</s>");
    EXPECT_EQ(tokenizer.decode({}), "");
  };
  const auto tokenizer = load_tokenizer(folder.path());
  expect_both(*tokenizer);
  tokenizer->save(folder.path() / "saved");
  const auto saved = [&](const std::string& name) { return folder.read("saved/" + name); };
  EXPECT_EQ(saved("source.spm"), model_of(kPieces));
  EXPECT_EQ(saved("target.spm"), model_of(kTargetPieces));
  EXPECT_EQ(saved("vocab.json"), kMarianVocabulary);
  expect_both(*load_tokenizer(folder.path() / "saved"));
}

TEST(SentencePiece, OtherTokenizersReadAndWriteAlike) {
  const Folder folder;
  const auto tokenizer = load_tokenizer(folder.write("x.model", model_of(kPieces)));
  EXPECT_EQ(tokenizer->encode_target("ab").ids, tokenizer->encode("ab").ids);
}

TEST(SentencePiece, MarianWithoutOneOfItsFilesIsRefused) {
  const auto refused = [](const std::string& lacking, const std::string& config = "") {
    const Folder folder;
    write_marian(folder);
    if (!config.empty()) folder.write("tokenizer_config.json", config);
    std::filesystem::remove(folder.path() / lacking);
    return message_of([&] { load_tokenizer(folder.path()); });
  };
  EXPECT_THAT(refused("source.spm"), HasSubstr("source.spm and target.spm"));
  EXPECT_THAT(refused("vocab.json"), HasSubstr("expected vocab.json beside source.spm"));
  EXPECT_THAT(refused("none", R"({"separate_vocabs": true})"), HasSubstr("separate_vocabs"));
  EXPECT_EQ(refused("none", R"({"separate_vocabs": false})"), "");
}

// As an older braid has saved them: texts are read, and nothing is written.
TEST(SentencePiece, MarianWithoutTargetReads) {
  const Folder folder;
  write_marian(folder);
  const auto whole = load_tokenizer(folder.path())->encode("ab").ids;
  std::filesystem::remove(folder.path() / "target.spm");
  const auto tokenizer = load_tokenizer(folder.path());
  EXPECT_EQ(tokenizer->encode("ab").ids, whole);
  for (const auto& writes : {std::function<void()>([&] { tokenizer->encode_target("ab"); }),
                             std::function<void()>([&] { tokenizer->decode(whole, true); })})
    EXPECT_THAT(message_of(writes), HasSubstr("expected target.spm beside source.spm"));
}

TEST(SentencePiece, RefusesModelsThatTheLibraryFailsOn) {
  EXPECT_EQ(refusal(model_of(kPieces)), "");
  EXPECT_THAT(refusal("no model"), HasSubstr("SentencePiece model"));
  EXPECT_THAT(refusal(""), HasSubstr("pieces"));
  EXPECT_THAT(with_piece({std::string(100'000, 'x')}), HasSubstr("1 to 512 bytes"));
  EXPECT_THAT(with_piece({""}), HasSubstr("1 to 512 bytes"));
  EXPECT_THAT(with_piece({"\xff"}), HasSubstr("UTF-8"));
  EXPECT_THAT(with_piece({std::string("a\0b", 3)}), HasSubstr("no byte 0"));
  EXPECT_THAT(with_piece({"c", std::numeric_limits<float>::quiet_NaN()}), HasSubstr("finite"));
  EXPECT_THAT(with_piece({"c", 0, 9}), HasSubstr("type"));
  EXPECT_THAT(with_piece({"b"}), HasSubstr("'b' again"));
  EXPECT_THAT(with_piece({"c", 0, ModelPiece::kUnknown}), HasSubstr("one unknown piece"));
  auto nested = kPieces;
  for (size_t n = 1; n < 100; ++n)
    nested.push_back({std::string(n, 'y'), 0, ModelPiece::kUserDefined});
  EXPECT_THAT(refusal(model_of(nested)), HasSubstr("begin alike"));
}

TEST(SentencePiece, RefusesTablesThatPointOutOfThemselves) {
  const auto refused = [](const std::string& map) { return refusal(model_of(kPieces, map)); };
  std::vector<uint32_t> unused(256, 1u << 31);
  unused[0] = 0;  // the root, whose children stand in this block
  EXPECT_EQ(refused(charsmap_of(unused, std::string("a\0", 2))), "");
  EXPECT_THAT(refused("abc"), HasSubstr("a shorter one"));
  EXPECT_THAT(refused(charsmap_of(unused, std::string("a\0", 2), 1 << 20)), HasSubstr("larger"));
  EXPECT_THAT(refused(charsmap_of(unused, "a")), HasSubstr("without an end"));
  auto far = unused;
  far[0] = 5000u << 10;  // its children stand far behind the end
  EXPECT_THAT(refused(charsmap_of(far, std::string("a\0", 2))), HasSubstr("out of itself"));
  // 'a' leads to a leaf whose text stands behind the texts.
  auto text = unused;
  text['a'] = 'a' | 1u << 8 | ('a' ^ 'z') << 10;
  text['z'] = 1u << 31 | 77;
  EXPECT_THAT(refused(charsmap_of(text, std::string("a\0", 2))), HasSubstr("beyond the texts"));
  // 'a' leads back to the root, with a leaf each time.
  auto circle = unused;
  circle['a'] = 'a' | 1u << 8 | ('a' ^ 0u) << 10;
  EXPECT_THAT(refused(charsmap_of(circle, std::string("a\0", 2))), HasSubstr("begin alike"));
}

}  // namespace
}  // namespace braid::text
