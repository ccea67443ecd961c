# libkeratin: core, layers, io and the CPU backend.
find_package(Threads REQUIRED)
find_package(Eigen3 3.4 REQUIRED NO_MODULE)
find_package(fmt REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(ZLIB REQUIRED)
find_package(HDF5 REQUIRED COMPONENTS C)

file(GLOB_RECURSE KERATIN_SOURCES CONFIGURE_DEPENDS
  ${CMAKE_CURRENT_SOURCE_DIR}/core/*.cpp
  ${CMAKE_CURRENT_SOURCE_DIR}/layers/*.cpp
  ${CMAKE_CURRENT_SOURCE_DIR}/io/*.cpp
  ${CMAKE_CURRENT_SOURCE_DIR}/backends/cpu/*.cpp)
list(FILTER KERATIN_SOURCES EXCLUDE REGEX "/backends/cpu/simd/")
file(GLOB KERATIN_SIMD_SOURCES CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/backends/cpu/simd/*.cpp)
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
target_include_directories(keratin SYSTEM PRIVATE ${HDF5_C_INCLUDE_DIRS})
target_link_libraries(keratin PRIVATE
  $<BUILD_INTERFACE:keratin_options> Eigen3::Eigen fmt::fmt-header-only nlohmann_json::nlohmann_json ZLIB::ZLIB
  ${HDF5_C_LIBRARIES} Threads::Threads ${CMAKE_DL_LIBS})
set_target_properties(keratin PROPERTIES VERSION ${PROJECT_VERSION} SOVERSION ${PROJECT_VERSION_MAJOR}
  VERIFY_INTERFACE_HEADER_SETS ON)

# CPU kernels are compiled once per instruction set and chosen at start. Each variant renames Eigen's namespace and
# lives in a namespace of its own: otherwise the linker would merge inline functions of different instruction sets.
foreach(isa baseline avx2 avx512)
  add_library(keratin_simd_${isa} OBJECT ${KERATIN_SIMD_SOURCES})
  target_include_directories(keratin_simd_${isa} PRIVATE ${KERATIN_INCLUDE_DIR})
  target_link_libraries(keratin_simd_${isa} PRIVATE keratin_options Eigen3::Eigen)
  target_compile_definitions(keratin_simd_${isa} PRIVATE KERATIN_ISA=${isa} Eigen=Eigen_${isa} EIGEN_DONT_PARALLELIZE)
  target_compile_options(keratin_simd_${isa} PRIVATE -fvisibility=hidden -fno-exceptions -fno-rtti)
  target_sources(keratin PRIVATE $<TARGET_OBJECTS:keratin_simd_${isa}>)
endforeach()
target_compile_options(keratin_simd_avx2 PRIVATE -mavx2 -mfma -mbmi2)
target_compile_options(keratin_simd_avx512 PRIVATE -mavx512f -mavx512bw -mavx512dq -mavx512vl -mavx2 -mfma -mbmi2)
