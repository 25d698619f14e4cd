#include "braid/export/export_encoder_decoder.h"

#include <optional>
#include <string>
#include <system_error>
#include <vector>

#include "braid/export/encoder_decoder_graphs.h"
#include "braid/export/file_proof.h"
#include "braid/export/filled_zeros.h"
#include "braid/io/atomic_file.h"

namespace braid::onnx {
namespace {

struct Made {
  std::string bytes;
  FileProof proof;
};

struct MadeFiles {
  Made encoder, decoder;
  std::optional<Made> decoder_with_past;
};

MadeFiles make_files(models::LoadedEncoderDecoder& loaded, const EncoderDecoderGraphs& graphs,
                     const EncoderDecoderOptions& options) {
  auto& model = *loaded.model;
  const auto one = sizes_within(model, {1, 5, 7}), two = sizes_within(model, {2, 17, 11});
  const auto make = [&](const graph::Graph& graph, const OnnxOptions& how, const char* part,
                        const std::vector<graph::Sample>& samples) {
    Made made{.bytes = export_onnx(graph, how), .proof = {}};
    made.proof = prove_file(made.bytes, loaded.hub.architecture + ", " + part, samples);
    return made;
  };
  MadeFiles files{.encoder = make(graphs.encoder, options.encoder, "encoder",
                                  {graph::encoder_sample_of_noise(model, one),
                                   graph::encoder_sample_of_noise(model, two)}),
                  .decoder = make(graphs.decoder, options.decoder, "decoder",
                                  {graph::decoder_sample_of_noise(model, one),
                                   graph::decoder_sample_of_noise(model, two)}),
                  .decoder_with_past = {}};
  if (!graphs.decoder_with_past) return files;
  const auto sample = [&](graph::Sizes sizes) {
    return graph::decoder_with_past_sample_of_noise(model,
                                                    sizes_within(model, sizes, /*past=*/true));
  };
  files.decoder_with_past = make(*graphs.decoder_with_past, options.decoder_with_past,
                                 "decoder with past", {sample({1, 1, 7}), sample({2, 17, 11})});
  return files;
}

// As of images.
void prove_without_zeros(models::LoadedEncoderDecoder& loaded) {
  prove_with_filled_zeros(*loaded.model,
                          [&] { make_files(loaded, make_encoder_decoder_graphs(loaded), {}); });
}

}  // namespace

EncoderDecoderReport export_encoder_decoder(models::LoadedEncoderDecoder& loaded,
                                            const std::filesystem::path& checkpoint,
                                            const std::filesystem::path& folder) {
  io::check_writable(folder, 0);
  prove_without_zeros(loaded);
  const auto made = make_encoder_decoder_graphs(loaded);
  const auto files = make_files(loaded, made, onnx_options(loaded, checkpoint));
  const auto& name = loaded.hub.architecture;
  // One that was there is of other weights.
  std::error_code none;
  std::filesystem::remove(folder / kDecoderWithPastFile, none);
  const auto write = [&](const char* file, const graph::Graph& graph,
                         const graph::Deviation& deviation, const Made& of) {
    io::write_file_atomic(folder / file, of.bytes);
    return make_report(name, folder / file, graph, deviation, of.proof, of.bytes.size());
  };
  EncoderDecoderReport report{
      .encoder = write(kEncoderFile, made.encoder, made.encoder_deviation, files.encoder),
      .decoder = write(kDecoderFile, made.decoder, made.decoder_deviation, files.decoder)};
  if (files.decoder_with_past)
    report.decoder_with_past = write(kDecoderWithPastFile, *made.decoder_with_past,
                                     made.decoder_with_past_deviation, *files.decoder_with_past);
  return report;
}

}  // namespace braid::onnx
