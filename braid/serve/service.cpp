#include "braid/serve/service.h"

#include <fmt/format.h>

#include <algorithm>

#include "braid/core/cpu.h"
#include "braid/core/error.h"
#include "braid/core/json.h"
#include "braid/core/natural_order.h"
#include "braid/core/near_match.h"
#include "braid/core/version.h"
#include "braid/serve/http/host_name.h"
#include "braid/serve/http/target.h"

namespace braid::serve {
namespace {

constexpr const char* kModelVersion = "1";
constexpr int64_t kMostWorkers = 8;  // unless asked for: LibTorch has a team of threads in each

BatchOptions batch_options(const ServeConfig& config) {
  return {.max_batch_size = config.max_batch_size,
          .max_queue_delay = std::chrono::microseconds(config.max_queue_delay_us),
          .max_queue_size = config.max_queue_size};
}

std::string dumped(const Json& json) { return dump_json(json); }

HttpResponse empty_answer(int status = 200) { return {.status = status}; }

HttpResponse wrong_method(const char* allowed) {
  auto response = json_error(405, fmt::format("expected {}", allowed));
  response.headers.emplace_back("Allow", allowed);
  return response;
}

// In the same time whatever is wrong about it.
bool same_secret(std::string_view given, std::string_view secret) {
  unsigned difference = given.size() != secret.size();
  for (size_t i = 0; i < given.size(); ++i)
    difference |= static_cast<unsigned char>(given[i]) ^
                  static_cast<unsigned char>(secret[i % secret.size()]);
  return difference == 0;
}

bool is_open(const std::vector<std::string>& path) {  // without a key
  return path.empty() || (path.size() == 3 && path[0] == "v2" && path[1] == "health");
}

HttpResponse unknown_version(const std::string& model, const std::string& version) {
  return json_error(
      404, fmt::format("Request for unknown model: '{}' version {} is not found", model, version));
}

bool is_get(const HttpRequest& request) {
  return request.method == "GET" || request.method == "HEAD";
}

Json spec_json(const TensorSpec& spec) {
  return {{"name", spec.name}, {"datatype", to_string(spec.type)}, {"shape", spec.shape}};
}

// The logits' shape and type are the probabilities'.
std::vector<TensorSpec> outputs_of(const Model& model) {
  auto specs = model.engine->outputs();
  auto probabilities = specs.front();
  probabilities.name = "probabilities";
  specs.push_back(std::move(probabilities));
  return specs;
}

std::vector<TensorSpec> inputs_of(const Model& model) {
  std::vector<TensorSpec> specs = {model.prepared};
  if (model.takes_tensors)
    specs.insert(specs.end(), model.engine->inputs().begin(), model.engine->inputs().end());
  return specs;
}

}  // namespace

Service::Service(ServiceOptions options, LoadModel load, MemoryBudget& budget, Metrics& metrics)
    : options_(std::move(options)),
      budget_(budget),
      metrics_(metrics),
      limiter_(options_.config.rate_limit),
      workers_(options_.config.workers > 0 ? options_.config.workers
                                           : std::min(kMostWorkers, usable_cpus())),
      loader_(1),
      explainer_(1),
      repository_(std::move(load), options_.models, options_.repository,
                  batch_options(options_.config), metrics, loader_) {}

void Service::stop() {
  repository_.clear();
  loader_.stop();
  explainer_.stop();
  workers_.stop();
}

void Service::load_all(const std::function<void(const std::string& line)>& see) {
  for (const auto& model : repository_.index()) try {
      repository_.load(model.name);
      const auto& loaded = *repository_.find(model.name)->model;
      const auto why = loaded.remark.empty() ? "" : ", " + loaded.remark;
      see(fmt::format("{}: ready ({}{})", model.name, loaded.platform, why));
    } catch (const Error& error) {
      if (options_.config.exit_on_error) throw;
      see(fmt::format("{}: not loaded: {}", model.name, error.what()));
    }
}

// A page of a site whose name was made to mean this machine would be this server's own page to its
// reader's browser. Browsers always say whom a request is for.
bool Service::is_for_this_server(const HttpRequest& head) const {
  const auto& allowed = options_.config.allowed_hosts;
  const auto host = head.header("host");
  if (host.empty() || (allowed.empty() && !is_loopback(host_name(options_.config.host))))
    return true;
  const auto name = host_name(host);
  return is_loopback(name) || std::any_of(allowed.begin(), allowed.end(), [&](const auto& one) {
           return one == "*" || host_name(one) == name;
         });
}

std::optional<HttpResponse> Service::refuse(const HttpRequest& head) {
  const auto path = split_target(head.target);
  if (!path) return json_error(400, "expected a path");
  if (!is_for_this_server(head))
    return json_error(403, "expected localhost or a name of --allowed-hosts as Host");
  if (!options_.api_key.empty() && !is_open(*path)) {
    constexpr std::string_view kBearer = "bearer ";  // of any case, as schemes are
    const auto given = head.header("authorization");
    if (to_lower(std::string(given.substr(0, kBearer.size()))) != kBearer ||
        !same_secret(given.substr(kBearer.size()), options_.api_key)) {
      auto response = json_error(401, "expected the header Authorization: Bearer KEY");
      response.headers.emplace_back("WWW-Authenticate", "Bearer");
      return response;
    }
  }
  // A page of somebody else's must not send requests in its reader's name.
  if (const auto origin = head.header("origin"); !origin.empty() && !is_get(head)) {
    const auto scheme = origin.find("://");
    if (scheme == std::string_view::npos || origin.substr(scheme + 3) != head.header("host"))
      return json_error(403, "expected a request of this server's own page");
  }
  if (head.method == "POST" && !path->empty() && !is_open(*path)) {
    const double wait = limiter_.ask(head.client);
    if (wait > 0) return try_later(429, "more requests per second than a client may send", wait);
  }
  return std::nullopt;
}

void Service::handle(const ExchangePtr& exchange) {
  const auto& request = exchange->request();
  const auto path = *split_target(request.target);  // refuse() has seen it
  const bool post = request.method == "POST";
  const bool model = path.size() >= 4 && path[0] == "v2" && path[1] == "models";
  const std::string last = path.empty() ? "" : path.back();
  const bool inference = last == "infer";
  if (model && (inference || last == "explain") && post) {
    const auto begin = [&] {
      return inference ? infer(exchange, path[2]) : explain(exchange, path[2]);
    };
    if (path.size() == 4) return begin();
    if (path.size() == 6 && path[3] == "versions")
      return path[4] == kModelVersion ? begin()
                                      : exchange->respond(unknown_version(path[2], path[4]));
  }
  if (path.size() == 5 && path[0] == "v2" && path[1] == "repository" && path[2] == "models" &&
      (path[4] == "load" || path[4] == "unload") && post)
    return change_repository(exchange, path[3], path[4] == "load");
  exchange->respond(answer(request, path));
}

HttpResponse Service::answer(const HttpRequest& request, const Path& path) {
  const auto unknown = [&] { return json_error(404, "nothing is at " + request.target); };
  if (path.empty()) {
    if (!is_get(request)) return wrong_method("GET");
    return {.content_type = "text/html; charset=utf-8",
            .body = std::string(options_.page),
            .headers = {{"Content-Security-Policy",
                         "default-src 'none'; style-src 'unsafe-inline'; script-src "
                         "'unsafe-inline'; connect-src 'self'; img-src blob: data:; base-uri "
                         "'none'; form-action 'none'; frame-ancestors 'none'"},
                        {"Cache-Control", "no-cache"},
                        {"Referrer-Policy", "no-referrer"}}};
  }
  if (path == Path{"metrics"}) {
    if (!is_get(request)) return wrong_method("GET");
    metrics_.request_bytes = budget_.used();
    return {.content_type = "text/plain; version=0.0.4; charset=utf-8",
            .body = metrics_.text(repository_.platforms())};
  }
  return path[0] == "v2" ? answer_v2(request, path) : unknown();
}

HttpResponse Service::answer_v2(const HttpRequest& request, const Path& path) {
  if (path.size() == 2 && path[1] == "repository") return wrong_method("POST");
  if (path == Path{"v2", "repository", "index"})
    return request.method == "POST" ? repository_index(request) : wrong_method("POST");
  if (path.size() == 5 && path[1] == "repository" && (path[4] == "load" || path[4] == "unload"))
    return wrong_method("POST");
  const bool inference = path.size() >= 4 && path[1] == "models" &&
                         (path.back() == "infer" || path.back() == "explain");
  if (!is_get(request) || inference) return wrong_method(inference ? "POST" : "GET");
  if (path.size() == 1) return server_metadata();
  if (path == Path{"v2", "health", "live"}) return empty_answer();
  if (path == Path{"v2", "health", "ready"}) return empty_answer(draining_ ? 503 : 200);
  if (path == Path{"v2", "models", "stats"}) return statistics("");
  if (path[1] == "models" && path.size() >= 3) return answer_model(request, path);
  return json_error(404, "nothing is at " + request.target);
}

HttpResponse Service::answer_model(const HttpRequest& request, const Path& path) {
  const auto served = repository_.find(path[2]);
  if (!served) return unknown_model(path[2]);
  Path rest(path.begin() + 3, path.end());
  if (rest.size() >= 2 && rest[0] == "versions") {
    if (rest[1] != kModelVersion) return unknown_version(path[2], rest[1]);
    rest.erase(rest.begin(), rest.begin() + 2);
  }
  if (rest.empty()) return model_metadata(*served);
  if (rest == Path{"ready"}) return empty_answer(draining_ ? 503 : 200);
  if (rest == Path{"config"}) return model_config(*served);
  if (rest == Path{"stats"}) return statistics(path[2]);
  return json_error(404, "nothing is at " + request.target);
}

HttpResponse Service::unknown_model(const std::string& name) const {
  const auto near = did_you_mean(name, repository_.ready());
  return json_error(404, fmt::format("Request for unknown model: '{}' is not found{}", name,
                                     near.empty() ? "" : "; " + near));
}

HttpResponse Service::server_metadata() const {
  return {.body = dumped({{"name", "braid"},
                          {"version", version()},
                          {"extensions",
                           Json::array({"classification", "model_configuration", "model_repository",
                                        "statistics", "binary_tensor_data", "parameters"})}})};
}

HttpResponse Service::repository_index(const HttpRequest& request) const {
  bool only_ready = false;
  if (!request.body->empty()) try {
      const Json json = parse_json(*request.body, {.component = "request", .where = "body"});
      only_ready = json.is_object() && json.contains("ready") && json.at("ready") == true;
    } catch (const DataError& error) {
      return json_error(400, error.what());
    }
  Json list = Json::array();
  for (const auto& model : repository_.index())
    if (!only_ready || model.state == "READY")
      list.push_back({{"name", model.name},
                      {"version", kModelVersion},
                      {"state", model.state},
                      {"reason", model.reason}});
  return {.body = dumped(list)};
}

HttpResponse Service::model_metadata(const ServedModel& served) const {
  Json inputs = Json::array(), outputs = Json::array();
  for (const auto& spec : inputs_of(*served.model)) inputs.push_back(spec_json(spec));
  for (const auto& spec : outputs_of(*served.model)) outputs.push_back(spec_json(spec));
  return {.body = dumped({{"name", served.name},
                          {"versions", Json::array({kModelVersion})},
                          {"platform", served.model->platform},
                          {"inputs", inputs},
                          {"outputs", outputs}})};
}

HttpResponse Service::model_config(const ServedModel& served) const {
  const auto described = [](const TensorSpec& spec, bool optional) {
    const std::string type = spec.type == DataType::kBytes ? "STRING" : to_string(spec.type);
    Json json = {{"name", spec.name},
                 {"data_type", "TYPE_" + type},
                 {"dims", std::vector<int64_t>(spec.shape.begin() + 1, spec.shape.end())}};
    if (spec.shape.size() == 1) json["dims"] = Json::array({1});
    if (optional) json["optional"] = true;
    return json;
  };
  Json inputs = Json::array(), outputs = Json::array();
  for (const auto& spec : inputs_of(*served.model)) inputs.push_back(described(spec, true));
  for (const auto& spec : outputs_of(*served.model)) outputs.push_back(described(spec, false));
  Json parameters = {{"label_names", {{"string_value", dumped(Json(served.model->classes))}}},
                     {"explains", {{"string_value", served.model->explainer ? "true" : "false"}}},
                     {"text_pairs", {{"string_value", served.model->pairs ? "true" : "false"}}}};
  if (!served.model->remark.empty())
    parameters["engine_remark"] = {{"string_value", served.model->remark}};
  const auto& options = served.batcher.options();
  return {.body =
              dumped({{"name", served.name},
                      {"platform", served.model->platform},
                      {"backend", "braid"},
                      {"max_batch_size", options.max_batch_size},
                      {"input", inputs},
                      {"output", outputs},
                      {"dynamic_batching",
                       {{"max_queue_delay_microseconds", options.max_queue_delay.count()},
                        {"default_queue_policy", {{"max_queue_size", options.max_queue_size}}}}},
                      {"parameters", parameters}})};
}

HttpResponse Service::statistics(const std::string& name) const {
  Json list = Json::array();
  for (const auto& model : name.empty() ? repository_.ready() : std::vector<std::string>{name}) {
    const auto& m = metrics_.of_model(model);
    const uint64_t succeeded = m.count(Ending::kSuccess);
    uint64_t failed = 0;
    for (int i = 0; i < kEndings; ++i)
      if (static_cast<Ending>(i) != Ending::kSuccess) failed += m.count(static_cast<Ending>(i));
    const auto part = [](uint64_t count, uint64_t ns) {
      return Json{{"count", count}, {"ns", ns}};
    };
    Json batches = Json::array();
    for (const auto& [rows, batch] : m.batches())
      batches.push_back({{"batch_size", rows}, {"compute_infer", part(batch.count, batch.ns)}});
    list.push_back({{"name", model},
                    {"version", kModelVersion},
                    {"last_inference", m.last_inference_ms.load()},
                    {"inference_count", m.rows.load()},
                    {"execution_count", m.executions.load()},
                    {"inference_stats",
                     {{"success", part(succeeded, m.success_ns)},
                      {"fail", part(failed, m.fail_ns)},
                      {"queue", part(succeeded, m.queue_ns)},
                      {"compute_input", part(succeeded, m.prepare_ns)},
                      {"compute_infer", part(succeeded, m.inference_ns)},
                      {"compute_output", part(succeeded, 0)}}},
                    {"batch_stats", batches}});
  }
  return {.body = dumped({{"model_stats", list}})};
}

void Service::change_repository(const ExchangePtr& exchange, const std::string& name, bool load) {
  constexpr int64_t kMostChanges = 16;  // waiting
  if (draining_) return exchange->respond(try_later(503, "the server is about to end", 1));
  if (loader_.waiting() >= kMostChanges)
    return exchange->respond(try_later(503, "other models are being loaded", 1));
  if (load && !exchange->request().body->empty()) try {
      const Json json =
          parse_json(*exchange->request().body, {.component = "request", .where = "body"});
      if (json.is_object() && json.contains("parameters") && !json.at("parameters").empty())
        return exchange->respond(
            json_error(400, "expected no parameters: a model is what its folder says"));
    } catch (const DataError& error) {
      return exchange->respond(json_error(400, error.what()));
    }
  // What was removed from the folder can be unloaded still.
  const bool known = repository_.knows(name) || (!load && repository_.find(name) != nullptr);
  if (!known)
    return exchange->respond(
        json_error(404, fmt::format("failed to {} '{}', no such model in the repository",
                                    load ? "load" : "unload", name)));
  exchange->expire_at(std::chrono::steady_clock::now() + std::chrono::minutes(10));
  loader_.post([this, exchange, name, load] {
    try {
      if (load)
        repository_.load(name);
      else
        repository_.unload(name);
      exchange->respond(empty_answer());
    } catch (const TryAgainError& error) {
      exchange->respond(try_later(503, error.what(), 1));
    } catch (const std::exception& error) {
      exchange->respond(
          json_error(400, fmt::format("failed to load '{}': {}", name, error.what())));
    }
  });
}

}  // namespace braid::serve
