// What is asked of a trained model on a dataset's split, and what comes of it.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "braid/core/config.h"
#include "braid/data/cut_examples.h"
#include "braid/io/image.h"
#include "braid/tasks/metrics/classifier_report.h"
#include "braid/tasks/task.h"
#include "braid/tasks/test_time_augmentation.h"

namespace braid::evaluate {

struct EvaluateRequest {
  std::string data;            // a name, a folder or a file, as training takes it
  std::string split = "auto";  // test, val, train, all; auto: test where there is one, else all
  // Share of train that validates where the data has no val, of the splits val and train; unset:
  // that of the checkpoint's run, else training's default.
  std::optional<double> val_fraction = {};
  std::string device = "cpu";
  tasks::EvaluateOptions options = {};
  io::DecodeLimits limits = {};   // of images
  tasks::ViewOptions views = {};  // of images
};

// Several views of each image (tasks::Views), and what they cost.
struct TestTimeAugmentation {
  std::string name;
  int64_t views = 0;                              // forward passes per image
  double latency_ms_p50 = 0, latency_ms_p95 = 0;  // of one image, all of its views
};

struct Evaluation {
  std::string architecture, split;
  std::string items = "images";  // what is counted
  int64_t count = 0;
  int64_t bad_samples = 0;
  double items_per_s = 0;                    // loading included
  tasks::Scores scores;                      // the deciding one first
  std::vector<std::string> signatures = {};  // how they were computed, where that has variants
  // Of classification; the classes are in the checkpoint's order.
  std::optional<tasks::ClassifierReport> classifier;
  std::vector<std::string> classes;
  std::optional<TestTimeAugmentation> tta = {};
  data::CutExamples cut = {};  // of texts
};
Json to_json(const Evaluation& evaluation);

}  // namespace braid::evaluate
