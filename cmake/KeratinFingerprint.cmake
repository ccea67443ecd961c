# keratin_fingerprint(<source>): the definitions that core/runtime/detail/fingerprint.h needs, for the one source file
# (of the calling folder) that includes it. Not for whole targets: every file would be rebuilt with every new hash.
file(GLOB KERATIN_INTERFACE_HEADERS CONFIGURE_DEPENDS
  ${PROJECT_SOURCE_DIR}/core/tensor/*.h
  ${PROJECT_SOURCE_DIR}/core/graph/*.h
  ${PROJECT_SOURCE_DIR}/core/ops/*.h)
foreach(header backend plan module)
  list(APPEND KERATIN_INTERFACE_HEADERS ${PROJECT_SOURCE_DIR}/core/runtime/${header}.h)
endforeach()
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${KERATIN_INTERFACE_HEADERS})
set(hashes)
foreach(header ${KERATIN_INTERFACE_HEADERS})
  file(SHA256 ${header} hash)
  string(APPEND hashes ${hash})
endforeach()
string(SHA256 KERATIN_INTERFACE_HASH "${hashes}")
string(SUBSTRING ${KERATIN_INTERFACE_HASH} 0 16 KERATIN_INTERFACE_HASH)

function(keratin_fingerprint source)
  set_property(SOURCE ${source} APPEND PROPERTY COMPILE_DEFINITIONS
    KERATIN_VERSION="${PROJECT_VERSION}" KERATIN_INTERFACE_HASH="${KERATIN_INTERFACE_HASH}")
endfunction()
