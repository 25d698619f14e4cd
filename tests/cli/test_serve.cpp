// braid serve with real checkpoints: what it answers is what predict says.
#include <gmock/gmock.h>

#include <chrono>
#include <csignal>
#include <thread>

#include "tests/cli/program.h"
#include "tests/serve/client.h"

namespace braid::test {
namespace {

using serve::test::Client;
using ::testing::AllOf;
using ::testing::HasSubstr;

class ServeVerb : public ProgramTest {
 protected:
  // Starts it in the background; returns its port, 0 where it ended at once.
  uint16_t start(const std::string& arguments) {
    const std::string command =
        "cd " + path("").string() +
        " && rm -f code.txt served.txt && { sh -c 'echo $$ >pid.txt; exec " + BRAID_PROGRAM +
        " serve --port 0 " + arguments +
        "' >served.txt 2>said.txt </dev/null; echo $? >code.txt; } &";
    if (std::system(command.c_str()) != 0) return 0;
    for (int i = 0; i < 6000; ++i) {
      const auto line = text("served.txt");
      if (line.ends_with('\n'))
        return static_cast<uint16_t>(std::stoi(line.substr(line.rfind(':') + 1)));
      if (text("code.txt").ends_with('\n')) return 0;
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return 0;
  }
  void TearDown() override {
    if (text("code.txt").empty() && !text("pid.txt").empty()) stop();
    ProgramTest::TearDown();
  }
  // Its exit code.
  int stop() {
    ::kill(std::stoi(text("pid.txt")), SIGTERM);
    return wait();
  }
  int wait() {
    for (int i = 0; i < 3000 && !text("code.txt").ends_with('\n'); ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    return text("code.txt").empty() ? -1 : std::stoi(text("code.txt"));
  }
  // {class: probability} by `braid predict`.
  std::map<std::string, double> predicted(const std::string& arguments) {
    const auto result = braid("predict --format json --top 9 " + arguments);
    EXPECT_EQ(result.code, 0) << result.err;
    std::map<std::string, double> shares;
    const auto rows = Json::parse(result.out);
    for (const auto& one : rows.at(0).at("predictions"))
      shares[one.at("class").get<std::string>()] = one.at("probability").get<double>();
    return shares;
  }
  // The same by the server: lines of "value:index:class".
  static std::map<std::string, double> served(const serve::test::Answer& answer) {
    EXPECT_EQ(answer.status, 200) << answer.body;
    std::map<std::string, double> shares;
    if (answer.status != 200) return shares;
    const auto json = answer.json();
    for (const auto& one : json.at("outputs").at(0).at("data")) {
      const auto line = one.get<std::string>();
      shares[line.substr(line.find(':', line.find(':') + 1) + 1)] = std::stod(line);
    }
    return shares;
  }
  static void expect_same(const std::map<std::string, double>& a,
                          const std::map<std::string, double>& b) {
    ASSERT_EQ(a.size(), b.size());
    for (const auto& [name, share] : a) EXPECT_NEAR(share, b.at(name), 2e-6) << name;
  }
  static std::string classified(const std::string& input) {
    return R"({"inputs":[)" + input +
           R"(],"outputs":[{"name":"probabilities","parameters":{"classification":9}}]})";
  }
};

TEST_F(ServeVerb, ShowsItsFlags) {
  const auto help = braid("serve --help");
  EXPECT_EQ(help.code, 0);
  EXPECT_THAT(help.out, AllOf(HasSubstr("--model-repository"), HasSubstr("--max-queue-delay-us"),
                              HasSubstr("[127.0.0.1]")));
  EXPECT_EQ(braid("serve").code, 64);
  EXPECT_EQ(braid("serve --model a=b --port 65536").code, 64);
  for (const char* hosts : {"'http://a b'", "http://models.example", "'a, b'", "a:http"}) {
    const auto refused = braid(std::string("serve --model nowhere --allowed-hosts ") + hosts);
    EXPECT_EQ(refused.code, 64) << hosts;
    EXPECT_THAT(refused.err, HasSubstr("models.example:8000")) << hosts;
  }
  EXPECT_EQ(braid("serve --model nowhere --allowed-hosts 'a.example,[::1]:80,*'").code, 74);
  EXPECT_EQ(braid("serve --model nowhere").code, 74);
  EXPECT_EQ(braid("serve --model-repository nowhere").code, 74);
  EXPECT_EQ(braid("serve --model x=y --api-key-file nowhere").code, 74);
}

// Whoever forgot the key did not ask for a server without one.
TEST_F(ServeVerb, AnEmptyKeyIsRefused) {
  const auto flag = braid("serve --model x=y --api-key ''");
  EXPECT_EQ(flag.code, 64);
  EXPECT_THAT(flag.err, HasSubstr("--api-key"));
  const auto variable = braid("serve --model x=y", "BRAID_API_KEY=");
  EXPECT_EQ(variable.code, 64);
  EXPECT_THAT(variable.err, HasSubstr("BRAID_API_KEY"));
  write("key.txt", "\r\n");
  EXPECT_EQ(braid("serve --model x=y --api-key-file key.txt").code, 74);
}

// As editors and `echo` on other systems leave it.
TEST_F(ServeVerb, AKeysLineMayEndInBlanks) {
  write("key.txt", "secret \r\nanother\n");
  std::filesystem::create_directories(path("models"));
  const auto port = start("--model-repository models --api-key-file key.txt");
  ASSERT_NE(port, 0) << text("said.txt");
  EXPECT_EQ(Client(port).get("/v2", "Authorization: Bearer secret\r\n").status, 200);
  EXPECT_EQ(Client(port).get("/v2", "Authorization: Bearer another\r\n").status, 401);
  EXPECT_EQ(stop(), 0);
}

TEST_F(ServeVerb, AnswersAsPredictDoes) {
  for (int i = 0; i < 8; ++i) {
    write("data/train/left/" + std::to_string(i) + ".png", png(0, i));
    write("data/train/right/" + std::to_string(i) + ".png", png(1, i));
  }
  ASSERT_EQ(braid("train --model resnet20 --data data --epochs 1 --batch-size 4 --output run").code,
            0);
  write("texts.tsv", "good film\tpos\nbad film\tneg\ngood play\tpos\nbad play\tneg\n");
  const auto trained = braid("train --model bert_tiny --data texts.tsv --epochs 1 --output words");
  ASSERT_EQ(trained.code, 0) << trained.err;
  const auto port = start("--model run --model w=words --max-pixels 400");
  ASSERT_NE(port, 0) << text("said.txt");
  Client c(port);

  const auto by_name = predicted("--checkpoint run data/train/left/0.png");
  std::string image = text("data/train/left/0.png");
  const auto size = static_cast<uint32_t>(image.size());
  image.insert(0, std::string(reinterpret_cast<const char*>(&size), sizeof(size)));
  const auto json = classified(R"({"name":"image","datatype":"BYTES","shape":[1],"parameters":)"
                               R"({"binary_data_size":)" +
                               std::to_string(image.size()) + "}}");
  const auto header = "Inference-Header-Content-Length: " + std::to_string(json.size()) + "\r\n";
  expect_same(served(c.post("/v2/models/run/infer", json + image, header)), by_name);

  const auto words = predicted("--checkpoint words 'good film'");
  expect_same(served(c.post("/v2/models/w/infer",
                            classified(R"({"name":"text","datatype":"BYTES","shape":[1],)"
                                       R"("data":["good film"]})"))),
              words);
  // Rows of different lengths do not change each other.
  const auto two = c.post("/v2/models/w/infer",
                          R"({"inputs":[{"name":"text","datatype":"BYTES","shape":[2],"data":)"
                          R"(["good film","bad play bad play bad film good film bad"]}],)"
                          R"("outputs":[{"name":"probabilities"}]})");
  ASSERT_EQ(two.status, 200) << two.body;
  ASSERT_TRUE(words.contains("neg"));
  EXPECT_NEAR(two.numbers().at(0), words.at("neg"), 1e-5);

  const auto metadata = c.get("/v2/models/run").json();
  EXPECT_EQ(metadata.at("inputs").at(1).at("name"), "pixel_values");
  const auto raw = [&](const std::string& bytes) {
    return c.post("/v2/models/run/infer", bytes, "Inference-Header-Content-Length: 0\r\n");
  };
  EXPECT_EQ(raw(text("data/train/left/0.png")).status, 200);
  EXPECT_EQ(raw("no image").status, 400);
  EXPECT_EQ(raw("").status, 400);
  const auto bomb = raw(png(0, 0, 32));  // beyond --max-pixels
  EXPECT_EQ(bomb.status, 400);
  EXPECT_THAT(bomb.body, HasSubstr("400"));
  EXPECT_EQ(c.post("/v2/repository/models/run/load", "").status, 200);
  write("run/model_best/model.safetensors", "broken");
  write("run/last/model.safetensors", "broken");
  write("run/model.safetensors", "broken");
  EXPECT_EQ(c.post("/v2/repository/models/run/load", "").status, 400);
  EXPECT_EQ(raw(text("data/train/left/0.png")).status, 200);  // by the old one
  EXPECT_EQ(stop(), 0) << text("said.txt");
  EXPECT_THAT(text("said.txt"), AllOf(HasSubstr("run: ready (braid_"), HasSubstr("Drained")));
}

TEST_F(ServeVerb, SaysWhichEngineComputes) {
  ASSERT_EQ(braid("forward resnet20 --init 0 --save-weights run/").code, 0);
  write("broken.so", "no module");
  // Without a module, whether or not one was built.
  const auto absent = braid("serve --model run --engine openvino",
                            "export BRAID_OPENVINO_MODULE=" + path("absent.so").string() + ";");
  EXPECT_EQ(absent.code, 78);
  EXPECT_THAT(absent.err, AllOf(HasSubstr("[openvino]"), HasSubstr("make openvino")));
  const auto broken = braid("serve --model run --engine openvino",
                            "export BRAID_OPENVINO_MODULE=" + path("broken.so").string() + ";");
  EXPECT_EQ(broken.code, 78);
  EXPECT_THAT(broken.err, AllOf(HasSubstr("broken.so"), HasSubstr("make openvino")));
  EXPECT_EQ(braid("serve --model run --engine tensorrt").code, 64);
  EXPECT_EQ(braid("serve --model run --engine openvino --device cuda").code, 78);

  const auto port = start("--model run --engine libtorch");
  ASSERT_NE(port, 0) << text("said.txt");
  Client c(port);
  EXPECT_EQ(c.get("/v2/models/run").json().at("platform"), "braid_libtorch");
  EXPECT_THAT(c.get("/metrics").body,
              HasSubstr(R"(braid_model_info{model="run",platform="braid_libtorch"} 1)"));
  EXPECT_EQ(stop(), 0) << text("said.txt");
  EXPECT_THAT(text("said.txt"), HasSubstr("run: ready (braid_libtorch)"));
}

// A checkpoint and an exported file, by an engine of files. The program's allocator is another than
// that of the tests.
class EngineOfServeVerb
    : public ServeVerb,
      public ::testing::WithParamInterface<std::pair<const char*, const char*>> {};

TEST_P(EngineOfServeVerb, AnswersAsPredictDoes) {
  const std::string engine = GetParam().first, platform = GetParam().second;
  write_images("data", 8, 0);
  ASSERT_EQ(train().code, 0);
  ASSERT_EQ(braid("export --checkpoint run --output exported.onnx").code, 0);
  std::filesystem::create_directories(path("models"));
  std::filesystem::rename(path("exported.onnx"), path("models/file.onnx"));
  const auto port = start("--engine " + engine + " --model run --model-repository models");
  if (port == 0 && text("said.txt").find("make openvino") != std::string::npos)
    GTEST_SKIP() << text("said.txt");
  ASSERT_NE(port, 0) << text("said.txt");
  Client c(port);
  const auto expected = predicted("--checkpoint run data/train/left/0.png");
  for (const std::string model : {"run", "file"}) {
    EXPECT_EQ(c.get("/v2/models/" + model).json().at("platform"), platform);
    const auto answer = c.post("/v2/models/" + model + "/infer", text("data/train/left/0.png"),
                               "Inference-Header-Content-Length: 0\r\n");
    ASSERT_EQ(answer.status, 200) << answer.body;
    EXPECT_NEAR(answer.numbers(1).at(0), expected.at("left"), 1e-5) << model;
  }
  EXPECT_EQ(stop(), 0) << text("said.txt");
  EXPECT_THAT(text("said.txt"), AllOf(HasSubstr("run: ready (" + platform + ")"),
                                      HasSubstr("file: ready (" + platform + ")")));
}

INSTANTIATE_TEST_SUITE_P(Engines, EngineOfServeVerb,
                         ::testing::Values(std::pair("openvino", "braid_openvino"),
                                           std::pair("braid-run", "braid_run")),
                         [](const auto& info) { return std::string(info.param.second); });

}  // namespace
}  // namespace braid::test
