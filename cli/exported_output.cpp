#include "cli/exported_output.h"

#include <fmt/format.h>

#include <string_view>

#include "braid/core/error.h"
#include "braid/export/export_encoder_decoder.h"
#include "braid/io/atomic_file.h"

namespace braid::cli {

void check_exported_output(const char* command, const std::string& output, bool of_several_files) {
  const bool is_file = output.ends_with(".onnx");
  if (of_several_files && is_file) {
    const auto folder = output.substr(0, output.size() - std::string_view(".onnx").size());
    throw UsageError(
        command, "expected a folder for the files of an encoder-decoder, got '" + output + "'",
        "--output",
        fmt::format("--output {0}/ writes {0}/{1} and {0}/{2}", folder.empty() ? "model" : folder,
                    onnx::kEncoderFile, onnx::kDecoderFile));
  }
  if (!of_several_files && !is_file)
    throw UsageError(command, "expected a file that ends in .onnx, got '" + output + "'",
                     "--output");
  if (!of_several_files) io::check_folder_of(output);
}

}  // namespace braid::cli
