// SPDX-License-Identifier: Apache-2.0
// The two kinds of routers behind make_network(), which checks the configuration.
#pragma once

#include <memory>

#include "sim/noc/network.h"

namespace counterpoint::sim::noc {

std::unique_ptr<Network> make_credit_network(const NetworkConfig& config, Receiver& receiver);
std::unique_ptr<Network> make_fork_network(const NetworkConfig& config, Receiver& receiver);
std::unique_ptr<Network> make_handshake_network(const NetworkConfig& config, Receiver& receiver);

}  // namespace counterpoint::sim::noc
