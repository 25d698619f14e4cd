// A captured classifier in 8 bits as an ONNX file: what images and texts share.
#pragma once
#include <filesystem>

#include "braid/core/progress.h"
#include "braid/export/calibration_data.h"
#include "braid/export/onnx/export_onnx.h"
#include "braid/export/quantize_report.h"
#include "braid/export/quantize_request.h"
#include "braid/graph/graph.h"

namespace braid::onnx {

// in_float: simplified; its inputs are taken from the batches by their names. data.open_test: none,
// where the file is measured by others: the report then is of the items that decided on steps.
// options: of the file, but for what says how it was quantized. Throws DataError, IoError.
QuantizeReport quantize_model(const graph::Graph& in_float, const CalibrationData& data,
                              OnnxOptions options, const std::filesystem::path& output,
                              const QuantizeRequest& request, Progress& progress);

}  // namespace braid::onnx
