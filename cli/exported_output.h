// Where commands that write ONNX files put them.
#pragma once
#include <string>

namespace braid::cli {

// Of an encoder-decoder a folder, else a file in a folder that is there: before weights are read.
// command: for the message. Throws UsageError for anything else.
void check_exported_output(const char* command, const std::string& output, bool of_several_files);

}  // namespace braid::cli
