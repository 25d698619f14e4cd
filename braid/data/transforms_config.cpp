#include "braid/data/transforms.h"
