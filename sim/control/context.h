// SPDX-License-Identifier: Apache-2.0
// A SystemC kernel of one's own for one run.
#pragma once

#include <systemc>

namespace counterpoint::sim {

/// Installs a fresh simulation context and restores the former one at the end, so that runs in
/// one process do not see each other. Declare it before the modules. This relies on the
/// reference implementation (sc_curr_simcontext), not on the standard.
class Context {
 public:
  Context()
      : former_(sc_core::sc_curr_simcontext), former_default_(sc_core::sc_default_global_context) {
    mine_ = new sc_core::sc_simcontext;
    sc_core::sc_curr_simcontext = mine_;
    sc_core::sc_default_global_context = mine_;
    sc_core::sc_report_handler::set_actions(sc_core::SC_ID_INSTANCE_EXISTS_, sc_core::SC_THROW);
    sc_core::sc_report_handler::set_actions(sc_core::SC_INFO, sc_core::SC_DO_NOTHING);
    sc_core::sc_report_handler::set_actions(sc_core::SC_WARNING, sc_core::SC_DO_NOTHING);
  }
  ~Context() {
    delete mine_;
    sc_core::sc_curr_simcontext = former_;
    sc_core::sc_default_global_context = former_default_;
  }
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;

 private:
  sc_core::sc_simcontext* former_;
  sc_core::sc_simcontext* former_default_;
  sc_core::sc_simcontext* mine_;
};

}  // namespace counterpoint::sim
