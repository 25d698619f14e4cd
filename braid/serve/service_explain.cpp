// Why a model decides as it does, for one image or text: one explanation at a time, in a thread of
// its own.
#include <exception>
#include <utility>

#include "braid/core/base64.h"
#include "braid/core/error.h"
#include "braid/core/json.h"
#include "braid/serve/read_request.h"
#include "braid/serve/service.h"

namespace braid::serve {
namespace {

Json to_json(const Explanation& explanation, const ServedModel& served) {
  const auto index = static_cast<size_t>(explanation.class_index);
  const auto& classes = served.model->classes;
  Json json = {{"model_name", served.name},
               {"method", explanation.method},
               {"class",
                {{"index", explanation.class_index},
                 {"name", index < classes.size() ? classes[index] : std::string()},
                 {"probability", explanation.probability}}}};
  if (!explanation.overlay.empty()) {
    json["picture"] = to_base64(explanation.picture);
    json["overlay"] = to_base64(explanation.overlay);
    return json;
  }
  if (explanation.truncated > 0) json["truncated"] = explanation.truncated;
  json["tokens"] = Json::array();
  for (const auto& token : explanation.tokens) {
    Json one = {{"token", token.token}, {"attribution", token.attribution}};
    for (const auto& [name, value] :
         {std::pair("sequence", token.sequence), {"start", token.start}, {"end", token.end}})
      if (value) one[name] = *value;
    json["tokens"].push_back(std::move(one));
  }
  return json;
}

Tensor only_input(const Model& model, InferRequest request) {
  auto& inputs = request.inputs;
  if (request.raw) inputs.front().name = model.prepared.name;
  if (inputs.size() != 1 || inputs.front().name != model.prepared.name)
    throw DataError("request", "expected the input " + model.prepared.name, "inputs");
  check_input(inputs.front(), model.prepared);
  if (inputs.front().rows() != 1)
    throw DataError("request", "expected one " + model.prepared.name + " to explain",
                    model.prepared.name + ".shape", "send several requests");
  return std::move(inputs.front());
}

}  // namespace

void Service::explain(const ExchangePtr& exchange, const std::string& name) {
  constexpr int64_t kMostExplanations = 16;  // waiting
  const auto served = repository_.find(name);
  if (!served) return exchange->respond(unknown_model(name));
  if (!served->model->explainer)
    return exchange->respond(json_error(
        501, "'" + name + "' cannot be explained: classifiers of images and of texts can"));
  const auto end = [&metrics = served->metrics](Ending ending) {
    ++metrics.explained[static_cast<size_t>(ending)];
  };
  if (explainer_.waiting() >= kMostExplanations) {
    end(Ending::kOverload);
    return exchange->respond(try_later(503, "other explanations are being made", 1));
  }
  explainer_.post([this, exchange, served, end] {
    if (const auto why = exchange->abandoned()) {
      end(*why == Abandoned::kClientGone ? Ending::kCancelled : Ending::kTimeout);
      return exchange->respond({});
    }
    try {
      auto& request = exchange->request();
      const auto& model = *served->model;
      MemoryBudget::Charge working(budget_);
      const auto input =
          only_input(model, read_request(request, working, options_.config.max_body_size));
      expect_memory(working, model.preparation->working_bytes(input));
      HttpResponse answer{.memory = MemoryBudget::Charge(budget_)};
      answer.body = dump_json(to_json(model.explainer->explain(input), *served));
      expect_memory(answer.memory, static_cast<int64_t>(answer.body.size()));
      end(Ending::kSuccess);
      exchange->respond(std::move(answer));
    } catch (...) {
      auto [ending, response] = failure_of(std::current_exception());
      end(ending);
      exchange->respond(std::move(response));
    }
  });
}

}  // namespace braid::serve
