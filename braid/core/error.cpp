#include "braid/core/error.h"

namespace braid {
namespace {
std::string compose(const std::string& component, const std::string& message,
                    const std::string& where, const std::string& remedy) {
  std::string text = "[" + component + "] " + message;
  if (!where.empty()) text += " (" + where + ")";
  if (!remedy.empty()) text += "; " + remedy;
  return text;
}
}  // namespace

Error::Error(ExitCode code, const std::string& component, const std::string& message,
             const std::string& where, const std::string& remedy)
    : std::runtime_error(compose(component, message, where, remedy)), code_(code) {}

}  // namespace braid
