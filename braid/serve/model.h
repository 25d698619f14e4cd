// A model that is served: how requests become what its engine takes, and the engine.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "braid/serve/engine.h"
#include "braid/serve/explainer.h"

namespace braid::serve {

struct Model;
// Seconds of a request to each of some models, in their order.
using TimeRequests = std::function<std::vector<double>(const std::vector<const Model*>&)>;

// As --engine names them.
inline constexpr const char* kAutoEngine = "auto";
inline constexpr const char* kLibTorchEngine = "libtorch";
inline constexpr const char* kOpenVinoEngine = "openvino";
inline constexpr const char* kBraidRunEngine = "braid-run";

// How a model is to be served.
struct ModelOptions {
  // auto: LibTorch of checkpoints, braid-run of exported files, or OpenVINO where it was built in,
  // takes the model and is faster; libtorch, openvino, braid-run.
  std::string engine = kAutoEngine;
  TimeRequests time_requests{};  // how auto finds the faster one; unset: engine_choice.h's
  std::string device = "cpu", dtype = "float32";
  int64_t threads = 0;              // that compute at most, 0: one per processor
  int64_t max_pixels = 50'000'000;  // of an image that is sent
  bool truncate = true;             // texts longer than the model reads; else they are refused
};

// Makes an engine's input of what people have: decodes images, tokenizes texts.
class Preparation {
 public:
  virtual ~Preparation() = default;
  // input: BYTES [N]. Returns the engine's inputs, of N rows, in their order. Called by many
  // threads at once. Throws DataError.
  virtual std::vector<Tensor> prepare(const Tensor& input) const = 0;
  // The same. truncated: gets the rows of which the model reads the beginning alone.
  virtual std::vector<Tensor> prepare_and_note(const Tensor& input, std::vector<int64_t>&) const {
    return prepare(input);
  }
  // What prepare() takes at most beside what it returns, in bytes. Throws DataError too.
  virtual int64_t working_bytes(const Tensor&) const { return 0; }
};

inline constexpr const char* kLibTorchPlatform = "braid_libtorch";
inline constexpr const char* kOpenVinoPlatform = "braid_openvino";
inline constexpr const char* kBraidRunPlatform = "braid_run";

struct Model {
  std::string platform{};  // what computes
  std::string remark{};    // why this computes, or what is not as was hoped for; may be empty
  // The first outputs of the engine are logits [N,K]; probabilities follow from them.
  std::unique_ptr<Engine> engine{};
  TensorSpec prepared{};  // the input of BYTES [N] that `preparation` takes, image or text
  std::unique_ptr<Preparation> preparation{};
  bool takes_tensors = true;               // requests may give the engine's own inputs too
  std::vector<std::string> classes{};      // may be empty
  bool several_labels = false;             // any number of the classes may be right
  bool pairs = false;                      // a text is two, judged together
  std::unique_ptr<Explainer> explainer{};  // none: what is served cannot be explained
};

// source: what stood behind a model's name, or its folder or file in the repository. Throws what
// loading throws.
using LoadModel = std::function<std::unique_ptr<Model>(const std::string& source)>;

}  // namespace braid::serve
