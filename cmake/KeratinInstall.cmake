# cmake --install: the library, include/keratin/..., the CMake package and keratin.pc.
include(CMakePackageConfigHelpers)
set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/keratin)
set(KERATIN_INSTALL_MODULE_DIR ${CMAKE_INSTALL_LIBDIR}/keratin)  # device modules; libkeratin looks beside itself

install(TARGETS keratin EXPORT keratinTargets
  LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}
  ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR}
  FILE_SET HEADERS DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(EXPORT keratinTargets NAMESPACE keratin:: DESTINATION ${package_dir})
if(BUILD_SHARED_LIBS)
  install(DIRECTORY DESTINATION ${KERATIN_INSTALL_MODULE_DIR})
endif()

configure_package_config_file(${PROJECT_SOURCE_DIR}/cmake/keratinConfig.cmake.in keratinConfig.cmake
  INSTALL_DESTINATION ${package_dir} PATH_VARS KERATIN_INSTALL_MODULE_DIR)
# Before 1.0 a minor version is a new interface.
write_basic_package_version_file(keratinConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/keratinConfig.cmake ${CMAKE_CURRENT_BINARY_DIR}/keratinConfigVersion.cmake
  DESTINATION ${package_dir})

# The .pc file finds its prefix from its own place, so an installed tree can be moved.
file(RELATIVE_PATH pc_prefix /p/${CMAKE_INSTALL_LIBDIR}/pkgconfig /p)
if(BUILD_SHARED_LIBS)
  set(pc_private "")
else()
  set(pc_private "Requires.private: zlib hdf5 libzip\nLibs.private: -lstdc++ -lm -pthread -ldl\n")
endif()
configure_file(${PROJECT_SOURCE_DIR}/cmake/keratin.pc.in keratin.pc @ONLY)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/keratin.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
install(FILES ${PROJECT_SOURCE_DIR}/LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})
