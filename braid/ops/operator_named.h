// A registered operator, with the dispatcher: what watches operators sees its calls.
#pragma once
#include <ATen/core/dispatch/Dispatcher.h>

namespace braid::ops {

template <class Signature>
c10::TypedOperatorHandle<Signature> operator_named(const char* name) {
  return c10::Dispatcher::singleton().findSchemaOrThrow(name, "").typed<Signature>();
}

}  // namespace braid::ops
