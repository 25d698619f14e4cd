// Questions on texts: scores, windows, labels and answers against the references, and a run.
#include "braid/tasks/text/question_answering.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <limits>

#include "braid/core/error.h"
#include "braid/tasks/metrics/squad.h"
#include "braid/tasks/open_task_data.h"
#include "braid/tasks/text/answer_finder.h"
#include "tests/tasks/task_test.h"

namespace braid::tasks {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

const Json& references() {
  static const Json json =
      read_json(fs::path(BRAID_TEST_SOURCE_DIR) / "tasks" / "fixtures" / "questions.json");
  return json;
}

TEST(Squad, ScoresAreThoseOfTheOfficialScripts) {
  for (const auto& one : references().at("scores")) {
    const auto wanted = one.at("references").get<std::vector<std::string>>();
    const auto answer = one.at("answer").get<std::string>();
    for (const bool version_2 : {false, true}) {
      const auto got = score_answer(answer, wanted, version_2);
      const auto& expected = one.at(version_2 ? "v2" : "v1");
      EXPECT_EQ(got.exact, expected[0].get<int>() == 1) << one.dump();
      EXPECT_DOUBLE_EQ(got.f1, expected[1].get<double>()) << one.dump();
    }
  }
}

TEST(Squad, ScoresAreMeansInPercent) {
  AnswerScores scores(true);
  scores.update("the cat", {"cat", "dog"});
  scores.update("old cat", {"cat"});
  scores.update("", {});
  scores.update("x", {});
  EXPECT_EQ(scores.count(), 4);
  const auto all = scores.scores();
  EXPECT_EQ(all.front().name, "f1");
  EXPECT_DOUBLE_EQ(all.front().value, 100 * (1 + 2.0 / 3 + 1 + 0) / 4);
  EXPECT_DOUBLE_EQ(find_score(all, "exact_match").value, 50);
  EXPECT_DOUBLE_EQ(find_score(all, "has_ans_exact").value, 50);
  EXPECT_DOUBLE_EQ(find_score(all, "no_ans_exact").value, 50);
}

data::QuestionsPtr questions_of(const std::string& context, const std::string& question,
                                const std::vector<io::Answer>& answers) {
  return std::make_shared<const data::Questions>(
      std::vector<std::string>{context},
      std::vector<data::Question>{
          {.id = "1", .text = question, .answers = answers, .place = "rows.jsonl:1"}});
}

class Windows : public TaskTest {
 protected:
  void SetUp() override {
    TaskTest::SetUp();
    std::ofstream vocab(root_ / "vocab.txt");
    for (const auto& token : references().at("windows").at("vocab"))
      vocab << token.get<std::string>() << "\n";
    vocab.close();
    tokenizer_ = text::load_tokenizer(root_ / "vocab.txt");
  }
  text::TokenizerPtr tokenizer_;
};

TEST_F(Windows, RowsAndLabelsAreThoseOfRunQa) {
  const auto& fixture = references().at("windows");
  const auto context = fixture.at("context").get<std::string>();
  int64_t labels = 0;
  for (const auto& one : fixture.at("cases")) {
    std::vector<io::Answer> answers;
    if (one.at("start").get<int64_t>() >= 0)
      answers.push_back({one.at("answer").get<std::string>(), one.at("start").get<size_t>()});
    data::BadSamples bad("error");
    const data::QuestionWindows windows(
        questions_of(context, one.at("question").get<std::string>(), answers), tokenizer_,
        {.max_length = one.at("max_length").get<int64_t>(),
         .doc_stride = one.at("doc_stride").get<int64_t>()},
        bad);
    const auto& rows = one.at("rows");
    ASSERT_EQ(windows.size(), static_cast<int64_t>(rows.size())) << one.dump();
    for (int64_t i = 0; i < windows.size(); ++i) {
      const auto& expected = rows[static_cast<size_t>(i)];
      const auto row = windows.row(i);
      EXPECT_EQ(row.ids, expected.at("ids").get<std::vector<int32_t>>());
      EXPECT_EQ(row.type_ids, expected.at("types").get<std::vector<int32_t>>());
      const auto spans = windows.spans(i);
      ASSERT_EQ(spans.size(), row.ids.size());
      const auto begin = expected.at("begin").get<size_t>();
      for (size_t t = 0; t < spans.size(); ++t) {
        const bool inside = t >= begin && t < begin + expected.at("spans").size();
        ASSERT_EQ(spans[t].has_value(), inside);
        if (!inside) continue;
        EXPECT_EQ(spans[t]->begin, expected.at("spans")[t - begin][0].get<size_t>());
        EXPECT_EQ(spans[t]->end, expected.at("spans")[t - begin][1].get<size_t>());
      }
      const auto [first, last] = windows.positions(i);
      if (expected.at("label").is_null()) {
        EXPECT_EQ(first, static_cast<int64_t>(begin + expected.at("spans").size()) - 1);
        continue;
      }
      EXPECT_EQ(first, expected.at("label")[0].get<int64_t>()) << one.at("answer");
      EXPECT_EQ(last, expected.at("label")[1].get<int64_t>()) << one.at("answer");
      labels += last > 0 ? 1 : 0;
    }
  }
  EXPECT_GT(labels, 15);
}

TEST_F(Windows, AQuestionWithoutRoomForItsContextIsNamed) {
  const auto questions = questions_of("the cat sat", "who is the old man and his dog", {});
  data::BadSamples error("error"), skip("skip");
  try {
    const data::QuestionWindows windows(questions, tokenizer_, {.max_length = 11, .doc_stride = 4},
                                        error);
    FAIL() << "expected a DataError";
  } catch (const DataError& e) {
    EXPECT_THAT(e.what(), HasSubstr("rows.jsonl:1"));
    EXPECT_THAT(e.what(), HasSubstr("one of 8 tokens"));
  }
  EXPECT_EQ(data::QuestionWindows(questions, tokenizer_, {.max_length = 11}, skip).size(), 0);
  EXPECT_EQ(skip.count(), 1);
  // Room for one token: windows go on by it, whatever the stride.
  EXPECT_EQ(data::QuestionWindows(questions, tokenizer_, {.max_length = 12}, error).size(), 3);
}

TEST(AnswerCandidates, AnswersAreThoseOfTransformers) {
  const auto& fixture = references().at("spans");
  const auto context = fixture.at("context").get<std::string>();
  for (const auto& one : fixture.at("cases")) {
    QuestionOptions options;
    options.n_best_size = one.at("options").at("n_best").get<int64_t>();
    options.max_answer_length = one.at("options").at("longest").get<int64_t>();
    options.null_score_diff_threshold = one.at("options").at("threshold").get<double>();
    AnswerCandidates candidates(options);
    for (const auto& window : one.at("windows")) {
      const auto starts = torch::tensor(window.at("starts").get<std::vector<float>>()),
                 ends = torch::tensor(window.at("ends").get<std::vector<float>>());
      std::vector<std::optional<text::Span>> spans;
      for (const auto& span : window.at("spans"))
        spans.push_back(span.is_null() ? std::optional<text::Span>()
                                       : text::Span{span[0].get<size_t>(), span[1].get<size_t>()});
      candidates.add(torch::stack({starts, ends}, 1), spans);
    }
    EXPECT_EQ(candidates.answer(context, false), one.at("answer").get<std::string>());
    EXPECT_EQ(candidates.answer(context, true), one.at("answer_2").get<std::string>());
    double sum = 0;
    for (const auto& span : candidates.best(true)) sum += span.probability;
    EXPECT_NEAR(sum, 1, 1e-9);
  }
}

class QuestionTask : public TaskTest {
 protected:
  void SetUp() override {
    TaskTest::SetUp();
    std::ofstream train(root_ / "train.jsonl"), val(root_ / "valid.jsonl");
    const char* const names[] = {"Ada", "Alan", "Grace", "Edsger", "Barbara"};
    const char* const towns[] = {"London", "Berlin", "Paris", "Rome"};
    for (int i = 0; i < 60; ++i) {
      const std::string name = names[i % 5], town = towns[i / 5 % 4];
      const std::string context = name + " lives in " + town + " since long ago .";
      auto& file = i % 4 == 3 ? val : train;
      const auto row = [&](const char* question, const std::string& answer, size_t start) {
        file << Json({{"id", std::to_string(i) + question},
                      {"context", context},
                      {"question", question},
                      {"answers", {{"text", {answer}}, {"answer_start", {start}}}}})
                    .dump()
             << "\n";
      };
      row("who lives ?", name, 0);
      row("which town ?", town, name.size() + 10);
    }
    config_.text.vocab_size = 300;
    config_.text.max_length = 32;
  }
};

TEST_F(QuestionTask, TheDataSaysWhatIsLearned) {
  EXPECT_EQ(resolve_task(config_), kQuestionAnswering);
  const auto task = make();
  EXPECT_EQ(task->items(), "windows");
  EXPECT_EQ(task->data().train, 90);
  EXPECT_EQ(task->data().val, 30);
}

TEST_F(QuestionTask, TheLossIsTheMeanOfBeginAndEndWithoutPadding) {
  const auto task = make({.seed = 2});
  task->model().eval();
  const auto loader = task->training_loader({.batch_size = 4, .workers = 0});
  loader->start_epoch(0);
  auto batch = loader->next();
  ASSERT_TRUE(batch);
  const auto step = task->training_step(*batch);
  EXPECT_EQ(step.weight, 4);
  double expected = 0;  // each row by itself, without its padding
  const auto tokens = batch->at(data::kAttentionMask).sum(1);
  for (int64_t i = 0; i < 4; ++i) {
    data::Batch one;
    one.indices = {0};
    for (const char* name : {data::kInputIds, data::kAttentionMask, data::kTokenTypeIds})
      one.tensors[name] = batch->at(name).narrow(0, i, 1).narrow(1, 0, tokens[i].item<int64_t>());
    const auto logits = task->forward(one)[0].log_softmax(0);  // [N,2]
    const auto start = batch->at(data::kStartPositions)[i].item<int64_t>(),
               end = batch->at(data::kEndPositions)[i].item<int64_t>();
    expected -= (logits[start][0].item<double>() + logits[end][1].item<double>()) / 2 / 4;
  }
  EXPECT_NEAR(step.loss.item<double>(), expected, 1e-5);
}

TEST_F(QuestionTask, LearnsEvaluatesSavesAndAnswers) {
  const auto task = make({.seed = 1});
  fit(*task, 25, 15, 5e-4);
  const auto scores = task->evaluate(Split::kVal, {.batch_size = 7, .workers = 0}, silent_);
  EXPECT_EQ(scores.front().name, "f1");
  EXPECT_GT(scores.front().value, 90);
  fs::create_directories(root_ / "saved");
  task->save(root_ / "saved");
  const auto saved = load_tokenized_model(root_ / "saved");
  expect_question_answerer(saved, root_ / "saved");
  const std::string context = "Ada lives in Rome since long ago .";
  const auto found = find_answers(saved, "which town ?", context, 3, "float32");
  ASSERT_EQ(found.size(), 3u);
  EXPECT_EQ(found[0].text, "Rome");
  EXPECT_EQ(found[0].begin, 13);
  EXPECT_EQ(found[0].end, 17);
  EXPECT_GT(found[0].score, found[1].score);
  EXPECT_GT(found[0].probability, found[1].probability);
  // A long text has several windows.
  std::string far = "since long ago . ";
  for (int i = 0; i < 5; ++i) far += far.substr(0, 17);
  const auto late = find_answers(saved, "which town ?", far + context, 1, "float32");
  EXPECT_EQ(late.size(), 1u);
  EXPECT_THROW(find_answers(saved, far + far + far, context, 1, "float32"), DataError);
}

TEST_F(QuestionTask, OutputsThatAreNotFiniteHaveNoScore) {
  const auto task = make();
  {
    const torch::NoGradGuard no_grad;
    for (auto& weight : task->model().parameters()) weight.fill_(NAN);
  }
  const auto scores = task->evaluate(Split::kVal, {.batch_size = 7, .workers = 0}, silent_);
  EXPECT_EQ(scores.front().name, "f1");
  for (const auto& score : scores) EXPECT_TRUE(std::isnan(score.value)) << score.name;
}

}  // namespace
}  // namespace braid::tasks
