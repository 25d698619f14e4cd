#include "braid/serve/page.h"

// The bytes of page/page.html, see cmake/BraidEmbed.cmake.
extern "C" const char braid_serve_page[], braid_serve_page_end[];

namespace braid::serve {

std::string_view builtin_page() {
  return {braid_serve_page, static_cast<size_t>(braid_serve_page_end - braid_serve_page)};
}

}  // namespace braid::serve
