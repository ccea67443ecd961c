// Keratin's front door: everything a program needs to build, train, evaluate and save a model.
#pragma once

#include "keratin/core/tensor/tensor.h"
