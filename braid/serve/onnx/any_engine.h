// A model by whichever engine answers it faster.
#pragma once
#include <functional>
#include <memory>
#include <string>

#include "braid/serve/model.h"

namespace braid::serve {

// By the engine `always`, which needs nothing else, or by OpenVINO where it was built in, takes the
// model too and answers faster (engine_choice.h); the remark says what was measured, or why one of
// them was no choice. load: gets the options with the name of one engine. A model that neither
// takes gives the error of `always`.
std::unique_ptr<Model> load_for_any_engine(
    const std::string& always, const ModelOptions& options,
    const std::function<std::unique_ptr<Model>(const ModelOptions&)>& load);

}  // namespace braid::serve
