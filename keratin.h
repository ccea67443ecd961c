// Keratin's front door: everything a program needs to build, train, evaluate and save a model.
#pragma once

#include "keratin/core/model/naming.h"
#include "keratin/core/ops/ops.h"
#include "keratin/core/runtime/device.h"
#include "keratin/core/tensor/errors.h"
#include "keratin/core/tensor/log.h"
#include "keratin/core/tensor/tensor.h"
#include "keratin/core/training/callbacks/callbacks.h"
#include "keratin/core/training/model.h"
#include "keratin/core/training/predictor.h"
#include "keratin/core/training/preprocess.h"
#include "keratin/core/training/sequential.h"
#include "keratin/core/training/training_step.h"
#include "keratin/io/datasets.h"
#include "keratin/layers/layers.h"
