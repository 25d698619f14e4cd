#include "braid/export/export_encoder_decoder.h"

#include "braid/export/encoder_decoder_graphs.h"
#include "braid/io/atomic_file.h"

namespace braid::onnx {

EncoderDecoderReport export_encoder_decoder(models::LoadedEncoderDecoder& loaded,
                                            const std::filesystem::path& checkpoint,
                                            const std::filesystem::path& folder) {
  io::check_writable(folder, 0);
  const auto made = make_encoder_decoder_graphs(loaded);
  const auto options = onnx_options(loaded, checkpoint);
  const auto encoder = export_onnx(made.encoder, options.encoder);
  const auto decoder = export_onnx(made.decoder, options.decoder);
  const auto encoder_file = folder / kEncoderFile, decoder_file = folder / kDecoderFile;
  io::write_file_atomic(encoder_file, encoder);
  io::write_file_atomic(decoder_file, decoder);
  const auto& name = loaded.hub.architecture;
  return {.encoder =
              make_report(name, encoder_file, made.encoder, made.encoder_deviation, encoder.size()),
          .decoder = make_report(name, decoder_file, made.decoder, made.decoder_deviation,
                                 decoder.size())};
}

}  // namespace braid::onnx
