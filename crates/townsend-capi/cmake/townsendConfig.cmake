# townsend, found by find_package(townsend). Targets: townsend::townsend, the shared library, and
# townsend::static, the static one, where it is installed. C11 or C++17 is for the user to ask for.

get_filename_component(_townsend_prefix "${CMAKE_CURRENT_LIST_DIR}/../../.." ABSOLUTE)

if(NOT TARGET townsend::townsend)
  add_library(townsend::townsend SHARED IMPORTED)
  set_target_properties(townsend::townsend PROPERTIES
    IMPORTED_LOCATION "${_townsend_prefix}/lib/libtownsend.so.0"
    IMPORTED_SONAME "libtownsend.so.0"
    INTERFACE_INCLUDE_DIRECTORIES "${_townsend_prefix}/include")
endif()

if(NOT TARGET townsend::static AND EXISTS "${_townsend_prefix}/lib/libtownsend.a")
  add_library(townsend::static STATIC IMPORTED)
  set_target_properties(townsend::static PROPERTIES
    IMPORTED_LOCATION "${_townsend_prefix}/lib/libtownsend.a"
    INTERFACE_INCLUDE_DIRECTORIES "${_townsend_prefix}/include"
    INTERFACE_LINK_LIBRARIES "gcc_s;util;rt;pthread;m;dl")
endif()

unset(_townsend_prefix)
