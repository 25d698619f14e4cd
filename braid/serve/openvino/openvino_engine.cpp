#include "braid/serve/openvino/openvino_engine.h"

#include <dlfcn.h>

#include <cstdlib>
#include <filesystem>
#include <system_error>

#include "braid/core/cpu.h"
#include "braid/core/error.h"
#include "braid/core/version.h"
#include "braid/serve/openvino/module/module.h"

namespace braid::serve {
namespace {

namespace fs = std::filesystem;

constexpr const char* kModule = "libbraid_openvino.so";
constexpr const char* kRemedy = "`make openvino` installs OpenVINO and builds braid with it";

struct LoadedModule {
  const OpenVinoModule* module = nullptr;
  bool built_in = true;
  std::string problem{};  // empty where the module is usable
};

// Where BRAID_OPENVINO_MODULE says, else beside the program, else where the linker looks.
std::string module_file() {
  if (const char* given = std::getenv("BRAID_OPENVINO_MODULE")) return given;
  std::error_code none;
  const auto beside = fs::read_symlink("/proc/self/exe", none).parent_path() / kModule;
  return fs::exists(beside, none) ? beside.string() : kModule;
}

LoadedModule load_module() {
  const auto file = module_file();
  void* handle = ::dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr) {
    const char* said = ::dlerror();
    const std::string why = said != nullptr ? said : "it cannot be loaded";
    // The linker names the file that it does not find: the module, or what the module needs.
    const bool absent = why.starts_with(file + ": cannot open");
    return {.built_in = !absent, .problem = absent ? "this braid was built without it" : why};
  }
  auto* const entry =
      reinterpret_cast<decltype(&braid_openvino_module)>(::dlsym(handle, "braid_openvino_module"));
  const OpenVinoModule* module = entry != nullptr ? entry() : nullptr;
  if (module == nullptr || std::string_view(module->version) != version())
    return {.problem = file + " belongs to another version of braid"};
  return {.module = module, .problem = module->problem()};
}

const LoadedModule& loaded_module() {
  static const LoadedModule loaded = load_module();
  return loaded;
}

}  // namespace

bool openvino_built_in() { return loaded_module().built_in; }

std::string openvino_missing() { return loaded_module().problem; }

std::unique_ptr<Engine> open_openvino(std::string_view onnx, const OpenVinoOptions& options) {
  const auto& loaded = loaded_module();
  if (!loaded.problem.empty())
    throw ConfigError("openvino", "expected OpenVINO, got none: " + loaded.problem, "", kRemedy);
  auto asked = options;
  if (asked.threads == 0) asked.threads = usable_cpus();
  if (asked.dtype == "auto") asked.dtype = cpu_has_bf16_matrix() ? "bfloat16" : "float32";
  return loaded.module->open(onnx, asked);
}

}  // namespace braid::serve
