// Of two engines the one that was measured to be faster serves.
#include "braid/serve/engine_choice.h"

#include <gmock/gmock.h>

#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "braid/core/error.h"
#include "tests/serve/fake_model.h"

namespace braid::serve::test {
namespace {

using ::testing::HasSubstr;

std::unique_ptr<Model> model_on(const std::string& platform, const PacePtr& pace) {
  auto model = fake_loader(pace)("good");
  model->platform = platform;
  return model;
}

std::unique_ptr<Model> choose(std::vector<double> seconds) {
  const auto pace = std::make_shared<Pace>();
  return faster_of(model_on("first", pace), model_on("second", pace),
                   [&](const std::vector<const Model*>& models) {
                     EXPECT_EQ(models.at(0)->platform, "first");
                     EXPECT_EQ(models.at(1)->platform, "second");
                     return seconds;
                   });
}

TEST(EngineChoice, TakesTheFasterAndSaysWhatWasMeasured) {
  const auto second = choose({0.004, 0.002});
  EXPECT_EQ(second->platform, "second");
  EXPECT_EQ(second->remark, "measured: 2 ms a request, first 4 ms");
  const auto first = choose({0.001, 0.0025});
  EXPECT_EQ(first->platform, "first");
  EXPECT_EQ(first->remark, "measured: 1 ms a request, second 2.5 ms");
  EXPECT_EQ(choose({0.001, 0.001})->platform, "first");
}

TEST(EngineChoice, KeepsWhatWasRemarkedBefore) {
  const auto pace = std::make_shared<Pace>();
  auto slow = model_on("first", pace), fast = model_on("second", pace);
  fast->remark = "not captured";
  const auto chosen = faster_of(std::move(slow), std::move(fast), [](const auto&) {
    return std::vector<double>{2, 1};
  });
  EXPECT_THAT(chosen->remark, HasSubstr("measured"));
  EXPECT_THAT(chosen->remark, HasSubstr("; not captured"));
}

TEST(EngineChoice, TheFirstServesWhereTheyCannotBeTimed) {
  const auto pace = std::make_shared<Pace>();
  const auto chosen =
      faster_of(model_on("first", pace), model_on("second", pace),
                [](const auto&) -> std::vector<double> { throw DataError("fake", "no request"); });
  EXPECT_EQ(chosen->platform, "first");
  EXPECT_THAT(chosen->remark, HasSubstr("second was not timed"));
  EXPECT_THAT(chosen->remark, HasSubstr("no request"));
}

TEST(EngineChoice, TimesBothInTurnsForHalfASecond) {
  const auto quick = std::make_shared<Pace>(), slow = std::make_shared<Pace>();
  quick->delay_us = 1'000;
  slow->delay_us = 30'000;
  const auto a = model_on("quick", quick), b = model_on("slow", slow);
  const auto start = std::chrono::steady_clock::now();
  const auto seconds = time_requests({a.get(), b.get()});
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  EXPECT_GE(seconds.at(0), 0.001);
  EXPECT_GE(seconds.at(1), 0.030);
  EXPECT_LT(seconds[0], seconds[1]);
  EXPECT_EQ(quick->batches().size(), slow->batches().size());
  EXPECT_GE(slow->batches().size(), 3U);
  EXPECT_LT(took.count(), 5) << "it is bounded";
}

// A preparation that takes texts of few words alone.
class Terse final : public Preparation {
 public:
  std::vector<Tensor> prepare(const Tensor& input) const override {
    if (input.elements.at(0).size() > 7) throw DataError("fake", "expected at most four words");
    return {row_tensor(static_cast<float>(input.elements[0].size()), 0)};
  }
};

TEST(EngineChoice, RequestsAreWhatTheModelReads) {
  const auto pace = std::make_shared<Pace>();
  const auto model = model_on("first", pace);
  EXPECT_EQ(values_of<float>(made_up_request(*model).at(0)).at(0), 95) << "48 words";
  model->preparation = std::make_unique<Terse>();
  EXPECT_EQ(values_of<float>(made_up_request(*model).at(0)).at(0), 5) << "three words";
  model->prepared.name = "image";
  const auto row = made_up_request(*model);
  EXPECT_EQ(row.at(0).shape, (std::vector<int64_t>{1, 2})) << "what the engine takes";
}

}  // namespace
}  // namespace braid::serve::test
