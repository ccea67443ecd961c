# libkeratin: core, layers, io and the CPU backend.
find_package(Threads REQUIRED)
find_package(Eigen3 3.4 REQUIRED NO_MODULE)
find_package(fmt REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(ZLIB REQUIRED)
find_package(HDF5 REQUIRED COMPONENTS C)
# libzip's own CMake package also asks for its command-line tools, which Debian packages apart.
find_path(KERATIN_ZIP_INCLUDE zip.h REQUIRED)
find_library(KERATIN_ZIP_LIBRARY zip REQUIRED)

file(GLOB_RECURSE KERATIN_SOURCES CONFIGURE_DEPENDS
  ${CMAKE_CURRENT_SOURCE_DIR}/core/*.cpp
  ${CMAKE_CURRENT_SOURCE_DIR}/layers/*.cpp
  ${CMAKE_CURRENT_SOURCE_DIR}/io/*.cpp
  ${CMAKE_CURRENT_SOURCE_DIR}/backends/cpu/*.cpp
  ${CMAKE_CURRENT_SOURCE_DIR}/backends/cuda/probe/*.cpp)  # why a GPU cannot be used; needs no toolkit
list(FILTER KERATIN_SOURCES EXCLUDE REGEX "/backends/cpu/simd/")
file(GLOB KERATIN_SIMD_SOURCES CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/backends/cpu/simd/*.cpp)
file(GLOB KERATIN_BF16_SOURCES CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/backends/cpu/simd/bf16/*.cpp)
# Headers in a detail/ folder are ours alone; everything else in these rooms is public.
file(GLOB_RECURSE KERATIN_PUBLIC_HEADERS CONFIGURE_DEPENDS
  RELATIVE ${CMAKE_CURRENT_SOURCE_DIR}
  ${CMAKE_CURRENT_SOURCE_DIR}/core/*.h
  ${CMAKE_CURRENT_SOURCE_DIR}/layers/*.h
  ${CMAKE_CURRENT_SOURCE_DIR}/io/*.h)
list(FILTER KERATIN_PUBLIC_HEADERS EXCLUDE REGEX "/detail/")
list(TRANSFORM KERATIN_PUBLIC_HEADERS PREPEND "${KERATIN_INCLUDE_DIR}/keratin/")
list(APPEND KERATIN_PUBLIC_HEADERS "${KERATIN_INCLUDE_DIR}/keratin/keratin.h")

add_library(keratin ${KERATIN_SOURCES})
add_library(keratin::keratin ALIAS keratin)
target_sources(keratin PUBLIC FILE_SET HEADERS BASE_DIRS ${KERATIN_INCLUDE_DIR} FILES ${KERATIN_PUBLIC_HEADERS})
target_compile_features(keratin PUBLIC cxx_std_20)
target_compile_definitions(keratin PRIVATE KERATIN_VERSION="${PROJECT_VERSION}")
keratin_fingerprint(core/runtime/module.cpp)
# BUILD_INTERFACE: header-only, so that an installed static library does not ask its users for them.
target_link_libraries(keratin PRIVATE
  $<BUILD_INTERFACE:keratin_options> $<BUILD_INTERFACE:Eigen3::Eigen> $<BUILD_INTERFACE:fmt::fmt-header-only>
  $<BUILD_INTERFACE:nlohmann_json::nlohmann_json> ZLIB::ZLIB hdf5::hdf5
  $<BUILD_INTERFACE:${KERATIN_ZIP_LIBRARY}> $<INSTALL_INTERFACE:zip> Threads::Threads ${CMAKE_DL_LIBS})
target_include_directories(keratin SYSTEM PRIVATE ${KERATIN_ZIP_INCLUDE})
# Before 1.0 every minor version may change the interface, so the soname carries it.
set_target_properties(keratin PROPERTIES VERSION ${PROJECT_VERSION}
  SOVERSION ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR})
if(NOT BUILD_SHARED_LIBS)
  message(STATUS "Static build: CPU only (device modules such as CUDA share their types with libkeratin.so)")
  target_compile_definitions(keratin PRIVATE KERATIN_STATIC)
endif()

# Sanitized builds only: ordinary builds compile every file with what it includes itself, so that nothing missing hides.
if(KERATIN_SANITIZE)
  target_precompile_headers(keratin PRIVATE
    <algorithm> <cmath> <functional> <memory> <string> <vector> "${KERATIN_INCLUDE_DIR}/keratin/keratin.h")
endif()

# CPU kernels are compiled once per instruction set and chosen at start. Each variant renames Eigen's namespace and
# lives in a namespace of its own: otherwise the linker would merge inline functions of different instruction sets.
set(isa_flags_baseline)
set(isa_flags_avx2 -mavx2 -mfma -mbmi2)
set(isa_flags_avx512 -mavx512f -mavx512bw -mavx512dq -mavx512vl ${isa_flags_avx2})
# Products on bfloat16, once per unit that computes them.
set(isa_flags_bf16_portable)
set(isa_flags_bf16_avx512 -mavx512bf16 ${isa_flags_avx512})
set(isa_flags_bf16_amx -mamx-tile -mamx-bf16 ${isa_flags_bf16_avx512})
# A register tile reads its job's numbers one by one, as they were written just before: joined into vectors by the compiler
# they would have to wait until the writes, and all of the last tile's results before them, have left the processor's queue.
set_source_files_properties(
  ${PROJECT_SOURCE_DIR}/backends/cpu/simd/gemm_f32.cpp ${PROJECT_SOURCE_DIR}/backends/cpu/simd/gemm_f64.cpp
  ${PROJECT_SOURCE_DIR}/backends/cpu/simd/conv.cpp PROPERTIES COMPILE_OPTIONS -fno-tree-slp-vectorize)
foreach(isa baseline avx2 avx512 bf16_portable bf16_avx512 bf16_amx)
  set(sources ${KERATIN_SIMD_SOURCES})
  if(isa MATCHES "^bf16_")
    set(sources ${KERATIN_BF16_SOURCES})
  endif()
  if(NOT sources)
    continue()
  endif()
  add_library(keratin_simd_${isa} OBJECT ${sources})
  target_include_directories(keratin_simd_${isa} PRIVATE ${KERATIN_INCLUDE_DIR})
  target_link_libraries(keratin_simd_${isa} PRIVATE keratin_options Eigen3::Eigen)
  target_compile_definitions(keratin_simd_${isa} PRIVATE KERATIN_ISA=${isa} Eigen=Eigen_${isa} EIGEN_DONT_PARALLELIZE)
  # Nobody reads errno or floating-point traps; without them the compiler may vectorise sqrt, floor and comparisons.
  target_compile_options(keratin_simd_${isa} PRIVATE -fvisibility=hidden -fno-exceptions -fno-rtti
                                                     -fno-math-errno -fno-trapping-math ${isa_flags_${isa}})
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # g++ 12's own _mm512_undefined() sets them off: a variable initialised by itself.
    target_compile_options(keratin_simd_${isa} PRIVATE -Wno-uninitialized -Wno-maybe-uninitialized)
  else()
    # A loop that calls into the C library cannot be vectorised, and need not be.
    target_compile_options(keratin_simd_${isa} PRIVATE -Wno-pass-failed)
  endif()
  if(NOT KERATIN_SANITIZE AND NOT KERATIN_COVERAGE)
    # Also in Debug: kernels at -O0 are some 50 times slower, and inline functions of the standard library would be
    # emitted, which the linker merges across instruction sets.
    target_compile_options(keratin_simd_${isa} PRIVATE -O3)
  endif()
  target_sources(keratin PRIVATE $<TARGET_OBJECTS:keratin_simd_${isa}>)
endforeach()
