// A trained model on a dataset's split.
#pragma once
#include <string>
#include <vector>

#include "braid/core/config.h"
#include "braid/core/progress.h"
#include "braid/models/vision/image_checkpoint.h"
#include "braid/tasks/inference.h"
#include "braid/tasks/metrics/classifier_report.h"

namespace braid::evaluate {

using EvaluateOptions = tasks::EvaluateOptions;

struct Evaluation {
  tasks::ClassifierReport metrics;
  std::string split;                 // test, val, train or all
  std::vector<std::string> classes;  // in the checkpoint's order
  int64_t bad_samples = 0;
  double images_per_s = 0;  // loading included
};

// data: a name or folder for data::open_dataset. split: test, val, train, all; auto: test where
// there is one, else all. A folder of class
// folders without splits is itself the test split. Labels are matched by class name; classes that
// the checkpoint does not know are a DataError naming them, missing ones are not (their images are
// just not there). A checkpoint without names takes the data's classes in their order, if they are
// as many. limits: of the images.
Evaluation evaluate_checkpoint(models::LoadedModel& loaded, const std::string& data,
                               const std::string& split, const EvaluateOptions& options,
                               Progress& progress, const io::DecodeLimits& limits = {});
Json to_json(const Evaluation& evaluation);

}  // namespace braid::evaluate
