# Everything, ours and the user's, is included as "keratin/core/ops/matmul.h" or <keratin/keratin.h>.
# The rooms are linked; keratin.h is copied, because a linked file would be installed as a link.
set(KERATIN_INCLUDE_DIR "${CMAKE_CURRENT_BINARY_DIR}/include")
file(MAKE_DIRECTORY "${KERATIN_INCLUDE_DIR}/keratin")
foreach(room core layers io tools backends)
  file(CREATE_LINK "${CMAKE_CURRENT_SOURCE_DIR}/${room}" "${KERATIN_INCLUDE_DIR}/keratin/${room}" SYMBOLIC)
endforeach()
configure_file("${CMAKE_CURRENT_SOURCE_DIR}/keratin.h" "${KERATIN_INCLUDE_DIR}/keratin/keratin.h" COPYONLY)
