// Opens cuBLASLt and cuDNN where they were found and fills their tables.
#pragma once

#include <string>

#include "keratin/backends/cuda/api/blas.h"
#include "keratin/backends/cuda/api/dnn.h"
#include "keratin/backends/cuda/probe/library_search.h"

namespace keratin::cuda {

// False with a reason when the library, a part of it or one of its functions is not there.
bool open_blas(const probe::LibrarySearch& found, blas::Api& api, std::string& reason);
bool open_dnn(const probe::LibrarySearch& found, dnn::Api& api, std::string& reason);
// For libraries that others look for by name; nothing is lost when it cannot be opened.
void open_for_others(const probe::LibrarySearch& found);

}  // namespace keratin::cuda
