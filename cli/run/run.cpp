#include "cli/run/run.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <optional>
#include <utility>

#include "braid/core/error.h"
#include "braid/core/json.h"
#include "braid/decoding/encoder_decoder_files.h"
#include "braid/io/asked_text.h"
#include "braid/io/image.h"
#include "braid/runner/encoder_decoder.h"
#include "braid/runner/image_input.h"
#include "braid/runner/labels.h"
#include "braid/runner/tensor_files.h"
#include "braid/runner/text_input.h"
#include "braid/text/whole_text.h"
#include "cli/run/json_list.h"
#include "cli/run/translate.h"

namespace braid::cli {
namespace {

using runner::DType;
using runner::Session;
using runner::Tensor;

class Printer {
 public:
  // what: "file" or "text", which an item is named by in JSON.
  Printer(bool json, std::string what) : what_(std::move(what)) {
    if (json) list_.emplace();
  }

  // cut: the beginning of a text alone was read.
  void print(const std::string& item, const std::vector<runner::Label>& labels, bool cut = false) {
    if (!list_) {
      fmt::print("{}\n", item);
      for (const auto& label : labels)
        fmt::print("  {:5.1f}%  {}\n", 100 * label.probability, label.name);
      return;
    }
    Json predictions = Json::array();
    for (const auto& label : labels)
      predictions.push_back(
          {{"class", label.name}, {"index", label.index}, {"probability", label.probability}});
    Json printed = {{what_, item}, {"predictions", predictions}};
    if (cut) printed["cut"] = true;
    list_->print(printed);
  }

 private:
  std::string what_;
  std::optional<JsonList> list_;  // of JSON
};

void label_images(const RunOptions& options, Session& session) {
  const runner::ImageInput input(session);
  const auto names = runner::label_names(session);
  Printer printer(options.format == "json", "file");
  for (const auto& file : options.items) {
    const auto outputs =
        session.run({{session.inputs()[0].name, input.prepare(session, io::read_image(file))}});
    printer.print(file, runner::top_labels(session, outputs.at(0), names, options.top));
  }
}

void label_texts(const RunOptions& options, Session& session) {
  const runner::TextInput input(session);
  const auto names = runner::label_names(session);
  Printer printer(options.format == "json", "text");
  size_t cut = 0;
  for (size_t i = 0; i < options.texts.size(); ++i) {
    const auto place = fmt::format("text {}", i + 1);
    const auto encoding =
        input.encode(io::parse_asked_text(options.texts[i], input.pairs(), place));
    const auto length = static_cast<int64_t>(encoding.ids.size());
    if (!options.truncate) text::expect_whole(encoding.truncated, length, place);
    cut += encoding.truncated > 0 ? 1 : 0;
    const auto outputs = session.run(input.prepare(session, encoding));
    printer.print(options.texts[i], runner::top_labels(session, outputs.at(0), names, options.top),
                  encoding.truncated > 0);
  }
  if (cut > 0)
    fmt::print(stderr, "{} of {} texts {} cut to what the model reads.\n", cut,
               options.texts.size(), cut == 1 ? "is" : "are");
}

// One of each input: free sizes are 1, of the rest of images 224, of texts so many tokens.
std::map<std::string, Tensor> made_up_inputs(const RunOptions& options, const Session& session) {
  std::map<std::string, Tensor> inputs;
  for (const auto& value : session.inputs()) {
    auto dims = value.dims;
    for (size_t d = 0; d < dims.size(); ++d)
      if (dims[d] < 0) dims[d] = d == 0 ? 1 : dims.size() == 2 ? options.length : 224;
    Tensor tensor = session.make(value.dtype, dims);
    for (int64_t i = 0; i < tensor.count(); ++i)
      if (value.dtype == DType::kFloat)
        tensor.as<float>()[i] = static_cast<float>(std::sin(0.37 * static_cast<double>(i)));
      else if (value.dtype == DType::kInt64)
        tensor.as<int64_t>()[i] = value.name == "token_type_ids" ? 0 : 1;
      else
        std::fill_n(tensor.raw() + i * static_cast<int64_t>(size_of(value.dtype)),
                    size_of(value.dtype), std::byte{1});
    inputs[value.name] = tensor;
  }
  return inputs;
}

void benchmark(const RunOptions& options, Session& session) {
  using Clock = std::chrono::steady_clock;
  const auto inputs = made_up_inputs(options, session);
  const auto run_once = [&] {
    const auto begin = Clock::now();
    session.run(inputs);
    return std::chrono::duration<double, std::milli>(Clock::now() - begin).count();
  };
  const double first = run_once();
  for (int i = 0; i < 2; ++i) run_once();
  session.measure(options.profile);
  std::vector<double> times;
  times.reserve(static_cast<size_t>(options.benchmark));
  for (int64_t i = 0; i < options.benchmark; ++i) times.push_back(run_once());
  std::sort(times.begin(), times.end());
  const auto at = [&](double share) {
    return times[static_cast<size_t>(std::llround(share * static_cast<double>(times.size() - 1)))];
  };
  Json by_type = Json::object();
  if (options.profile)
    for (const auto& [type, seconds] : session.seconds_by_type())
      by_type[type] = 1000 * seconds / static_cast<double>(options.benchmark);
  if (options.format == "json") {
    Json result = {{"runs", options.benchmark},
                   {"threads", options.threads},
                   {"kernels", runner::kernels().name},
                   {"first_ms", first},
                   {"p50_ms", at(0.5)},
                   {"p90_ms", at(0.9)},
                   {"least_ms", times.front()}};
    if (options.profile) result["ms_by_operator"] = by_type;
    fmt::print("{}\n", result.dump(2));
    return;
  }
  fmt::print(
      "{} runs, {} thread{}, {}: p50 {:.2f} ms, p90 {:.2f} ms, least {:.2f} ms, first {:.2f} ms\n",
      options.benchmark, options.threads, options.threads == 1 ? "" : "s", runner::kernels().name,
      at(0.5), at(0.9), times.front(), first);
  for (const auto& [type, ms] : by_type.items())
    fmt::print("  {:24} {:8.3f} ms\n", type, ms.get<double>());
}

Json description_of(const Session& session) {
  Json json = {{"inputs", Json::array()}, {"outputs", Json::array()}};
  const auto add = [&](const char* key, const std::vector<runner::FileValue>& values) {
    for (const auto& value : values) {
      Json shape = Json::array();
      for (size_t d = 0; d < value.dims.size(); ++d)
        if (value.dims[d] >= 0)
          shape.push_back(value.dims[d]);
        else
          shape.push_back(value.dim_names[d].empty() ? "?" : value.dim_names[d]);
      json[key].push_back(
          {{"name", value.name}, {"dtype", to_string(value.dtype)}, {"shape", shape}});
    }
  };
  add("inputs", session.inputs());
  add("outputs", session.outputs());
  const auto architecture = session.metadata().find("architecture");
  if (architecture != session.metadata().end()) json["architecture"] = architecture->second;
  json["operators"] = session.steps();
  return json;
}

void print_json(const Json& json) {
  fmt::print("{}\n", json.dump(2, ' ', false, Json::error_handler_t::replace));
}

void print_description(const Json& json) {
  for (const char* key : {"inputs", "outputs"})
    for (const auto& value : json[key])
      fmt::print("{} {} {} {}\n", key, value["name"].get<std::string>(),
                 value["dtype"].get<std::string>(), value["shape"].dump());
  fmt::print("operators {}\n", json["operators"].get<size_t>());
}

void describe(const RunOptions& options, const Session& session) {
  const Json json = description_of(session);
  if (options.format == "json")
    print_json(json);
  else
    print_description(json);
}

void describe_translator(const RunOptions& options) {
  const auto model = runner::EncoderDecoder::open(options.model, session_options(options));
  Json json = {{decoding::kEncoderPart, description_of(model.encoder())},
               {decoding::kDecoderPart, description_of(model.decoder())}};
  if (const auto* past = model.decoder_with_past())
    json[decoding::kDecoderWithPastPart] = description_of(*past);
  if (options.format == "json") return print_json(json);
  for (const auto& [part, description] : json.items()) {
    fmt::print("{}\n", part);
    print_description(description);
  }
}

// Of what one file alone can do.
void refuse_flag(bool given, const char* flag) {
  if (given)
    throw UsageError("cli", "expected one file of a model, got a translator's folder", flag,
                     "name one of its files, such as FOLDER/encoder_model.onnx");
}

void refuse_search(const RunOptions& options, const Session& session) {
  for (const auto& [flag, value] :
       {std::pair("--num-beams", options.num_beams), std::pair("--max-length", options.max_length)})
    if (value != 0)
      throw UsageError("cli", "expected a translator's folder, got " + session.where(), flag,
                       "only a model that writes texts searches for them");
}

void refuse_part(const Session& session) {
  const auto part = session.metadata().find(decoding::kPartKey);
  if (part != session.metadata().end())
    throw DataError("runner", "expected a whole model, got a translator's " + part->second,
                    session.where(),
                    "give the folder that has all its files, as `braid-run FOLDER`");
}

}  // namespace

void run(const RunOptions& options) {
  if (options.input.empty() != options.output.empty())
    throw UsageError("cli", "expected --input and --output together, got one of them");
  const bool any_items = !options.items.empty() || !options.texts.empty();
  if (is_translator(options)) {
    refuse_flag(!options.input.empty(), "--input");
    refuse_flag(options.benchmark > 0, "--benchmark");
    return any_items ? translate(options) : describe_translator(options);
  }
  const auto session = Session::open(options.model, session_options(options));
  refuse_search(options, *session);
  if (any_items) refuse_part(*session);
  if (!options.input.empty())
    runner::write_outputs(*session, session->run(runner::read_inputs(*session, options.input)),
                          options.output);
  if (!options.items.empty()) label_images(options, *session);
  if (!options.texts.empty()) label_texts(options, *session);
  if (options.benchmark > 0) benchmark(options, *session);
  if (options.input.empty() && !any_items && options.benchmark == 0) describe(options, *session);
}

}  // namespace braid::cli
