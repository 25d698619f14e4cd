#include "braid/serve/metrics.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <fstream>
#include <iterator>

namespace braid::serve {
namespace {

std::vector<double> batch_bounds() {
  std::vector<double> bounds;
  for (int rows = 1; rows <= 1024; rows *= 2) bounds.push_back(rows);
  return bounds;
}

// A label's value.
std::string escaped(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '\\' || c == '"') out += '\\';
    out += c;
  }
  return out;
}

void write_head(std::string& out, const char* name, const char* type, const char* help) {
  fmt::format_to(std::back_inserter(out), "# HELP {} {}\n# TYPE {} {}\n", name, help, name, type);
}

int64_t resident_bytes() {
  std::ifstream in("/proc/self/statm");
  int64_t size = 0, resident = 0;
  in >> size >> resident;
  return resident * ::sysconf(_SC_PAGESIZE);
}

}  // namespace

std::vector<double> latency_bounds(double least, double most, int per_decade) {
  std::vector<double> bounds;
  for (int i = 0;; ++i) {
    const double bound = least * std::pow(10, static_cast<double>(i) / per_decade);
    if (bound > most * 1.0001) return bounds;
    // Three digits, so that series keep their names.
    const double digit = std::pow(10, std::floor(std::log10(bound)) - 2);
    bounds.push_back(std::round(bound / digit) * digit);
  }
}

Histogram::Histogram(std::vector<double> bounds)
    : bounds_(std::move(bounds)),
      buckets_(std::make_unique<std::atomic<uint64_t>[]>(bounds_.size() + 1)) {}

void Histogram::observe(double value) {
  const auto at = std::lower_bound(bounds_.begin(), bounds_.end(), value) - bounds_.begin();
  buckets_[static_cast<size_t>(at)].fetch_add(1, std::memory_order_relaxed);
  sum_.fetch_add(value, std::memory_order_relaxed);
}

void Histogram::write(std::string& out, const std::string& name, const std::string& labels) const {
  auto to = std::back_inserter(out);
  uint64_t count = 0;
  for (size_t i = 0; i <= bounds_.size(); ++i) {
    count += buckets_[i].load(std::memory_order_relaxed);
    if (i < bounds_.size())
      fmt::format_to(to, "{}_bucket{{{},le=\"{:.4g}\"}} {}\n", name, labels, bounds_[i], count);
    else
      fmt::format_to(to, "{}_bucket{{{},le=\"+Inf\"}} {}\n", name, labels, count);
  }
  fmt::format_to(to, "{}_sum{{{}}} {}\n{}_count{{{}}} {}\n", name, labels, sum_.load(), name,
                 labels, count);
}

const char* to_string(Ending ending) {
  constexpr std::array<const char*, kEndings> words = {"success", "invalid",   "overload",
                                                       "timeout", "cancelled", "failed"};
  return words[static_cast<size_t>(ending)];
}

// Fine where quantiles are read from it: 12 % from bound to bound.
ModelMetrics::ModelMetrics()
    : request(latency_bounds(1e-4, 100, 20)),
      prepare(latency_bounds(1e-5, 10, 5)),
      queue(latency_bounds(1e-5, 100, 5)),
      inference(latency_bounds(1e-4, 100, 10)),
      batch_rows(batch_bounds()) {}

void ModelMetrics::add_batch(int64_t rows_of_batch, uint64_t ns) {
  inference.observe(static_cast<double>(ns) / 1e9);
  batch_rows.observe(static_cast<double>(rows_of_batch));
  rows += static_cast<uint64_t>(rows_of_batch);
  ++executions;
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  last_inference_ms =
      static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(now).count());
  const std::lock_guard lock(mutex_);
  auto& size = batches_[rows_of_batch];
  ++size.count;
  size.ns += ns;
}

std::map<int64_t, ModelMetrics::BatchSize> ModelMetrics::batches() const {
  const std::lock_guard lock(mutex_);
  return batches_;
}

ModelMetrics& Metrics::of_model(const std::string& name) {
  const std::lock_guard lock(mutex_);
  auto& metrics = models_[name];
  if (!metrics) metrics = std::make_unique<ModelMetrics>();
  return *metrics;
}

void Metrics::count_response(int status) {
  const std::lock_guard lock(mutex_);
  ++responses_[status];
}

std::string Metrics::text(const std::map<std::string, std::string>& ready) const {
  const std::lock_guard lock(mutex_);
  std::string out;
  auto to = std::back_inserter(out);
  const auto label = [](const std::string& model) {
    return fmt::format("model=\"{}\"", escaped(model));
  };
  const auto each_histogram = [&](const char* name, const char* help,
                                  Histogram ModelMetrics::*member) {
    write_head(out, name, "histogram", help);
    for (const auto& [model, metrics] : models_)
      (metrics.get()->*member).write(out, name, label(model));
  };
  const auto each_number = [&](const char* name, const char* type, const char* help,
                               const auto& value) {
    write_head(out, name, type, help);
    for (const auto& [model, metrics] : models_)
      fmt::format_to(to, "{}{{{}}} {}\n", name, label(model), value(*metrics));
  };
  const auto each_ending = [&](const char* name, const char* help, const auto& count) {
    write_head(out, name, "counter", help);
    for (const auto& [model, metrics] : models_)
      for (int i = 0; i < kEndings; ++i) {
        const auto ending = static_cast<Ending>(i);
        fmt::format_to(to, "{}{{{},outcome=\"{}\"}} {}\n", name, label(model), to_string(ending),
                       count(*metrics, ending));
      }
  };
  const auto one_number = [&](const char* name, const char* type, const char* help,
                              const auto value) {
    write_head(out, name, type, help);
    fmt::format_to(to, "{} {}\n", name, value);
  };
  each_histogram(
      "braid_request_duration_seconds",
      "From a request's first byte to the last of its answer, of requests that succeeded.",
      &ModelMetrics::request);
  each_histogram("braid_prepare_duration_seconds", "Reading, decoding and tokenizing of a request.",
                 &ModelMetrics::prepare);
  each_histogram("braid_queue_duration_seconds", "Waiting for a batch.", &ModelMetrics::queue);
  each_histogram("braid_inference_duration_seconds", "The model's work on a batch.",
                 &ModelMetrics::inference);
  each_histogram("braid_batch_size", "Rows of a batch.", &ModelMetrics::batch_rows);
  each_ending("braid_requests_total", "Requests for inference by how they ended.",
              [](const ModelMetrics& m, Ending ending) { return m.count(ending); });
  each_ending("braid_explanations_total", "Explanations by how they ended.",
              [](const ModelMetrics& m, Ending ending) {
                return m.explained[static_cast<size_t>(ending)].load();
              });
  each_number("braid_rows_total", "counter", "Images or texts that a model has seen.",
              [](const ModelMetrics& m) { return m.rows.load(); });
  each_number("braid_queue_size", "gauge", "Requests that are prepared or wait for a batch.",
              [](const ModelMetrics& m) { return m.waiting.load(); });
  write_head(out, "braid_model_ready", "gauge", "1: the model answers.");
  for (const auto& [model, metrics] : models_)
    fmt::format_to(to, "braid_model_ready{{{}}} {}\n", label(model), ready.contains(model) ? 1 : 0);
  write_head(out, "braid_model_info", "gauge", "What computes a model that answers.");
  for (const auto& [model, platform] : ready)
    fmt::format_to(to, "braid_model_info{{{},platform=\"{}\"}} 1\n", label(model), platform);
  write_head(out, "braid_http_responses_total", "counter", "Answers by status.");
  for (const auto& [status, count] : responses_)
    fmt::format_to(to, "braid_http_responses_total{{code=\"{}\"}} {}\n", status, count);
  one_number("braid_connections", "gauge", "Open connections.", connections.load());
  one_number("braid_connections_total", "counter", "Connections so far.", connections_total.load());
  one_number("braid_connections_refused_total", "counter", "Connections beyond the limit.",
             connections_refused.load());
  one_number("braid_connections_timed_out_total", "counter",
             "Connections that were closed because their client was too slow.",
             timed_out_connections.load());
  one_number("braid_requests_in_progress", "gauge", "Requests without an answer.",
             requests_in_progress.load());
  one_number("braid_request_memory_bytes", "gauge", "Bytes of requests that are held.",
             request_bytes.load());
  one_number("process_resident_memory_bytes", "gauge", "Resident memory.", resident_bytes());
  return out;
}

}  // namespace braid::serve
