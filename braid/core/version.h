#pragma once

namespace braid {

// "MAJOR.MINOR.PATCH"
const char* version();

}  // namespace braid
