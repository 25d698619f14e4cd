#include "braid/io/hub_settings.h"

#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdlib>

#include "braid/core/error.h"
#include "braid/io/atomic_file.h"
#include "braid/io/http.h"

namespace braid::io {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kMaxTokenFile = 4096;  // bytes

// The first of the variables that is set; an empty one counts as unset.
std::string variable(std::initializer_list<const char*> names) {
  for (const char* name : names)
    if (const char* value = std::getenv(name); value != nullptr && *value != '\0') return value;
  return "";
}

bool is_true(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return text == "1" || text == "ON" || text == "YES" || text == "TRUE";
}

std::string home_folder() {
  std::string home = variable({"HOME"});
  if (!home.empty()) return home;
  passwd entry{}, *user = nullptr;
  std::array<char, 1 << 14> texts{};  // what the entry points to
  ::getpwuid_r(::getuid(), &entry, texts.data(), texts.size(), &user);
  return user != nullptr ? user->pw_dir : ".";
}

// `~/` at the beginning, then $NAME and ${NAME}, as Python's expanduser and expandvars.
fs::path expand(std::string text) {
  if (text == "~" || text.starts_with("~/")) text.replace(0, 1, home_folder());
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    const bool braces = text.compare(i, 2, "${") == 0;
    const size_t begin = i + (braces ? 2 : 1);
    size_t end = begin;
    while (text[i] == '$' && end < text.size() &&
           (std::isalnum(static_cast<unsigned char>(text[end])) || text[end] == '_'))
      ++end;
    const char* value = end > begin && (!braces || (end < text.size() && text[end] == '}'))
                            ? std::getenv(text.substr(begin, end - begin).c_str())
                            : nullptr;
    if (value == nullptr) {
      out += text[i];
      continue;
    }
    out += value;
    i = braces ? end : end - 1;
  }
  return out;
}

fs::path hf_home() {
  const std::string home = variable({"HF_HOME"});
  if (!home.empty()) return expand(home);
  const std::string cache = variable({"XDG_CACHE_HOME"});
  return expand(cache.empty() ? "~/.cache" : cache) / "huggingface";
}

std::string clean_token(std::string token, const std::string& where) {
  std::erase_if(token, [](char c) { return c == '\r' || c == '\n'; });
  const size_t begin = token.find_first_not_of(" \t");
  if (begin == std::string::npos) return "";
  token = token.substr(begin, token.find_last_not_of(" \t") - begin + 1);
  // It becomes a line of the request's head.
  if (!std::all_of(token.begin(), token.end(), [](char c) { return c > 0x20 && c < 0x7f; }))
    throw ConfigError("hub", "expected a token of printable characters", where,
                      "copy it again from the hub's settings, or unset it");
  return token;
}

std::string read_token() {
  if (is_true(variable({"HF_HUB_DISABLE_IMPLICIT_TOKEN"}))) return "";
  std::string given = clean_token(variable({"HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"}), "HF_TOKEN");
  if (!given.empty()) return given;
  const std::string path = variable({"HF_TOKEN_PATH"});
  const fs::path file = path.empty() ? hf_home() / "token" : expand(path);
  std::error_code error;
  if (!fs::is_regular_file(file, error)) return "";
  const auto bytes = read_file(file, kMaxTokenFile);
  return clean_token({bytes.begin(), bytes.end()}, file.string());
}

}  // namespace

HubSettings hub_settings_from_environment() {
  HubSettings settings;
  if (const std::string endpoint = variable({"HF_ENDPOINT"}); !endpoint.empty())
    settings.endpoint = endpoint;
  while (settings.endpoint.ends_with('/')) settings.endpoint.pop_back();
  if (url_origin(settings.endpoint).empty() || settings.endpoint.find('@') != std::string::npos)
    throw ConfigError("hub", "expected an http or https address without a password", "HF_ENDPOINT",
                      std::string("unset it to use ") + kPublicHub);
  const std::string cache = variable({"HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"});
  settings.cache = cache.empty() ? hf_home() / "hub" : expand(cache);
  settings.token = read_token();
  settings.offline = is_true(variable({"HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"}));
  return settings;
}

}  // namespace braid::io
