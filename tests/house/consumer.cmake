#Installs the built tree to a fresh prefix and builds tests / consumer against it, by find_package and by pkg - config.
#cmake - DBUILD = \
    build / release - DSOURCE =.- DCXX = g++[-DFLAGS = ...][-DGENERATOR = ...][-DPKG_CONFIG = ...] - P consumer.cmake
function(run)
  execute_process(COMMAND ${ARGV} RESULT_VARIABLE status OUTPUT_VARIABLE output ERROR_VARIABLE output)
  if(NOT status EQUAL 0)
    list(JOIN ARGV " " command)
    message(FATAL_ERROR "${command}\nfailed (${status}):\n${output}")
  endif()
  set(output "${output}" PARENT_SCOPE)
endfunction()

set(work ${BUILD}/consumer)
file(REMOVE_RECURSE ${work})
run(${
  CMAKE_COMMAND} --install ${
  BUILD} --prefix ${work}/first)
#Moved after the installation : nothing in it may know where it was.
file(RENAME ${work}/first ${work}/prefix)

file(GLOB_RECURSE links LIST_DIRECTORIES false ${work}/prefix/include/*)
foreach(header ${links})
  if(IS_SYMLINK ${header})
    message(FATAL_ERROR "${header} was installed as a link")
  endif()
  if(header MATCHES "/detail/")
    message(FATAL_ERROR "${header} is private but was installed")
  endif()
endforeach()
file(GLOB_RECURSE files ${work}/prefix/*.cmake ${work}/prefix/*.pc)
foreach(file ${files})
  file(STRINGS ${file} leaks REGEX "${SOURCE}|${BUILD}")
  if(leaks)
    message(FATAL_ERROR "${file} names the build machine's folders: ${leaks}")
  endif()
endforeach()

run(${CMAKE_COMMAND} -G ${GENERATOR} -S ${SOURCE}/tests/consumer -B ${work}/build
  -DCMAKE_PREFIX_PATH=${work}/prefix -DCMAKE_CXX_COMPILER=${CXX} -DCMAKE_CXX_FLAGS=${FLAGS})
run(${CMAKE_COMMAND} --build ${work}/build)
run(${work}/build/consumer)

if(PKG_CONFIG)
  file(GLOB_RECURSE pc ${work}/prefix/keratin.pc)
  cmake_path(GET pc PARENT_PATH pc_folder)
  set(ENV{PKG_CONFIG_PATH} ${pc_folder})
  set(static)
  file(GLOB_RECURSE archive ${work}/prefix/libkeratin.a)
  if(archive)
    set(static --static)
  endif()
  run(${PKG_CONFIG} --cflags --libs ${static} keratin)
  separate_arguments(from_pc UNIX_COMMAND "${output}")
  separate_arguments(flags UNIX_COMMAND "${FLAGS}")
  cmake_path(GET pc_folder PARENT_PATH lib_folder)
  run(${CXX} -std=c++20 ${flags} ${SOURCE}/tests/consumer/main.cpp -o ${work}/by_pkg_config ${from_pc}
    -Wl,-rpath,${lib_folder})
  run(${work}/by_pkg_config)
endif()
