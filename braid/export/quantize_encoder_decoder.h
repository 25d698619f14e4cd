// An encoder-decoder in 8 bits as ONNX files, from its weights and some pairs of texts.
#pragma once
#include <filesystem>
#include <optional>
#include <string>

#include "braid/core/progress.h"
#include "braid/data/text/parallel_text.h"
#include "braid/export/quantize_report.h"
#include "braid/export/quantize_request.h"
#include "braid/tasks/text/translator.h"

namespace braid::onnx {

struct EncoderDecoderQuantization {
  QuantizeReport encoder, decoder;
  std::optional<QuantizeReport> decoder_with_past{};  // where the exported model has one
};

// Pairs of which some calibrate, and others decide on steps.
struct CalibrationPairs {
  data::ParallelTextPtr calibrate, judge;
  std::string judges = "val";  // the name of the latter's split
};
// Those of request.data: of its training and its validation split. Throws UsageError where the
// request names another split, which no quantization of a translator is measured on.
CalibrationPairs open_calibration_pairs(const tasks::Translator& loaded,
                                        const QuantizeRequest& request, Progress& progress);

// The files of export_encoder_decoder(), each quantized by itself. All are judged by the decoder's
// next word, given the words of the target before it: the encoder by what the float decoder says of
// its output, the decoder with past at some places of each target, given what the float decoder
// keeps. loaded: on the CPU; checkpoint: its folder, whose tokenizer's files and settings go
// into the files. Throws DataError for a model that cannot be captured, or too few pairs,
// UsageError for what only images have; IoError.
EncoderDecoderQuantization quantize_encoder_decoder(const tasks::Translator& loaded,
                                                    const std::filesystem::path& checkpoint,
                                                    const CalibrationPairs& pairs,
                                                    const std::filesystem::path& folder,
                                                    const QuantizeRequest& request,
                                                    Progress& progress);

}  // namespace braid::onnx
