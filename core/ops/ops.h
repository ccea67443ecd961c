// All ops: keratin::ops.
#pragma once

#include "keratin/core/ops/activations.h"
#include "keratin/core/ops/color.h"
#include "keratin/core/ops/conv.h"
#include "keratin/core/ops/ctc.h"
#include "keratin/core/ops/einsum.h"
#include "keratin/core/ops/elementwise.h"
#include "keratin/core/ops/gather.h"
#include "keratin/core/ops/image.h"
#include "keratin/core/ops/matmul.h"
#include "keratin/core/ops/pool.h"
#include "keratin/core/ops/random.h"
#include "keratin/core/ops/reduce.h"
#include "keratin/core/ops/scan.h"
#include "keratin/core/ops/shaping.h"
#include "keratin/core/ops/softmax.h"
#include "keratin/core/ops/update.h"
