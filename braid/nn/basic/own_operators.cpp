#include "braid/nn/basic/own_operators.h"

#include <utility>

namespace braid::nn {
namespace {

thread_local bool within = false;

}  // namespace

OwnOperators::OwnOperators() : before_(std::exchange(within, true)) {}
OwnOperators::~OwnOperators() { within = before_; }
bool OwnOperators::in_scope() { return within; }

}  // namespace braid::nn
