// The texts that quantization sees.
#pragma once
#include <string>
#include <vector>

#include "braid/data/text/text_dataset.h"
#include "braid/export/calibration_data.h"
#include "braid/export/quantize_request.h"
#include "braid/tasks/text/tokenized_model.h"

namespace braid::onnx {

// Texts with labels, with tags for a model that tags words, or without either, a line each; cut as
// in training. What calibrates is in batches of texts of one length, so that no padding is in them.
// Throws DataError for no texts or too few of them, for texts of unknown tokens alone, and for
// classes that the checkpoint does not know.
CalibrationData open_calibration_texts(const tasks::TokenizedModel& loaded,
                                       const QuantizeRequest& request, Progress& progress);

// Of labelled texts that are open already. request.data: their name, for errors.
CalibrationData calibration_texts_of(const data::TextSplits& splits,
                                     const tasks::TokenizedModel& loaded,
                                     const QuantizeRequest& request, Progress& progress);

// A few of the texts, in batches: to prove a file on. Throws DataError as the others.
std::vector<data::Batch> sample_texts(const tasks::TokenizedModel& loaded, const std::string& data,
                                      Progress& progress);

}  // namespace braid::onnx
