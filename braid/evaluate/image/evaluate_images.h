// A trained model of images on a dataset's split.
#pragma once
#include "braid/core/progress.h"
#include "braid/evaluate/evaluation.h"
#include "braid/models/vision/image_checkpoint.h"

namespace braid::evaluate {

// As evaluate_checkpoint. A folder of class folders without splits is itself the test split.
Evaluation evaluate_images(models::LoadedModel& loaded, const EvaluateRequest& request,
                           Progress& progress);

}  // namespace braid::evaluate
