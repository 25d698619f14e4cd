// What becomes of models while the server ends.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <functional>
#include <future>
#include <string>
#include <thread>

#include "braid/core/error.h"
#include "tests/serve/client.h"

namespace braid::serve::test {
namespace {

// A load that is asked for while the server runs, and ends after it was told to stop.
TEST(Repository, KeepsNoModelOfALoadThatEndsLate) {
  const auto pace = std::make_shared<Pace>();
  std::promise<void> begun, go_on;
  std::atomic<int> loads{0};
  const auto load = [&](const std::string& source) {
    if (++loads == 2) {
      begun.set_value();
      go_on.get_future().wait();
    }
    return fake_loader(pace)(source);
  };
  Metrics metrics;
  WorkerPool loader(1);
  Repository repository(load, {{.name = "m", .source = "good"}}, "", {}, metrics, loader);
  repository.load("m");
  auto held = repository.find("m");  // by a request
  std::atomic<bool> refused{false}, cleared{false};
  loader.post([&] {
    try {
      repository.load("m");
    } catch (const TryAgainError&) {
      refused = true;
    }
  });
  begun.get_future().wait();
  const std::jthread ending([&] {
    repository.clear();
    cleared = true;
  });
  ASSERT_TRUE(eventually([&] { return repository.index().empty(); }));
  go_on.set_value();
  EXPECT_TRUE(eventually([&] { return loader.waiting() == 0 && refused; }));
  EXPECT_THAT(repository.ready(), ::testing::IsEmpty());
  EXPECT_FALSE(cleared);
  held.reset();
  EXPECT_TRUE(eventually([&] { return cleared.load(); }));
  EXPECT_THROW(repository.load("m"), TryAgainError);
  repository.unload("m");  // so that a wrong clear() ends too
}

// GET /v2/models/stats would be answered with the statistics of all models, never its metadata.
TEST(Repository, RefusesTheNameOfTheStatistics) {
  const auto pace = std::make_shared<Pace>();
  Metrics metrics;
  WorkerPool loader(1);
  const auto message_of = [](const std::function<void()>& run) -> std::string {
    try {
      run();
    } catch (const UsageError& error) {
      return error.what();
    }
    return "nothing was thrown";
  };
  const auto named = message_of([&] {
    const Repository repository(fake_loader(pace), {{.name = "stats", .source = "good"}}, "", {},
                                metrics, loader);
  });
  EXPECT_THAT(named, ::testing::HasSubstr("/v2/models/stats"));
  EXPECT_THAT(named, ::testing::HasSubstr("--model NAME=CHECKPOINT"));
  const auto folder = std::filesystem::path(::testing::TempDir()) / "braid_repository_of_stats";
  std::filesystem::create_directories(folder / "stats");
  std::filesystem::create_directories(folder / "stats2");
  Repository repository(fake_loader(pace), {}, folder, {}, metrics, loader);
  const auto found = message_of([&] { repository.load("stats"); });
  EXPECT_THAT(found, ::testing::HasSubstr("/v2/models/stats"));
  EXPECT_THAT(found, ::testing::HasSubstr("rename it"));
  EXPECT_EQ(repository.find("stats"), nullptr);
  repository.load("stats2");
  EXPECT_THAT(repository.ready(), ::testing::ElementsAre("stats2"));
  repository.clear();
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace braid::serve::test
