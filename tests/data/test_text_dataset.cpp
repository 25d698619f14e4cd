// Which texts files and folders hold, of which classes and splits, and what is said of the rest.
#include <gmock/gmock.h>

#include "braid/core/error.h"
#include "braid/data/stratify.h"
#include "braid/data/text/text_dataset.h"
#include "tests/data/text_folder.h"

namespace braid::data {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using Names = std::vector<std::string>;

class TextDatasetTest : public TextFolderTest {
 protected:
  TextSplits open(const std::string& name = "", const TextSourceOptions& options = {}) const {
    return open_text_source(name.empty() ? root_.string() : path(name), options);
  }
  // Of the only file.
  TextDatasetPtr rows(const std::string& name, const std::string& content) const {
    write(name, content);
    return open(name).train;
  }
  static Names texts(const TextDataset& dataset) {
    Names texts;
    for (int64_t i = 0; i < dataset.size(); ++i) texts.push_back(dataset.get(i).text);
    return texts;
  }
  static std::vector<int64_t> labels(const TextDataset& dataset) {
    std::vector<int64_t> labels;
    for (int64_t i = 0; i < dataset.size(); ++i) {
      labels.push_back(dataset.label(i));
      EXPECT_EQ(dataset.get(i).label, labels.back());
    }
    return labels;
  }
  std::string error(const std::string& name = "") const {
    try {
      open(name);
    } catch (const DataError& e) {
      return e.what();
    }
    return "no error";
  }
};

TEST_F(TextDatasetTest, ReadsJsonLines) {
  const auto data = rows("a.jsonl",
                         "{\"text\": \"good\", \"label\": \"pos\"}\n"
                         "{\"label\": \"neg\", \"text\": \"bad\", \"id\": 7}\n"
                         "{\"sentence1\": \"a\", \"sentence2\": \"b\", \"label\": \"neg\"}");
  EXPECT_EQ(data->classes(), (Names{"neg", "pos"}));
  EXPECT_EQ(texts(*data), (Names{"good", "bad", "a"}));
  EXPECT_EQ(labels(*data), (std::vector<int64_t>{1, 0, 0}));
  EXPECT_EQ(data->get(2).pair, "b");
  EXPECT_EQ(data->describe(2), path("a.jsonl") + ":3");
}

TEST_F(TextDatasetTest, ReadsTablesOfAllKinds) {
  const Names expected = {"good film", "bad film", "a bore"};
  for (const auto& [name, content] : std::vector<std::pair<std::string, std::string>>{
           {"a.tsv", "good film\t1\nbad film\t0\na bore\t0"},
           {"b.tsv", "1\tgood film\n0\tbad film\n0\ta bore\n"},
           {"c.tsv", "sentence\tlabel\ngood film\t1\nbad film\t0\na bore\t0\n"},
           {"d.tsv", "index\tlabel\tsentence\n0\t1\tgood film\n1\t0\tbad film\n2\t0\ta bore\n"},
           {"e.csv", "label,text\n1,good film\n0,\"bad film\"\n\"0\",a bore\n"},
           {"f.tsv", "\xef\xbb\xbfsentence\tlabel\r\ngood film\t1\r\nbad film\t0\r\na bore\t0\r\n"},
           {"g.txt", "good film\t1\nbad film\t0\na bore\t0\n"},
       }) {
    const auto data = rows(name, content);
    EXPECT_EQ(texts(*data), expected) << name;
    EXPECT_EQ(labels(*data), (std::vector<int64_t>{1, 0, 0})) << name;
    EXPECT_EQ(data->classes(), (Names{"0", "1"})) << name;
  }
  write_gz("h.tsv.gz", "good film\t1\nbad film\t0\n");
  EXPECT_EQ(texts(*open("h.tsv.gz").train), (Names{"good film", "bad film"}));
}

TEST_F(TextDatasetTest, CellsInQuotesMayHoldLines) {
  const auto data = rows("a.csv", "text,label\n\"one\ntwo\",x\n\"\",y\nthree,x\n");
  EXPECT_EQ(texts(*data), (Names{"one\ntwo", "", "three"}));
  EXPECT_EQ(data->describe(2), path("a.csv") + ":5");
  write("b.csv", "text,label\na,x\n\"open,y\nb,x\n");
  EXPECT_THAT(error("b.csv"), AllOf(HasSubstr("a cell in quotes"), HasSubstr("b.csv:3")));
}

TEST_F(TextDatasetTest, NumbersStayNumbersInTheirOrder) {
  EXPECT_EQ(rows("a.tsv", "a\t10\nb\t9\nc\t-1\nd\t-10\ne\t9\n")->classes(),
            (Names{"-10", "-1", "9", "10"}));
  EXPECT_EQ(rows("b.jsonl",
                 "{\"text\":\"a\",\"label\":1}\n{\"text\":\"b\",\"label\":\"1\"}\n"
                 "{\"text\":\"c\",\"label\":0}\n")
                ->classes(),
            (Names{"0", "1"}));
  write("c.tsv", "a\tZebra\nb\tant\nc\tZebra\n");
  EXPECT_EQ(open("c.tsv").train->classes(), (Names{"ant", "Zebra"}));
  EXPECT_EQ(open("c.tsv", {.class_order = {"Zebra", "ant"}}).train->classes(),
            (Names{"Zebra", "ant"}));
  EXPECT_EQ(open("c.tsv", {.class_order = {"Zebra", "bee"}}).train->classes(),
            (Names{"ant", "Zebra"}));
}

TEST_F(TextDatasetTest, SplitsAreToldByNames) {
  for (const auto& [val, test] :
       std::vector<std::pair<std::string, std::string>>{{"dev.tsv", "test.tsv"},
                                                        {"valid.tsv", "testing.tsv"},
                                                        {"my_val.tsv", "x-test-00.tsv"}}) {
    write("train.tsv", "a\t1\nb\t0\n");
    write(val, "c\t0\n");
    write(test, "d\t1\ne\t1\n");
    write("README.md", "words");
    write("other.tsv", "f\t1\n");
    const auto splits = open();
    EXPECT_FALSE(splits.unsplit);
    EXPECT_EQ(splits.train->size(), 2);
    EXPECT_EQ(texts(*splits.val), Names{"c"});
    EXPECT_EQ(texts(*splits.test), (Names{"d", "e"}));
    ASSERT_EQ(splits.left_out.size(), 1u);
    EXPECT_EQ(splits.left_out[0].other_files, 2);
    fs::remove_all(root_);
  }
}

TEST_F(TextDatasetTest, SeveralFilesAreOneSplit) {
  write("train-00001-of-00002.jsonl", "{\"text\":\"b\",\"label\":1}\n");
  write("train-00000-of-00002.jsonl", "{\"text\":\"a\",\"label\":0}\n");
  const auto splits = open();
  EXPECT_EQ(texts(*splits.train), (Names{"a", "b"}));
  EXPECT_EQ(splits.train->describe(1), path("train-00001-of-00002.jsonl") + ":1");
  EXPECT_THAT(splits.remarks, ElementsAre(HasSubstr("as train")));
  EXPECT_EQ(splits.val, nullptr);
}

TEST_F(TextDatasetTest, FilesWithoutSplitNamesAreOneSet) {
  write("reviews.jsonl", "{\"text\":\"a\",\"label\":1}\n{\"text\":\"b\",\"label\":0}\n");
  write("dataset_info.json", "{\"text\": 5}");
  const auto splits = open();
  EXPECT_TRUE(splits.unsplit);
  EXPECT_EQ(splits.train->size(), 2);
}

TEST_F(TextDatasetTest, AClassIsAFolderOfTexts) {  // IMDb's layout
  write("train/pos/0_9.txt", "good<br />film\n");
  write("train/pos/10_8.txt", "fine");
  write("train/neg/0_1.txt",
        "\xef\xbb\xbf"
        "bad \xff");
  write("train/unsup/0_0.txt", "who knows");
  write("train/urls_pos.txt", "http://");
  write("test/neg/1_2.txt", "dull\r\n");
  write("README", "words");
  const auto splits = open();
  EXPECT_EQ(splits.train->classes(), (Names{"neg", "pos"}));
  EXPECT_EQ(texts(*splits.train), (Names{"bad \xef\xbf\xbd", "good<br />film", "fine"}));
  EXPECT_EQ(labels(*splits.train), (std::vector<int64_t>{0, 1, 1}));
  EXPECT_EQ(texts(*splits.test), Names{"dull"});
  EXPECT_EQ(splits.train->describe(0), path("train/neg/0_1.txt"));
  EXPECT_THAT(splits.remarks, ElementsAre(HasSubstr("'unsup' is no class: its 1 text")));
  ASSERT_EQ(splits.left_out.size(), 2u);
  EXPECT_EQ(splits.left_out[1].outside, 1) << "urls_pos.txt";
  EXPECT_TRUE(is_labelled_text(root_.string()));
}

TEST_F(TextDatasetTest, BadRowsAreErrorsOrLeftOut) {
  const std::string good = "{\"text\":\"a\",\"label\":1}\n{\"text\":\"b\",\"label\":0}\n";
  const std::vector<std::pair<std::string, std::string>> bad = {
      {"{\"text\":\"c\"}\n", "expected a label, got none"},
      {"{\"text\":\"c\",\"label\":null}\n", "expected a label, got none"},
      {"{\"text\":\"c\",\"label\":\n", "JSON syntax"},
      {"{\"text\":\"c\",\"text\":\"d\",\"label\":1}\n", "duplicate key 'text'"},
      {"{\"label\":1}\n", "got the keys label"},
      {"7\n", "got number"}};
  for (const auto& [row, message] : bad) {
    write("train.jsonl", good + row + good);
    EXPECT_THAT(error(), AllOf(HasSubstr(message), HasSubstr("train.jsonl:3"))) << row;
    const auto splits = open("", {.on_bad_sample = "skip"});
    EXPECT_EQ(splits.train->size(), 4) << row;
    EXPECT_EQ(splits.bad_samples, 1) << row;
    EXPECT_THAT(splits.bad_sample_messages, ElementsAre(HasSubstr(message))) << row;
    EXPECT_EQ(splits.train->describe(2), path("train.jsonl") + ":4");
  }
  write("train.tsv", "a\t1\nb\t0\nc\nd\te\t1\n");
  fs::remove(path("train.jsonl"));
  EXPECT_THAT(error(), AllOf(HasSubstr("expected 2 columns, got 1"), HasSubstr("train.tsv:3")));
  EXPECT_EQ(open("", {.on_bad_sample = "skip"}).bad_samples, 2);
  EXPECT_THROW(open("", {.on_bad_sample = "ignore"}), ConfigError);
}

TEST_F(TextDatasetTest, LabelsThatTrainLacksAreNamed) {
  write("train.tsv", "a\tx\nb\ty\nc\tx\n");
  write("test.tsv", "text\tlabel\nd\tx\ne\tz\n");
  EXPECT_THAT(error(), AllOf(HasSubstr("got 'z'"), HasSubstr("test.tsv:3"), HasSubstr("'x', 'y'")));
  const auto splits = open("", {.on_bad_sample = "skip"});
  EXPECT_EQ(texts(*splits.test), Names{"d"});
  EXPECT_EQ(splits.bad_samples, 1);
}

TEST_F(TextDatasetTest, ATestSetThatKeepsItsLabelsIsNone) {  // GLUE's
  write("train.tsv", "sentence\tlabel\na\t1\nb\t0\n");
  write("dev.tsv", "sentence\tlabel\nc\t1\n");
  write("test.tsv", "index\tsentence\n0\td\n1\te\n");
  auto splits = open();
  EXPECT_EQ(splits.test, nullptr);
  EXPECT_THAT(splits.remarks, ElementsAre(HasSubstr("has no labels: it is not used as test")));
  fs::remove(path("test.tsv"));
  write("test.jsonl", "{\"sentence\":\"d\",\"label\":-1}\n{\"sentence\":\"e\",\"label\":-1}\n");
  splits = open();
  EXPECT_EQ(splits.test, nullptr);
  write("train.tsv", "sentence\tlabel\na\t1\nb\t-1\n");
  splits = open();
  EXPECT_EQ(splits.test->size(), 2) << "-1 is a label of train";
}

TEST_F(TextDatasetTest, OddTextsAreCounted) {
  const std::string nul("a\0b", 3);
  write("train.tsv",
        nul + "\t1\nu\xe2\x80\xa8v\t0\nlone\rreturn\t1\n\n  \t \nbroken \xff\t0\n\t1\nend\t0");
  const auto splits = open();
  EXPECT_EQ(texts(*splits.train),
            (Names{nul, "u\xe2\x80\xa8v", "lone\rreturn", "broken \xef\xbf\xbd", "", "end"}));
  EXPECT_THAT(splits.remarks, ElementsAre("In train 2 blank lines are left out, 1 text is empty, "
                                          "what is no UTF-8 in 1 row is read as U+FFFD."));
  EXPECT_EQ(splits.bad_samples, 0);
}

TEST_F(TextDatasetTest, FilesOfOtherKindsAreExplained) {
  write("a.tsv", "a\t1\rb\t0\r");
  EXPECT_THAT(error("a.tsv"), HasSubstr("got \\r alone"));
  write("b.json", "[\n{\"text\":\"a\",\"label\":1}\n]\n");
  EXPECT_THAT(error("b.json"), AllOf(HasSubstr("got a list"), HasSubstr("jq -c")));
  write("c.tsv",
        "\xff\xfe"
        "a");
  EXPECT_THAT(error("c.tsv"), HasSubstr("UTF-16"));
  write("d.tsv", "");
  EXPECT_THAT(error("d.tsv"), HasSubstr("got none"));
  write("e.pdf", "a\t1\n");
  EXPECT_THAT(error("e.pdf"), HasSubstr("another kind"));
  write("f.tsv", "sentence\tindex\na\t1\nb\t2\n");
  EXPECT_THAT(error("f.tsv"), HasSubstr("expected a label in every row"));
  std::string many;
  for (int i = 0; i < 60; ++i)
    many += "t" + std::to_string(i % 7) + "\tl" + std::to_string(i) + "\n";
  write("g.tsv", "label\ttext\n" + many);
  EXPECT_EQ(open("g.tsv").train->classes().size(), 7u);
  write("g.tsv", "text\tlabel\n" + many);
  EXPECT_THAT(error("g.tsv"), HasSubstr("60 different labels in 60 rows"));
  EXPECT_THROW(open("nowhere.tsv"), IoError);
}

TEST_F(TextDatasetTest, ALineMayBeLong) {
  const std::string text(10'000'000, 'x');
  const auto data =
      rows("a.jsonl", "{\"text\":\"" + text + "\",\"label\":1}\n{\"text\":\"b\",\"label\":0}\n");
  EXPECT_EQ(data->get(0).text.size(), text.size());
  EXPECT_EQ(data->get(1).text, "b");
}

TEST_F(TextDatasetTest, ValIsSplitOffTrainByClassAndSeed) {
  std::string content;
  for (int i = 0; i < 100; ++i)
    content += "text " + std::to_string(i) + "\t" + (i % 4 == 0 ? "rare" : "often") + "\n";
  write("all.tsv", content + "alone\tsingle\n");
  const auto first = open_text_dataset(path("all.tsv"), {.val_fraction = 0.2});
  EXPECT_TRUE(first.unsplit);
  EXPECT_EQ(count_labels(*first.val), (std::vector<int64_t>{15, 5, 0}));
  EXPECT_EQ(count_labels(*first.train), (std::vector<int64_t>{60, 20, 1}));
  EXPECT_THAT(first.remarks, ElementsAre(HasSubstr("A class of one text is trained")));
  EXPECT_EQ(texts(*open_text_dataset(path("all.tsv"), {.val_fraction = 0.2}).val),
            texts(*first.val));
  EXPECT_NE(texts(*open_text_dataset(path("all.tsv"), {.val_fraction = 0.2, .split_seed = 1}).val),
            texts(*first.val));
  const auto part = sample_fraction(first.train, 0.1, 3);
  EXPECT_EQ(count_labels(*part), (std::vector<int64_t>{6, 2, 1}));
  write("one.tsv", "a\t1\n");
  EXPECT_THROW(open_text_dataset(path("one.tsv")), DataError);
  EXPECT_THROW(open_text_dataset(path("all.tsv"), {.val_fraction = 1}), ConfigError);
}

TEST_F(TextDatasetTest, TellsLabelledTextsFromOthers) {
  write("plain.jsonl", "{\"text\":\"a\"}\n");
  write("plain.txt", "a line\n");
  write("labelled.jsonl", "{\"text\":\"a\",\"label\":0}\n");
  EXPECT_FALSE(is_labelled_text(path("plain.jsonl")));
  EXPECT_FALSE(is_labelled_text(path("plain.txt")));
  EXPECT_TRUE(is_labelled_text(path("labelled.jsonl")));
  write("images/cat/1.png", "");
  write("images/cat/notes.txt", "");
  EXPECT_FALSE(is_labelled_text(path("images")));
  write("parallel/train.en", "a\n");
  write("parallel/train.de", "b\n");
  EXPECT_FALSE(is_labelled_text(path("parallel")));
}

}  // namespace
}  // namespace braid::data
