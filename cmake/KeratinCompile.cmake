# keratin_options: what every target of ours is compiled with. Sanitizers and coverage hold for the whole tree.
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 12)
  message(FATAL_ERROR "Keratin is C++20 and needs g++ 12 or newer; this is ${CMAKE_CXX_COMPILER_VERSION}. "
                      "Choose another compiler with -DCMAKE_CXX_COMPILER=...")
elseif(CMAKE_CXX_COMPILER_ID STREQUAL "Clang" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 14)
  message(FATAL_ERROR "Keratin is C++20 and needs clang++ 14 or newer; this is ${CMAKE_CXX_COMPILER_VERSION}. "
                      "Choose another compiler with -DCMAKE_CXX_COMPILER=...")
endif()

add_library(keratin_options INTERFACE)
target_compile_features(keratin_options INTERFACE cxx_std_20)
target_compile_options(keratin_options INTERFACE -Wall -Wextra -Wconversion)
if(KERATIN_WARNINGS_AS_ERRORS AND NOT KERATIN_SANITIZE)  # instrumented code draws warnings that are not ours
  target_compile_options(keratin_options INTERFACE -Werror)
endif()
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  # g++ 12 warns of what is not there: overlapping copies in "literal" + std::string (its bug 105651), uninitialised
  # members in copies of std::variant and std::optional (105562 and others).
  target_compile_options(keratin_options INTERFACE -Wno-restrict -Wno-maybe-uninitialized)
endif()
# a*b+c must round the same in every build, or results would depend on the compiler's choice of fused operations.
target_compile_options(keratin_options INTERFACE -ffp-contract=off)

if(KERATIN_SANITIZE)
  # -O1: sanitized code is slow, and -O3 takes minutes longer to compile.
  add_compile_options(-fsanitize=${KERATIN_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer -g1 -O1)
  add_link_options(-fsanitize=${KERATIN_SANITIZE})
endif()
if(KERATIN_COVERAGE)
  add_compile_options(--coverage -fprofile-update=atomic)
  add_link_options(--coverage)
endif()

set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
# Names only what is used: HDF5's own dependencies (curl, crypto) would otherwise become ours.
add_link_options(-Wl,--as-needed)

find_program(KERATIN_CCACHE ccache)
if(KERATIN_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  # Without this sloppiness ccache passes over every file that uses a precompiled header.
  set(CMAKE_CXX_COMPILER_LAUNCHER
      ${CMAKE_COMMAND} -E env CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime
      ${KERATIN_CCACHE})
endif()
