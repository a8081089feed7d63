# SPDX-License-Identifier: Apache-2.0
# Finds SystemC: the upstream CMake package if there is one, else headers and library as Debian
# ships them. Defines SystemC::systemc.
find_package(SystemCLanguage CONFIG QUIET)
if(TARGET SystemC::systemc)
  set(SystemC_FOUND TRUE)
  return()
endif()
find_path(SystemC_INCLUDE_DIR systemc)
find_library(SystemC_LIBRARY systemc)
include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(SystemC REQUIRED_VARS SystemC_LIBRARY SystemC_INCLUDE_DIR
  FAIL_MESSAGE "SystemC was not found. On Debian: apt-get install libsystemc-dev")
if(SystemC_FOUND AND NOT TARGET SystemC::systemc)
  add_library(SystemC::systemc UNKNOWN IMPORTED)
  set_target_properties(SystemC::systemc PROPERTIES
    IMPORTED_LOCATION "${SystemC_LIBRARY}"
    INTERFACE_SYSTEM_INCLUDE_DIRECTORIES "${SystemC_INCLUDE_DIR}")
endif()
include(CheckCXXSourceCompiles)
set(CMAKE_REQUIRED_INCLUDES "${SystemC_INCLUDE_DIR}")
set(CMAKE_REQUIRED_LIBRARIES "${SystemC_LIBRARY}")
set(CMAKE_REQUIRED_FLAGS "-std=c++17")
check_cxx_source_compiles("#include <systemc>
int sc_main(int, char**) { return 0; }
int main() { return sc_core::sc_get_status() == sc_core::SC_RUNNING; }" SystemC_LINKS)
unset(CMAKE_REQUIRED_INCLUDES)
unset(CMAKE_REQUIRED_LIBRARIES)
unset(CMAKE_REQUIRED_FLAGS)
if(NOT SystemC_LINKS)
  message(FATAL_ERROR "SystemC was found at ${SystemC_LIBRARY}, but a C++17 program does not link with it. "
                      "The library must have been built for C++17 (Debian's is).")
endif()
