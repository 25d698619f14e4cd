// braid train on parallel files, braid translate, braid eval of what was trained.
#include <gmock/gmock.h>

#include <algorithm>
#include <tuple>

#include "braid/core/json.h"
#include "tests/cli/program.h"

namespace braid::test {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;

class TranslateTest : public ProgramTest {
 protected:
  void write_pairs(const std::string& stem, int lines) const {
    std::string en, de;
    for (int i = 0; i < lines; ++i) {
      en += "a man walks here today " + std::string(static_cast<size_t>(i % 5), 'a') + "\n";
      de += "ein Mann geht heute hier " + std::string(static_cast<size_t>(i % 5), 'b') + "\n";
    }
    write(stem + ".en", en);
    write(stem + ".de", de);
  }
  Result train_translation(const std::string& more = "") const {
    write_pairs("data/train", 20);
    write_pairs("data/val", 4);
    write_pairs("data/test", 3);
    return braid(
        "train --model transformer_tiny --data data --recipe none --vocab-size 300 --batch-size 10 "
        "--max-steps 2 --threads 1 --num-beams 1 --val-bleu-pairs 2 --output run " +
        more);
  }
  static int64_t lines_in(const std::string& text) {
    return std::count(text.begin(), text.end(), '\n');
  }
};

TEST_F(TranslateTest, QuantizesIntoAFolderOfThreeFiles) {
  ASSERT_EQ(train_translation().code, 0);
  const std::string base = "quantize --checkpoint run --data data --mode naive --output ";
  const auto result = braid(base + "q --format json");
  ASSERT_EQ(result.code, 0) << result.err;
  const Json reports = Json::parse(result.out);
  ASSERT_EQ(reports.size(), 3u);
  EXPECT_EQ(reports.at(0).at("bytes"), std::filesystem::file_size(path("q/encoder_model.onnx")));
  EXPECT_EQ(reports.at(1).at("bytes"), std::filesystem::file_size(path("q/decoder_model.onnx")));
  EXPECT_EQ(reports.at(2).at("bytes"),
            std::filesystem::file_size(path("q/decoder_with_past_model.onnx")));
  for (const auto& report : reports) EXPECT_LT(report.at("size_ratio"), 0.6);
  EXPECT_THAT(result.err, HasSubstr("20 pairs calibrate: few"));
  const auto file = braid(base + "q.onnx");
  EXPECT_EQ(file.code, 64);
  EXPECT_THAT(file.err, HasSubstr("expected a folder"));
}

TEST_F(TranslateTest, EveryLineGetsOneLine) {
  const auto trained = train_translation();
  ASSERT_EQ(trained.code, 0) << trained.err;
  EXPECT_THAT(trained.out, HasSubstr("best val BLEU"));
  std::string input = "a man walks\n\n \t\na\u2028man\rwalks\r\n";
  for (int i = 0; i < 3000; ++i) input += "a ";
  input += "\nlast";
  write("in.txt", input);
  const std::string verb = "translate --checkpoint run --max-length 6 --num-beams 2 ";
  const auto from_file = braid(verb + "in.txt");
  ASSERT_EQ(from_file.code, 0) << from_file.err;
  EXPECT_EQ(lines_in(from_file.out), 6) << from_file.out;
  std::vector<std::string> lines;
  std::stringstream stream(from_file.out);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  EXPECT_EQ(lines.at(1), "");
  EXPECT_EQ(lines.at(2), "");
  EXPECT_THAT(from_file.err, HasSubstr("in.txt:5: longer than"));
  const auto whole = braid(verb + "--no-truncate in.txt");
  EXPECT_EQ(whole.code, 65);
  EXPECT_EQ(lines_in(whole.out), 4) << "what stands before it is translated";
  EXPECT_THAT(whole.err, AllOf(HasSubstr("in.txt:5"), HasSubstr("--truncate")));
  EXPECT_EQ(braid(verb + "<in.txt").out, from_file.out);
  EXPECT_EQ(braid(verb + "--batch-tokens 1 - <in.txt").out, from_file.out)
      << "what else is in the batch changes nothing";
  EXPECT_EQ(lines_in(braid(verb + "in.txt in.txt").out), 12);

  const auto best = braid(verb + "--n-best 2 in.txt");
  EXPECT_EQ(lines_in(best.out), 12) << best.err;
  EXPECT_THAT(best.out, StartsWith("0 ||| "));
  const auto json = braid(verb + "--n-best 2 --format jsonl --output out.jsonl in.txt");
  EXPECT_EQ(json.code, 0) << json.err;
  EXPECT_EQ(json.out, "");
  std::stringstream rows(text("out.jsonl"));
  int64_t count = 0;
  for (std::string row; std::getline(rows, row); ++count) {
    const auto parsed = Json::parse(row);
    EXPECT_EQ(parsed.at("line"), count);
    EXPECT_EQ(parsed.at("translations").size(), 2u);
  }
  EXPECT_EQ(count, 6);
  EXPECT_EQ(braid(verb + "/dev/null").out, "");
  const auto in_8bit = braid(verb + "--load-in-8bit in.txt");
  EXPECT_EQ(in_8bit.code, 0) << in_8bit.err;
  EXPECT_EQ(lines_in(in_8bit.out), 6) << in_8bit.out;
  EXPECT_EQ(braid("translate --checkpoint run --n-best 9 in.txt").code, 64);
  EXPECT_THAT(braid("predict --checkpoint run 'a man'").err, HasSubstr("braid translate"));
  EXPECT_EQ(braid("translate --checkpoint run --max-length 5000 in.txt").code, 64);
}

TEST_F(TranslateTest, BraidRunWritesTheLinesOfExportedFiles) {
  ASSERT_EQ(train_translation().code, 0);
  const auto exported = braid("export --checkpoint run --output mt");
  ASSERT_EQ(exported.code, 0) << exported.err;
  write("in.txt", "a man walks\n\n \t\nhere today\r\nlast");
  for (const std::string flags :
       {" --max-length 7 --num-beams 1", " --max-length 6 --num-beams 3"}) {
    const auto expected = braid("translate --checkpoint run in.txt" + flags);
    ASSERT_EQ(expected.code, 0) << expected.err;
    const auto lines = braid_run("mt in.txt" + flags);
    EXPECT_EQ(lines.code, 0) << lines.err;
    EXPECT_EQ(lines.out, expected.out) << flags;
    EXPECT_EQ(braid_run("mt/ --text in.txt" + flags).out, expected.out);
    EXPECT_EQ(braid_run("mt -" + flags + " <in.txt").out, expected.out);
    const auto texts = braid_run("mt 'a man walks' --text ' ' '  ' 'here today' last" + flags);
    EXPECT_EQ(texts.out, expected.out) << texts.err;
  }
  const auto json = braid_run("mt 'a man walks' --max-length 5 --format json");
  ASSERT_EQ(json.code, 0) << json.err;
  const auto items = Json::parse(json.out);
  ASSERT_EQ(items.size(), 1u);
  EXPECT_EQ(items[0].at("text"), "a man walks");
  EXPECT_TRUE(items[0].at("translation").is_string());
  EXPECT_LT(items[0].at("score"), 0.0);

  std::string input = "a\n";
  for (int i = 0; i < 3000; ++i) input += "a ";
  write("long.txt", input);
  const auto cut = braid_run("mt long.txt --max-length 3");
  EXPECT_EQ(cut.code, 0) << cut.err;
  EXPECT_EQ(lines_in(cut.out), 2);
  EXPECT_THAT(cut.err, HasSubstr("long.txt:2: longer than"));
  EXPECT_EQ(cut.err.find("long.txt:1:"), std::string::npos) << cut.err;
  const auto half = braid_run("mt long.txt --max-length 3 --no-truncate --format json");
  EXPECT_EQ(half.code, 65);
  EXPECT_EQ(Json::parse(half.out).size(), 1u) << "what came before is answered";
}

TEST_F(TranslateTest, BraidRunSaysWhatIsNoTranslator) {
  ASSERT_EQ(train_translation().code, 0);
  ASSERT_EQ(braid("export --checkpoint run --output mt").code, 0);
  const auto parts = braid_run("mt");
  EXPECT_EQ(parts.code, 0) << parts.err;
  for (const auto* word : {"encoder\n", "decoder\n", "encoder_hidden_states", "logits"})
    EXPECT_THAT(parts.out, HasSubstr(word));
  EXPECT_EQ(Json::parse(braid_run("mt --format json").out).size(), 3u);
  const std::vector<std::tuple<std::string, int, std::string>> refused = {
      {"mt/decoder_model.onnx --text a", 65, "give the folder"},
      {"mt/encoder_model.onnx picture.png", 65, "give the folder"},
      {"mt/encoder_model.onnx --num-beams 2", 64, "--num-beams"},
      {"mt --benchmark 3", 64, "--benchmark"},
      {"mt --input a.safetensors --output b.safetensors", 64, "--input"},
      {"mt a --max-length 5000", 64, "max_length"},
      {"mt a --num-beams 101", 64, "--num-beams"},
      {"run a", 65, "encoder_model.onnx"},
      {"nowhere a", 74, "nowhere"}};
  for (const auto& [arguments, code, what] : refused) {
    const auto result = braid_run(arguments);
    EXPECT_EQ(result.code, code) << arguments << "\n" << result.err;
    EXPECT_THAT(result.err, HasSubstr(what)) << arguments;
    EXPECT_EQ(result.out, "") << arguments;
  }
  std::filesystem::remove(path("mt/decoder_model.onnx"));
  const auto half = braid_run("mt a");
  EXPECT_EQ(half.code, 65);
  EXPECT_THAT(half.err, HasSubstr("encoder_model.onnx alone"));
}

TEST_F(TranslateTest, FlagsSayHowALineIsWritten) {
  ASSERT_EQ(train_translation().code, 0);
  write("in.txt", "a man walks\n\nhere today\n");
  const std::string verb = "translate --checkpoint run --max-length 8 in.txt ";
  const auto drawn = braid(verb + "--do-sample --seed 1 --n-best 3");
  ASSERT_EQ(drawn.code, 0) << drawn.err;
  EXPECT_EQ(lines_in(drawn.out), 9) << drawn.out;
  EXPECT_EQ(braid(verb + "--do-sample --seed 1 --n-best 3 --batch-tokens 1").out, drawn.out);
  EXPECT_NE(braid(verb + "--do-sample --seed 2 --n-best 3").out, drawn.out);
  EXPECT_EQ(braid(verb + "--do-sample --top-k 1").out, braid(verb).out) << "the likeliest";
  EXPECT_EQ(braid(verb + "--do-sample --min-p 1").out, braid(verb).out) << "the likeliest";
  const auto searched = braid(verb +
                              "--num-beams 2 --early-stopping true --repetition-penalty 1.5 "
                              "--no-repeat-ngram-size 1 --min-length 3");
  EXPECT_EQ(searched.code, 0) << searched.err;
  EXPECT_EQ(lines_in(searched.out), 3);
  const std::vector<std::pair<std::string, std::string>> refused = {
      {"--temperature 0.5", "--do-sample"},
      {"--do-sample --temperature 0", "temperature"},
      {"--do-sample --top-p 2", "top_p"},
      {"--do-sample --min-p 2", "min_p"},
      {"--do-sample --typical-p 0", "typical_p"},
      {"--min-p 0.5", "--do-sample"},
      {"--do-sample --num-beams 2 --n-best 3", "--n-best"},
      {"--early-stopping true", "--num-beams"},
      {"--num-beams 2 --early-stopping sometimes", "early_stopping"},
      {"--min-length 9", "--min-length"},
      {"--num-beams 2 --length-penalty 500", "length_penalty"},
      {"--repetition-penalty 0", "repetition_penalty"}};
  for (const auto& [flags, what] : refused) {
    const auto result = braid(verb + flags);
    EXPECT_EQ(result.code, 64) << flags;
    EXPECT_THAT(result.err, HasSubstr(what)) << flags;
  }
  const auto help = braid("translate --help").out;
  EXPECT_THAT(help, HasSubstr("Drawing (unset: the checkpoint's):"));
  EXPECT_THAT(help, HasSubstr("1: greedy search (between 1 and 1000) [unset]"));
  EXPECT_THAT(help, ::testing::Not(HasSubstr("--bad-words-ids")));
}

TEST_F(TranslateTest, KeepsTheFileThatItReads) {
  ASSERT_EQ(train_translation().code, 0);
  write("in.txt", "a man walks\n");
  std::filesystem::create_hard_link(path("in.txt"), path("other.txt"));
  const std::string verb = "translate --checkpoint run --max-length 4 ";
  for (const std::string flags :
       {"in.txt --output in.txt", "in.txt --output other.txt", "--output in.txt <in.txt"}) {
    const auto result = braid(verb + flags);
    EXPECT_EQ(result.code, 64) << flags;
    EXPECT_THAT(result.err, HasSubstr("--output")) << flags;
    EXPECT_EQ(text("in.txt"), "a man walks\n") << flags;
  }
  EXPECT_EQ(braid(verb + "in.txt --output /dev/null").code, 0);
}

// What the file says is no mistake of whoever calls the program.
TEST_F(TranslateTest, TheUsersLengthWins) {
  ASSERT_EQ(train_translation().code, 0);
  write("in.txt", "a man walks here today\n");
  const std::string verb = "translate --checkpoint run/model_best in.txt ";
  const auto expected = braid(verb + "--max-length 4");
  ASSERT_EQ(expected.code, 0) << expected.err;
  write("run/model_best/generation_config.json", R"({"max_length": 100000})");
  EXPECT_EQ(braid(verb).code, 0);
  write("run/model_best/generation_config.json", R"({"max_new_tokens": 40})");
  EXPECT_EQ(braid(verb + "--max-length 4").out, expected.out);
}

TEST_F(TranslateTest, UnpacksFilesAndStandardInput) {
  ASSERT_EQ(train_translation().code, 0);
  write("in.txt", "a man walks\nhere today\n");
  const std::string verb = "translate --checkpoint run --max-length 6 ";
  const auto plain = braid(verb + "in.txt");
  ASSERT_EQ(plain.code, 0) << plain.err;
  EXPECT_EQ(braid(verb + "in.txt.gz", "gzip -k in.txt;").out, plain.out);
  EXPECT_EQ(braid(verb + "<in.txt.gz").out, plain.out);
}

TEST_F(TranslateTest, EvalGivesBleuWithItsSignature) {
  ASSERT_EQ(train_translation().code, 0);
  const auto evaluated = braid("eval --checkpoint run --data data");
  ASSERT_EQ(evaluated.code, 0) << evaluated.err;
  EXPECT_THAT(evaluated.out, HasSubstr("split test, 3 pairs"));
  EXPECT_THAT(evaluated.out,
              HasSubstr("BLEU|nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp|version:braid-"));
  const auto json = braid("eval --checkpoint run --data data/val.en,data/val.de --format json");
  ASSERT_EQ(json.code, 0) << json.err;
  const auto parsed = Json::parse(json.out);
  EXPECT_EQ(parsed.at("count"), 4);
  for (const auto* score : {"bleu", "chrf", "loss", "perplexity"})
    EXPECT_TRUE(parsed.at(score).is_number()) << score;
}

TEST_F(TranslateTest, ARunGoesOn) {
  ASSERT_EQ(train_translation("--max-tokens 200").code, 0);
  const auto again = braid(
      "train --model transformer_tiny --data data --recipe none --vocab-size 300 --batch-size 10 "
      "--max-steps 4 --threads 1 --num-beams 1 --val-bleu-pairs 2 --max-tokens 200 --output run "
      "--resume");
  ASSERT_EQ(again.code, 0) << again.err;
  EXPECT_THAT(again.out, HasSubstr("4 steps"));
}

TEST_F(TranslateTest, WhatIsWrongIsSaid) {
  write_pairs("data/train", 3);
  write("data/train.de", "nur eine\n");
  const std::string verb = "train --model transformer_tiny --output run --recipe none --data ";
  const auto unequal = braid(verb + "data");
  EXPECT_EQ(unequal.code, 65);
  EXPECT_THAT(unequal.err, HasSubstr("3 in data/train.en and 1 in data/train.de"));
  write("other/train.fr", "a\n");
  write("other/train.de", "a\n");
  const auto unclear = braid(verb + "other");
  EXPECT_EQ(unclear.code, 64);
  EXPECT_THAT(unclear.err, HasSubstr("--source-lang"));
  EXPECT_EQ(braid("translate --checkpoint nowhere").code, 74);
  EXPECT_EQ(braid("translate --checkpoint nowhere --num-beams 0").code, 64);
}

}  // namespace
}  // namespace braid::test
