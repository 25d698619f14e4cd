#include "braid/serve/onnx/any_engine.h"

#include <utility>

#include "braid/core/error.h"
#include "braid/serve/engine_choice.h"
#include "braid/serve/openvino/openvino_engine.h"

namespace braid::serve {

std::unique_ptr<Model> load_for_any_engine(
    const std::string& always, const ModelOptions& options,
    const std::function<std::unique_ptr<Model>(const ModelOptions&)>& load) {
  const auto load_by = [&](const std::string& engine) {
    auto named = options;
    named.engine = engine;
    return load(named);
  };
  if (options.device != "cpu" || !openvino_built_in()) return load_by(always);
  if (const auto why = openvino_missing(); !why.empty())
    return with_remark(load_by(always), "not OpenVINO: " + why);
  std::unique_ptr<Model> model, other;
  try {
    model = load_by(always);
  } catch (const Error& error) {
    try {
      other = load_by(kOpenVinoEngine);
    } catch (const Error&) {
      other = nullptr;
    }
    if (!other) throw;
    return with_remark(std::move(other), "not " + always + ": " + error.what());
  }
  try {
    other = load_by(kOpenVinoEngine);
  } catch (const Error& error) {
    return with_remark(std::move(model), std::string("not OpenVINO: ") + error.what());
  }
  return faster_of(std::move(model), std::move(other),
                   options.time_requests ? options.time_requests : time_requests);
}

}  // namespace braid::serve
