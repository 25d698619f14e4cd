#include "braid/evaluate/deploy/open_engine.h"

#include <string_view>

#include "braid/io/atomic_file.h"
#include "braid/serve/onnx/runner_engine.h"
#include "braid/serve/openvino/openvino_engine.h"

namespace braid::evaluate {

std::unique_ptr<serve::Engine> open_engine(const DeployTarget& target,
                                           const std::filesystem::path& file, int64_t threads) {
  const auto bytes = io::read_file(file);
  const std::string_view onnx(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  if (target.openvino)
    return serve::open_openvino(onnx, {.threads = threads, .where = file.string()});
  return serve::open_runner(onnx, {.threads = threads, .where = file.string()});
}

}  // namespace braid::evaluate
