// What nearly all tests of rooms above LibTorch include.
#pragma once
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "braid/pch.h"
