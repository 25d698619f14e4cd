// serve_fake_models APPENDED [API_KEY]: three models whose answers are known behind the server's
// page, with a file's text, if one is named, at the page's end. Prints its address; ends with its
// standard input.
#include <cstdio>
#include <exception>
#include <thread>

#include "braid/core/error.h"
#include "braid/io/atomic_file.h"
#include "braid/io/image.h"
#include "braid/serve/page.h"
#include "braid/serve/server.h"
#include "tests/serve/fake_model.h"

namespace {

using namespace braid::serve;

// Bytes that begin as a PNG does.
class PictureLength final : public Preparation {
 public:
  std::vector<Tensor> prepare(const Tensor& input) const override {
    std::vector<float> x;
    for (const auto image : input.elements) {
      if (!image.starts_with("\x89PNG"))
        throw braid::DataError("image", "expected a picture, got something else");
      x.insert(x.end(), {1, 2});
    }
    return {make_tensor("x", DataType::kFp32, {input.rows(), 2}, std::move(x))};
  }
};

// A pixel and another one.
class PictureExplainer final : public Explainer {
 public:
  Explanation explain(const Tensor&) override {
    braid::io::Image pixel{.height = 1, .width = 1, .channels = 3, .pixels = {255, 0, 0}};
    Explanation explanation{.method = "grad-cam", .class_index = 2, .probability = 0.665};
    explanation.picture = braid::io::encode_png(pixel);
    pixel.pixels = {0, 0, 255};
    explanation.overlay = braid::io::encode_png(pixel);
    return explanation;
  }
};

// A token of each of two texts.
class PairExplainer final : public Explainer {
 public:
  Explanation explain(const Tensor&) override {
    Explanation explanation{.method = "fake", .class_index = 2, .probability = 1};
    explanation.tokens = {{.token = "[CLS]", .attribution = 0},
                          {.token = "one", .attribution = 1, .sequence = 0, .start = 0, .end = 3},
                          {.token = "two", .attribution = -1, .sequence = 1, .start = 0, .end = 3}};
    return explanation;
  }
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2 && argc != 3) return 64;
  try {
    std::vector<uint8_t> appended;
    if (argv[1][0] != '\0') appended = braid::io::read_file(argv[1]);
    const std::string page =
        std::string(builtin_page()) + std::string(appended.begin(), appended.end());
    const auto load =
        [text = test::fake_loader(std::make_shared<test::Pace>())](const std::string& source) {
          auto model = text(source);
          if (source == "image") {
            model->prepared.name = "image";
            model->preparation = std::make_unique<PictureLength>();
            model->explainer = std::make_unique<PictureExplainer>();
          }
          if (source == "pair") {
            model->pairs = true;
            model->explainer = std::make_unique<PairExplainer>();
          }
          return model;
        };
    braid::Progress silent;
    Server server({.config = {.port = 0},
                   .models = {{"pictures", "image"}, {"texts", "text"}, {"twos", "pair"}},
                   .api_key = argc == 3 ? argv[2] : "",
                   .page = page},
                  load, silent);
    std::printf("%s\n", server.address().c_str());
    std::fflush(stdout);
    std::stop_source stop;
    const std::jthread waiting([&] {
      while (std::getchar() != EOF) {
      }
      stop.request_stop();
    });
    server.run(stop.get_token(), silent);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 65;
  }
  return 0;
}
