// What is answered at which address.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include <cmath>
#include <filesystem>
#include <fstream>

#include "tests/serve/client.h"

namespace braid::serve::test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

class ServiceTest : public ServerTest {};

TEST_F(ServiceTest, DescribesItself) {
  start();
  auto c = client();
  EXPECT_EQ(c.get("/v2/health/live").status, 200);
  EXPECT_EQ(c.get("/v2/health/ready").status, 200);
  EXPECT_EQ(c.get("/v2").json().at("name"), "braid");
  const auto model = c.get("/v2/models/m").json();
  EXPECT_EQ(model.at("inputs").at(0).at("name"), "text");
  EXPECT_EQ(model.at("inputs").at(1).at("shape"), Json::array({-1, 2}));
  EXPECT_EQ(model.at("outputs").at(1).at("name"), "probabilities");
  EXPECT_EQ(c.get("/v2/models/m/versions/1").json(), model);
  EXPECT_EQ(c.get("/v2/models/m/ready").status, 200);
  EXPECT_EQ(c.get("/v2/models/m/versions/2").status, 404);
  const auto config = c.get("/v2/models/m/config").json();
  EXPECT_EQ(config.at("max_batch_size"), 32);
  EXPECT_EQ(config.at("input").at(0).at("data_type"), "TYPE_STRING");
  EXPECT_THAT(c.get("/v2/models/n").json().at("error").get<std::string>(), HasSubstr("'n'"));
  EXPECT_EQ(c.get("/v2/models/n/ready").status, 404);
  EXPECT_EQ(c.get("/nowhere").status, 404);
  EXPECT_EQ(c.get("/v2/models/%zz").status, 400);
  const auto page = c.get("/");
  EXPECT_EQ(page.headers.at("content-type"), "text/html; charset=utf-8");
  EXPECT_THAT(page.body, HasSubstr("<title>braid serve</title>"));
  c.send("HEAD / HTTP/1.1\r\nHost: localhost\r\n\r\n");
  EXPECT_EQ(c.read(true).headers.at("content-length"), std::to_string(page.body.size()));
}

TEST_F(ServiceTest, NamesTheMethodThatItExpects) {
  start();
  auto c = client();
  const auto get = c.get(kInfer);
  EXPECT_EQ(get.status, 405);
  EXPECT_EQ(get.headers.at("allow"), "POST");
  EXPECT_EQ(c.post("/", "").status, 405);
  EXPECT_EQ(c.post("/metrics", "").status, 405);
  EXPECT_EQ(c.post("/v2/models/m", "").status, 405);
  EXPECT_EQ(c.get("/v2/repository/index").status, 405);
  EXPECT_EQ(c.get("/v2/repository/models/m/load").status, 405);
}

TEST_F(ServiceTest, InfersFromNumbersTextAndRawBytes) {
  start();
  auto c = client();
  const auto numbers = c.post(kInfer, row_json(2, 5));
  ASSERT_EQ(numbers.status, 200) << numbers.body;
  EXPECT_THAT(numbers.numbers(), ElementsAre(2, 5, 7));
  const auto probabilities = numbers.numbers(1);
  EXPECT_NEAR(probabilities[2], std::exp(7.0) / (std::exp(2.0) + std::exp(5.0) + std::exp(7.0)),
              1e-6);
  EXPECT_EQ(numbers.json().at("model_name"), "m");
  EXPECT_THAT(numbers.headers.at("server-timing"), HasSubstr("infer;dur="));
  const auto text = c.post("/v2/models/m/versions/1/infer",
                           R"({"inputs":[{"name":"text","datatype":"BYTES","shape":[2],)"
                           R"("data":["abc","A"]}],"outputs":[{"name":"logits"}]})");
  EXPECT_THAT(text.numbers(), ElementsAre(3, 97, 100, 1, 65, 66));
  EXPECT_FALSE(text.json().contains("parameters"));
  const auto cut = c.post(kInfer, R"({"inputs":[{"name":"text","datatype":"BYTES","shape":[3],)"
                                  R"("data":["endless","a","endless"]}]})");
  EXPECT_EQ(cut.json().at("parameters"), Json({{"truncated_rows", "0,2"}}));
  const auto raw = c.post(kInfer, "abc", "Inference-Header-Content-Length: 0\r\n");
  EXPECT_THAT(raw.numbers(), ElementsAre(3, 97, 100));
  EXPECT_EQ(c.post("/v2/models/m/versions/3/infer", row_json(2)).status, 404);
  EXPECT_EQ(c.post("/v2/models/n/infer", row_json(2)).status, 404);
}

TEST_F(ServiceTest, LabelsOfWhichSeveralMayBeRightHaveAProbabilityEach) {
  start({.models = {{.name = "m", .source = "several"}}});
  const auto probabilities = client().post(kInfer, row_json(2, -5)).numbers(1);
  ASSERT_EQ(probabilities.size(), 3u);
  EXPECT_NEAR(probabilities[0], 1 / (1 + std::exp(-2.0)), 1e-6);
  EXPECT_NEAR(probabilities[1], 1 / (1 + std::exp(5.0)), 1e-6);
  EXPECT_NEAR(probabilities[2], 1 / (1 + std::exp(3.0)), 1e-6);
}

TEST_F(ServiceTest, SaysWhyAModelDecides) {
  start({.models = {{.name = "m", .source = "good"}, {.name = "mute", .source = "mute"}}});
  auto c = client();
  const auto text = [](const std::string& words, int64_t rows = 1) {
    return fmt::format(
        R"({{"inputs":[{{"name":"text","datatype":"BYTES","shape":[{}],"data":[{}]}}]}})", rows,
        words);
  };
  for (const char* address : {"/v2/models/m/explain", "/v2/models/m/versions/1/explain"}) {
    const auto answer = c.post(address, text(R"("ab")"));
    ASSERT_EQ(answer.status, 200) << answer.body;
    const auto json = answer.json();
    EXPECT_EQ(json.at("method"), "fake");
    EXPECT_EQ(json.at("class"), Json({{"index", 1}, {"name", "bee"}, {"probability", 0.75}}));
    ASSERT_EQ(json.at("tokens").size(), 2U);
    EXPECT_EQ(json.at("tokens").at(1), Json({{"token", "b"}, {"attribution", -1.0}}));
  }
  EXPECT_EQ(c.post("/v2/models/m/explain", "ab", "Inference-Header-Content-Length: 0\r\n").status,
            200);
  const auto bad = c.post("/v2/models/m/explain", text(R"("bad")"));
  EXPECT_EQ(bad.status, 400);
  EXPECT_THAT(bad.json().at("error").get<std::string>(), HasSubstr("expected a good text"));
  EXPECT_EQ(c.post("/v2/models/m/explain", text(R"("a","b")", 2)).status, 400);
  EXPECT_EQ(c.post("/v2/models/m/explain", row_json(2)).status, 400);
  EXPECT_EQ(c.post("/v2/models/m/explain", "{").status, 400);
  EXPECT_EQ(c.post("/v2/models/mute/explain", text(R"("ab")")).status, 501);
  EXPECT_EQ(c.post("/v2/models/n/explain", text(R"("ab")")).status, 404);
  EXPECT_EQ(c.get("/v2/models/m/explain").status, 405);
  const auto explains = [&](const char* model) {
    return c.get(std::string("/v2/models/") + model + "/config")
        .json()
        .at("parameters")
        .at("explains")
        .at("string_value");
  };
  EXPECT_EQ(explains("m"), "true");
  EXPECT_EQ(explains("mute"), "false");
  EXPECT_EQ(
      c.get("/v2/models/m/config").json().at("parameters").at("text_pairs").at("string_value"),
      "false");
}

TEST_F(ServiceTest, RefusesRequestsThatDoNotFit) {
  start({.config = {.max_batch_size = 2}});
  auto c = client();
  const auto with = [&](const std::string& fields) {
    const auto answer = c.post(kInfer, R"({"inputs":[{)" + fields + "}]}");
    EXPECT_EQ(answer.status, 400) << fields;
    return answer.json().at("error").get<std::string>();
  };
  EXPECT_THAT(with(R"("name":"y","datatype":"FP32","shape":[1],"data":[1])"), HasSubstr("'y'"));
  EXPECT_THAT(with(R"("name":"x","datatype":"FP64","shape":[1,2],"data":[1,2])"),
              HasSubstr("expected FP32"));
  EXPECT_THAT(with(R"("name":"x","datatype":"FP32","shape":[1,3],"data":[1,2,3])"),
              HasSubstr("[-1,2]"));
  EXPECT_THAT(with(R"("name":"x","datatype":"FP32","shape":[2],"data":[1,2])"),
              HasSubstr("[-1,2]"));
  EXPECT_THAT(with(R"("name":"x","datatype":"FP32","shape":[0,2],"data":[])"), HasSubstr("got 0"));
  EXPECT_THAT(with(R"("name":"x","datatype":"FP32","shape":[3,2],"data":[1,2,3,4,5,6])"),
              HasSubstr("batch of 1 to 2"));
  EXPECT_THAT(with(R"("name":"text","datatype":"BYTES","shape":[1],"data":["bad"])"),
              HasSubstr("good text"));
  EXPECT_EQ(c.post(kInfer, "{").status, 400);
  EXPECT_EQ(c.post(kInfer, "").status, 400);
  EXPECT_EQ(c.post(kInfer, row_json(1), "Inference-Header-Content-Length: x\r\n").status, 400);
  EXPECT_EQ(c.post(kInfer, row_json(1), "Inference-Header-Content-Length: 9999\r\n").status, 400);
  EXPECT_EQ(c.post(kInfer, row_json(1), "Content-Encoding: br\r\n").status, 415);
  const std::string nan = R"({"inputs":[{"name":"x","datatype":"FP32","shape":[1,2],"parameters":)"
                          R"({"binary_data_size":8}}]})";
  const auto not_finite =
      c.post(kInfer, nan + std::string("\0\0\xc0\x7f\0\0\0\0", 8),
             "Inference-Header-Content-Length: " + std::to_string(nan.size()) + "\r\n");
  EXPECT_EQ(not_finite.status, 400);
  EXPECT_THAT(not_finite.body, HasSubstr("NaN"));
  EXPECT_EQ(c.post(kInfer, row_json(777)).status, 422);
  EXPECT_EQ(c.post(kInfer, row_json(666)).status, 500);
  EXPECT_EQ(c.post(kInfer, row_json(990)).status, 503);
  const auto too_large = c.post(kInfer, row_json(999));
  EXPECT_EQ(too_large.status, 413);
  EXPECT_THAT(too_large.body, HasSubstr("send fewer rows"));
  EXPECT_EQ(c.post(kInfer, row_json(1)).status, 200);  // and goes on
}

TEST_F(ServiceTest, AsksForItsKey) {
  start({.api_key = "secret"});
  auto c = client();
  EXPECT_EQ(c.get("/v2/health/ready").status, 200);
  EXPECT_EQ(c.get("/").status, 200);
  for (const char* given : {"", "Authorization: Bearer secre\r\n", "Authorization: secret\r\n",
                            "Authorization: Bearer secret2\r\n", "Authorization: Bearer \r\n"}) {
    EXPECT_EQ(c.get("/v2/models/m", given).status, 401) << given;
    EXPECT_EQ(c.get("/metrics", given).status, 401);
    EXPECT_EQ(client().post(kInfer, row_json(1), given).status, 401);
  }
  const std::string right = "Authorization: Bearer secret\r\n";
  EXPECT_EQ(c.get("/v2/models/m", right).status, 200);
  EXPECT_EQ(c.get("/v2/models/m", "Authorization: bearer secret\r\n").status, 200);
  EXPECT_EQ(c.get("/v2/models/m", "Authorization: Bearer SECRET\r\n").status, 401);
  EXPECT_EQ(c.post(kInfer, row_json(1), right).status, 200);
}

TEST_F(ServiceTest, LimitsTheRateOfAClient) {
  start({.config = {.rate_limit = 2}});
  auto c = client();
  EXPECT_EQ(c.post(kInfer, row_json(1)).status, 200);
  EXPECT_EQ(c.post(kInfer, row_json(1)).status, 200);
  const auto third = c.post(kInfer, row_json(1));
  EXPECT_EQ(third.status, 429);
  EXPECT_EQ(third.headers.at("retry-after"), "1");
  EXPECT_EQ(client().get("/v2/health/ready").status, 200);
}

TEST_F(ServiceTest, IsNoToolOfOtherPages) {
  start();
  EXPECT_EQ(
      client().post("/v2/repository/models/m/unload", "", "Origin: http://evil.example\r\n").status,
      403);
  EXPECT_EQ(client().post(kInfer, row_json(1), "Origin: null\r\n").status, 403);
  EXPECT_EQ(client().post(kInfer, row_json(1), "Origin: http://localhost\r\n").status, 200);
}

// A name of somebody else's can be made to mean this machine.
TEST_F(ServiceTest, AnswersForItsOwnNamesAlone) {
  const auto status_of = [&](const std::string& host) {
    auto c = client();
    c.send("GET /v2/models/m HTTP/1.1\r\n" + (host.empty() ? "" : "Host: " + host + "\r\n") +
           "\r\n");
    return c.read().status;
  };
  start();
  for (const char* own : {"localhost", "LOCALHOST:8000", "127.0.0.1:80", "[::1]:8000", ""})
    EXPECT_EQ(status_of(own), 200) << own;
  for (const char* other : {"evil.example", "evil.example:8000", "127.0.0.1.evil.example",
                            "localhost.evil.example", "192.168.0.1"})
    EXPECT_EQ(status_of(other), 403) << other;
  auto rebound = client();
  rebound.send(
      "POST /v2/repository/models/m/unload HTTP/1.1\r\nHost: evil.example:8000\r\n"
      "Origin: http://evil.example:8000\r\nContent-Length: 0\r\n\r\n");
  const auto refused = rebound.read();
  EXPECT_EQ(refused.status, 403);
  EXPECT_THAT(refused.body, HasSubstr("--allowed-hosts"));
  EXPECT_EQ(status_of("localhost"), 200);
  stop();

  start({.config = {.allowed_hosts = {"models.example"}}});
  EXPECT_EQ(status_of("Models.Example:443"), 200);
  EXPECT_EQ(status_of("localhost"), 200);
  EXPECT_EQ(status_of("evil.example"), 403);
  stop();
  start({.config = {.allowed_hosts = {"*"}}});
  EXPECT_EQ(status_of("evil.example"), 200);
  stop();
  start({.config = {.host = "0.0.0.0"}});
  EXPECT_EQ(status_of("models.example"), 200);
  stop();
  start({.config = {.host = "0.0.0.0", .allowed_hosts = {"models.example"}}});
  EXPECT_EQ(status_of("models.example"), 200);
  EXPECT_EQ(status_of("evil.example"), 403);
}

TEST_F(ServiceTest, CountsWhatItDoes) {
  start();
  auto c = client();
  for (int i = 0; i < 5; ++i) c.post(kInfer, row_json(1));
  c.post(kInfer, "{");
  ASSERT_TRUE(
      eventually([&] { return metric("braid_request_duration_seconds_count{model=\"m\"}") == 5; }));
  EXPECT_EQ(outcome("success"), 5);
  EXPECT_EQ(outcome("invalid"), 1);
  EXPECT_EQ(metric("braid_batch_size_sum{model=\"m\"}"), 5);
  EXPECT_EQ(metric("braid_model_ready{model=\"m\"}"), 1);
  EXPECT_EQ(metric("braid_model_info{model=\"m\",platform=\"fake\"}"), 1);
  EXPECT_EQ(metric("braid_request_duration_seconds_bucket{model=\"m\",le=\"+Inf\"}"), 5);
  const auto statistics = c.get("/v2/models/m/stats").json().at("model_stats").at(0);
  EXPECT_EQ(statistics.at("inference_count"), 5);
  EXPECT_EQ(statistics.at("inference_stats").at("success").at("count"), 5);
  EXPECT_EQ(c.get("/v2/models/stats").json().at("model_stats").size(), 1U);
}

// A folder of models that are whatever their file says.
class RepositoryTest : public ServerTest {
 protected:
  void SetUp() override {
    folder_ =
        std::filesystem::temp_directory_path() / ("braid_serve_" + std::to_string(::getpid()));
    std::filesystem::remove_all(folder_);
    for (const char* name : {"a", "b", ".hidden", "broken"})
      std::filesystem::create_directories(folder_ / name);
  }
  void TearDown() override {
    ServerTest::TearDown();
    std::filesystem::remove_all(folder_);
  }
  std::filesystem::path folder_;
};

TEST_F(RepositoryTest, LoadsUnloadsAndLoadsAgain) {
  start({.config = {.exit_on_error = false}, .repository = folder_});
  auto c = client();
  const auto index = c.post("/v2/repository/index", "").json();
  ASSERT_EQ(index.size(), 3U);
  EXPECT_EQ(index.at(0).at("state"), "READY");
  EXPECT_EQ(index.at(2).at("name"), "broken");
  EXPECT_EQ(index.at(2).at("state"), "UNAVAILABLE");
  EXPECT_THAT(index.at(2).at("reason").get<std::string>(), HasSubstr("expected weights"));
  EXPECT_EQ(c.post("/v2/repository/index", R"({"ready":true})").json().size(), 2U);
  EXPECT_EQ(c.post("/v2/repository/index", "{").status, 400);
  EXPECT_EQ(c.post("/v2/repository/models/a/unload", "").status, 200);
  EXPECT_EQ(c.post("/v2/models/a/infer", row_json(1)).status, 404);
  EXPECT_EQ(c.get("/v2/models/a/ready").status, 404);
  EXPECT_EQ(c.post("/v2/repository/models/a/load", "{}").status, 200);
  EXPECT_EQ(c.post("/v2/models/a/infer", row_json(1)).status, 200);
  EXPECT_EQ(c.post("/v2/repository/models/broken/load", "").status, 400);
  EXPECT_EQ(c.post("/v2/repository/models/c/load", "").status, 404);
  EXPECT_EQ(c.post("/v2/repository/models/..%2f..%2fetc/load", "").status, 404);
  EXPECT_EQ(c.post("/v2/repository/models/.hidden/load", "").status, 404);
  EXPECT_EQ(c.post("/v2/repository/models/a/load", R"({"parameters":{"config":"{}"}})").status,
            400);
}

TEST_F(RepositoryTest, HasExportedFiles) {
  for (const char* name : {"d.int8.onnx", "broken.onnx", ".e.onnx", "f.txt"})
    std::ofstream(folder_ / name) << "x";
  start({.config = {.exit_on_error = false}, .repository = folder_});
  auto c = client();
  const auto index = c.post("/v2/repository/index", "").json();
  ASSERT_EQ(index.size(), 4U);
  EXPECT_EQ(index.at(3).at("name"), "d.int8");
  EXPECT_EQ(index.at(3).at("state"), "READY");
  EXPECT_THAT(index.at(2).at("reason").get<std::string>(),
              Not(HasSubstr(".onnx")));  // the folder of that name
  std::filesystem::remove(folder_ / "d.int8.onnx");
  EXPECT_EQ(c.post("/v2/repository/models/d.int8/load", "").status, 404);
  EXPECT_EQ(c.post("/v2/models/d.int8/infer", row_json(1)).status, 200);
  EXPECT_EQ(c.post("/v2/repository/models/f.txt/load", "").status, 404);
}

TEST_F(RepositoryTest, UnloadsWhatItsFolderNoLongerHolds) {
  start({.config = {.exit_on_error = false}, .repository = folder_});
  std::filesystem::remove_all(folder_ / "a");
  auto c = client();
  EXPECT_EQ(c.post("/v2/models/a/infer", row_json(1)).status, 200);
  EXPECT_EQ(c.post("/v2/repository/models/a/unload", "").status, 200);
  EXPECT_EQ(c.post("/v2/models/a/infer", row_json(1)).status, 404);
  EXPECT_EQ(c.post("/v2/repository/index", "").json().size(), 2U);
  EXPECT_EQ(c.post("/v2/repository/models/a/unload", "").status, 404);
  EXPECT_EQ(c.post("/v2/repository/models/broken/unload", "").status, 200);  // not loaded
}

TEST_F(RepositoryTest, KeepsTheOldModelWhereTheNewOneIsBroken) {
  start({.config = {.exit_on_error = false}, .repository = folder_});
  std::filesystem::remove_all(folder_ / "b");
  auto c = client();
  EXPECT_EQ(c.post("/v2/repository/models/b/load", "").status, 404);
  EXPECT_EQ(c.post("/v2/models/b/infer", row_json(1)).status, 200);
}

TEST_F(RepositoryTest, LosesNothingWhileModelsAreExchanged) {
  start({.config = {.max_batch_size = 4, .exit_on_error = false}, .repository = folder_});
  pace_->delay_us = 500;
  std::atomic<bool> done{false};
  std::atomic<int> wrong{0}, answered{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      auto c = client();
      while (!done) {
        const auto answer = c.post("/v2/models/a/infer", row_json(static_cast<float>(t)));
        if (answer.status != 200 || answer.numbers().at(0) != static_cast<float>(t)) ++wrong;
        ++answered;
      }
    });
  auto c = client();
  for (int i = 0; i < 20 || (answered <= 20 && i < 10000); ++i)
    EXPECT_EQ(c.post("/v2/repository/models/a/load", "").status, 200);
  done = true;
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
  EXPECT_GT(answered, 20);
}

TEST_F(ServerTest, WantsNamesForItsModels) {
  for (const char* name : {"", ".a", "a/b", "a b"})
    EXPECT_THROW(start({.models = {{.name = name, .source = "x"}}}), UsageError) << name;
  EXPECT_THROW(start({.models = {{.name = "a", .source = "x"}, {.name = "a", .source = "y"}}}),
               UsageError);
  EXPECT_THROW(start({.models = {{.name = "a", .source = "broken"}}}), DataError);
  EXPECT_THROW(start({.config = {.host = "300.1.1.1"}}), IoError);
}

}  // namespace
}  // namespace braid::serve::test
