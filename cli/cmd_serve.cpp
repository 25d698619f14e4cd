// braid serve: checkpoints and exported files behind HTTP.
#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>

#include "braid/core/error.h"
#include "braid/data/run_fields.h"
#include "braid/runtime/process.h"
#include "braid/serve/server.h"
#include "braid/serve/torch/load_model.h"
#include "cli/command.h"

namespace braid::cli {
namespace {

constexpr const char* kServeFooter = R"(Examples:
  braid serve --model shirts=runs/fashion
  braid serve --model runs/fashion --model reviews=runs/sst2 --max-batch-size 64
  braid serve --model-repository models/ --host 0.0.0.0 --api-key-file key.txt
  braid serve --model shirts=fashion.int8.onnx --engine braid-run
  curl -s localhost:8000/v2/models/shirts/infer -H 'Inference-Header-Content-Length: 0' --data-binary @boot.jpg

A page to try the models is at the server's address, its metrics at /metrics. SIGTERM and Ctrl-C answer what was
asked, then end.)";

struct ServeFlags {
  std::vector<std::string> models;
  std::string repository, api_key, api_key_file;
  bool has_key = false, has_key_file = false;  // whether they were given, empty or not
};

struct ServeOptions {
  serve::ServeConfig server;
  serve::ModelOptions model;
  void visit(FieldVisitor& v) {
    server.visit(v);
    v.field(
        "engine", model.engine,
        "what computes; auto: LibTorch, of exported files braid-run; or OpenVINO where "
        "`make openvino` built it in, it takes the model and answers faster when both are timed "
        "at the start",
        {.choices = {"auto", "libtorch", "openvino", "braid-run"}});
    v.field("max_pixels", model.max_pixels, "pixels of an image that is sent",
            {.least = 1, .most = 178'956'970});
    v.field(data::truncate_field(), model.truncate);
    v.field("threads", model.threads,
            "threads that compute a batch at most, 0: one per processor; LibTorch takes as many of "
            "them as each batch is fastest with",
            {.least = 0});
    v.field(data::device_field(), model.device);
    v.field(data::dtype_field(), model.dtype);
  }
};

// NAME=CHECKPOINT, or a checkpoint that is named after its folder, an exported file without .onnx.
serve::ModelSource model_source(const std::string& text) {
  const auto equals = text.find('=');
  if (equals != std::string::npos)
    return {.name = text.substr(0, equals), .source = text.substr(equals + 1)};
  const auto path = std::filesystem::path(text).lexically_normal();
  const auto last = (path.has_filename() ? path : path.parent_path()).filename();
  return {.name = (last.extension() == ".onnx" ? last.stem() : last).string(), .source = text};
}

// Without the white space at its ends, the line's own "\r" too: a header's value never has any.
std::string without_spaces(const std::string& key) {
  constexpr const char* kSpaces = " \t\r\n";
  const size_t begin = key.find_first_not_of(kSpaces);
  if (begin == std::string::npos) return "";
  return key.substr(begin, key.find_last_not_of(kSpaces) - begin + 1);
}

// An empty key is one that was forgotten, and no wish to let everybody in.
std::string needed_key(const std::string& given, const std::string& where) {
  auto key = without_spaces(given);
  if (key.empty())
    throw UsageError("serve", "expected a key, got an empty one", where,
                     "give a key, or leave it out, and requests need none");
  return key;
}

// A key on the command line is seen by whoever lists the processes; a file and the environment are
// not. "": none is needed.
std::string read_api_key(const ServeFlags& flags) {
  if (flags.has_key) return needed_key(flags.api_key, "--api-key");
  if (!flags.has_key_file) {
    const char* key = std::getenv("BRAID_API_KEY");
    return key != nullptr ? needed_key(key, "BRAID_API_KEY") : "";
  }
  std::ifstream in(flags.api_key_file);
  std::string key;
  if (in) std::getline(in, key);
  key = without_spaces(key);
  if (key.empty())
    throw IoError("serve", "expected a key in the first line", flags.api_key_file,
                  "write one into it, or leave out --api-key-file");
  return key;
}

// A connection is a descriptor, and shells allow few of them unless asked.
void raise_descriptor_limit(serve::ServeConfig& config) {
  constexpr int64_t kOthers = 64;
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY)
    config.max_connections = std::max<int64_t>(
        1, std::min(config.max_connections, static_cast<int64_t>(limit.rlim_cur) - kOthers));
}

void run(const ServeFlags& flags, const Json& given) {
  ServeOptions options;
  update_from_json(options, given, "flags");
  check_fields<UsageError>(options, "serve");
  if (flags.models.empty() && flags.repository.empty())
    throw UsageError("serve", "expected a model, got none", "",
                     "give --model NAME=CHECKPOINT or --model-repository FOLDER");
  std::vector<serve::ModelSource> models;
  for (const auto& model : flags.models) models.push_back(model_source(model));
  options.model.threads = runtime::set_threads(options.model.threads);
  raise_descriptor_limit(options.server);
  const auto progress = make_terminal_progress();
  const auto stop = stop_on_interrupt();
  serve::Server server(
      {.config = options.server,
       .models = models,
       .repository = flags.repository,
       .api_key = read_api_key(flags)},
      [model = options.model](const std::string& source) {
        Progress silent;  // several may be loaded at once
        return serve::load_model(source, model, silent);
      },
      *progress);
  fmt::print("Listening on {}\n", server.address());
  std::fflush(stdout);
  const int64_t left = server.run(stop, *progress);
  if (left > 0)
    throw TryAgainError("serve", fmt::format("ended with {} requests unanswered", left), "",
                        "give it longer: --drain-timeout");
}

}  // namespace

void add_serve(CLI::App& program) {
  auto* verb = program.add_subcommand(
      "serve", "Answer requests over HTTP with checkpoints or exported models");
  verb->footer(kServeFooter);
  auto o = std::make_shared<ServeFlags>();
  // Called whenever the flag comes, with what stands behind it: they add up.
  const auto add_models = [o](const std::vector<std::string>& models) {
    o->models.insert(o->models.end(), models.begin(), models.end());
  };
  verb->add_option_function<std::vector<std::string>>(
      "--model", add_models,
      "NAME=CHECKPOINT, or a checkpoint that goes by its folder's name: a run's or a checkpoint's "
      "folder, hf-hub:OWNER/NAME, or an exported .onnx file; several may be given");
  verb->add_option(
      "--model-repository", o->repository,
      "folder whose folders are checkpoints, and files NAME.onnx exported models; they can be "
      "loaded and unloaded");
  verb->add_option(
      "--api-key", o->api_key,
      "key that requests must bring, Authorization: Bearer KEY; better in a file, or in "
      "the variable BRAID_API_KEY");
  verb->add_option("--api-key-file", o->api_key_file, "file with the key in its first line");
  auto flags = std::make_shared<ConfigFlags>(*verb, ServeOptions());
  verb->callback([=] {
    o->has_key = verb->count("--api-key") > 0;
    o->has_key_file = verb->count("--api-key-file") > 0;
    run(*o, flags->given());
  });
}

}  // namespace braid::cli
