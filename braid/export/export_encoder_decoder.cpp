#include "braid/export/export_encoder_decoder.h"

#include <algorithm>

#include "braid/export/encoder_decoder_graphs.h"
#include "braid/export/file_proof.h"
#include "braid/export/filled_zeros.h"
#include "braid/io/atomic_file.h"

namespace braid::onnx {
namespace {

struct PairOfFiles {
  std::string encoder, decoder;  // bytes
  FileProof encoder_proof, decoder_proof;
};

PairOfFiles make_files(models::LoadedEncoderDecoder& loaded, const EncoderDecoderGraphs& graphs,
                       const EncoderDecoderOptions& options) {
  auto& model = *loaded.model;
  const int64_t most = model.max_positions();
  const auto at_most = [most](int64_t tokens) {
    return most == 0 ? tokens : std::min(tokens, most);
  };
  const graph::Sizes one(1, at_most(5), at_most(7)), two(2, at_most(17), at_most(11));
  PairOfFiles files{.encoder = export_onnx(graphs.encoder, options.encoder),
                    .decoder = export_onnx(graphs.decoder, options.decoder),
                    .encoder_proof = {},
                    .decoder_proof = {}};
  const auto& name = loaded.hub.architecture;
  files.encoder_proof = prove_file(
      files.encoder, name + ", encoder",
      {graph::encoder_sample_of_noise(model, one), graph::encoder_sample_of_noise(model, two)});
  files.decoder_proof = prove_file(
      files.decoder, name + ", decoder",
      {graph::decoder_sample_of_noise(model, one), graph::decoder_sample_of_noise(model, two)});
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
  const auto encoder_file = folder / kEncoderFile, decoder_file = folder / kDecoderFile;
  io::write_file_atomic(encoder_file, files.encoder);
  io::write_file_atomic(decoder_file, files.decoder);
  const auto& name = loaded.hub.architecture;
  return {.encoder = make_report(name, encoder_file, made.encoder, made.encoder_deviation,
                                 files.encoder_proof, files.encoder.size()),
          .decoder = make_report(name, decoder_file, made.decoder, made.decoder_deviation,
                                 files.decoder_proof, files.decoder.size())};
}

}  // namespace braid::onnx
