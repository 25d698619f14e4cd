#include "braid/core/version.h"

namespace braid {

const char* version() { return BRAID_VERSION; }

}  // namespace braid
