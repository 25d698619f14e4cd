// What the environment says about the Hugging Face hub, with huggingface_hub's variables.
#pragma once
#include <chrono>
#include <filesystem>
#include <string>

namespace braid::io {

inline constexpr const char* kPublicHub = "https://huggingface.co";

struct HubSettings {
  std::string endpoint = kPublicHub;  // without a slash at the end
  std::filesystem::path cache;        // shared with huggingface_hub
  std::string token;                  // empty: none
  bool offline = false;               // the cache alone, no request

  // Requests that fail for a passing reason.
  int attempts = 5;                            // in a row without progress
  std::chrono::milliseconds first_wait{1000};  // doubled each time
  std::chrono::milliseconds longest_wait{8000};
  std::chrono::seconds longest_retry_after{60};  // a server that asks for more is not waited for
};

// HF_ENDPOINT; HF_HUB_CACHE, HF_HOME, XDG_CACHE_HOME; HF_TOKEN, HF_TOKEN_PATH,
// HF_HUB_DISABLE_IMPLICIT_TOKEN; HF_HUB_OFFLINE; and the names they had before. Throws ConfigError
// naming the variable.
HubSettings hub_settings_from_environment();

}  // namespace braid::io
