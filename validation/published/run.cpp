// SPDX-License-Identifier: Apache-2.0
#include "validation/published/run.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>

#include "analytic/estimator.h"
#include "hw/machine_file.h"
#include "input/data_dir.h"
#include "input/progress.h"
#include "sim/simulator.h"
#include "stats/table.h"
#include "validation/processes.h"
#include "validation/published/expression.h"
#include "validation/published/timeloop.h"
#include "workloads/language.h"
#include "workloads/mapping.h"
#include "workloads/network_file.h"

namespace counterpoint::validation::published {
namespace {

using Json = nlohmann::ordered_json;

std::optional<double> number_in(const std::string& text) {
  double x = 0;
  const char* end = text.data() + text.size();
  const auto [at, failed] = std::from_chars(text.data(), end, x);
  if (text.empty() || failed != std::errc() || at != end || !std::isfinite(x)) return std::nullopt;
  return x;
}

std::optional<std::string> cell(const Set& set, std::size_t row, const std::string& name) {
  for (std::size_t i = 0; i < set.columns.size(); ++i)
    if (set.columns[i].name == name) return set.rows[row][i];
  return std::nullopt;
}

Lookup columns_of(const Set& set, std::size_t row) {
  return [&set, row](const std::string& name) -> std::optional<double> {
    const auto text = cell(set, row, name);
    return text ? number_in(*text) : std::nullopt;
  };
}

// `x, a, b`: the text a where the number x is positive, else b.
std::string if_positive(const std::string& argument, const Lookup& lookup) {
  const std::size_t last = argument.rfind(',');
  const std::size_t first = last == std::string::npos ? last : argument.rfind(',', last - 1);
  if (first == std::string::npos || last == 0)
    throw ExpressionError(
        fmt::format("if_positive({}): a number and two texts are needed, with "
                    "commas between them",
                    argument));
  const bool positive = evaluate(argument.substr(0, first), lookup) > 0;
  const std::string text =
      positive ? argument.substr(first + 1, last - first - 1) : argument.substr(last + 1);
  const std::size_t begin = text.find_first_not_of(' ');
  return begin == std::string::npos ? ""
                                    : text.substr(begin, text.find_last_not_of(' ') + 1 - begin);
}

std::string filled(const Set& set, std::size_t row, const std::string& text,
                   const std::string& where) {
  try {
    return fill_in(
        text, [&](const std::string& name) { return cell(set, row, name); }, columns_of(set, row),
        [&](const std::string& function,
            const std::string& argument) -> std::optional<std::string> {
          if (function == "if_positive") return if_positive(argument, columns_of(set, row));
          if (function != "timeloop") return std::nullopt;
          const auto notation = cell(set, row, argument);
          if (!notation) throw ExpressionError(fmt::format("there is no column '{}'", argument));
          return timeloop_directives(*notation, columns_of(set, row));
        });
  } catch (const ExpressionError& e) {
    throw input::InputError(fmt::format("{}: row {}: {}", where, row + 1, e.what()));
  }
}

std::string file_text(const std::string& path) {
  std::string error;
  const auto text = input::read_file(path, error);
  if (!text) throw input::InputError(error);
  return *text;
}

struct File {
  std::string path, text;
};

// A file of the recipe: its name and its text, filled in for a row.
File filled_file(const Set& set, std::size_t row, const std::string& name) {
  const std::string path = set.directory + filled(set, row, name, set.file + ": mapping");
  return {path, filled(set, row, file_text(path), path)};
}

// Statistics by name, added up over the layers.
using Sums = std::map<std::string, double>;

void add(Sums& sums, const stats::LayerResult& result, std::int64_t repeat) {
  for (const stats::Statistic& s : stats::flatten(result))
    sums[s.name] += static_cast<double>(repeat) * static_cast<double>(s.value);
}

double statistic(const std::string& expression, const Sums& sums, const hw::Machine& machine,
                 const Set& set, std::size_t row) {
  const Lookup columns = columns_of(set, row);
  return evaluate(expression, [&](const std::string& name) -> std::optional<double> {
    if (const auto s = sums.find(name); s != sums.end()) return s->second;
    if (name == "clock_mhz") return machine.clock_mhz;
    return columns(name);
  });
}

// One row, as text that a process can hand to its parent.
Json run_row(const Set& set, std::size_t row, const RunOptions& options) {
  Json j;
  try {
    const Case c = make_case(set, row);
    Sums estimated, simulated;
    for (const workloads::NetworkLayer& layer : c.network.layers) {
      const workloads::BindResult bound = workloads::bind(layer.layer, *layer.dataflow, c.machine);
      if (!bound.mapping) throw input::InputError(bound.diagnostics);
      add(estimated, analytic::estimate(*bound.mapping), layer.repeat);
      if (!options.simulate) continue;
      sim::SimOptions so;
      so.carry_data = false;
      add(simulated, sim::simulate(*bound.mapping, so).result, layer.repeat);
    }
    const auto values = [&](const Sums& result) {
      Json out = Json::array();
      for (const Quantity& q : set.quantities) {
        double x = statistic(q.predicted, result, c.machine, set, row);
        if (options.with_faults)
          for (const Fault& f : set.faults)
            if (f.quantity == q.name) x += statistic(f.add, result, c.machine, set, row);
        out.push_back(x);
      }
      return out;
    };
    j["estimated"] = values(estimated);
    if (options.simulate) j["simulated"] = values(simulated);
  } catch (const input::InputError& e) {
    j["failed"] = e.diagnostics().empty() ? e.what() : input::format(e.diagnostics());
  } catch (const std::exception& e) {
    j["failed"] = e.what();
  }
  return j;
}

Errors errors_of(const Result& r, std::size_t quantity, bool simulated) {
  Errors e;
  for (const RowResult& row : r.rows) {
    if (!row.failed.empty()) continue;
    const Value& v = row.values[quantity];
    const std::optional<double>& x = simulated ? v.simulated : v.estimated;
    if (!v.measured || !x) continue;
    const double percent = error_percent(*v.measured, *x);
    ++e.rows;
    e.equal += *v.measured == *x;
    e.upper += *x >= *v.measured;
    e.mean += std::fabs(percent);
    e.signed_mean += percent;
    if (std::fabs(percent) > std::fabs(e.largest) || e.where.empty()) {
      e.largest = percent;
      e.where = row.label;
    }
  }
  if (e.rows > 0) e.mean /= e.rows;
  if (e.rows > 0) e.signed_mean /= e.rows;
  return e;
}

void check(const Quantity& q, const char* model, const Bound& bound, const Errors& e,
           std::vector<std::string>& broken) {
  const std::string head = fmt::format("{}, {}: ", q.name, model);
  if (e.rows == 0) {
    if (!bound.empty()) broken.push_back(head + "no row to check");
    return;
  }
  if (bound.mean && e.mean > *bound.mean)
    broken.push_back(
        head + fmt::format("mean error {:.3f} %, at most {:g} % allowed", e.mean, *bound.mean));
  if (bound.largest && std::fabs(e.largest) > *bound.largest)
    broken.push_back(head + fmt::format("error {:+.3f} % at {}, at most {:g} % allowed", e.largest,
                                        e.where, *bound.largest));
  const auto share = [&](int rows, const std::optional<double>& least, const char* what) {
    const double percent = 100.0 * rows / e.rows;
    if (least && percent < *least)
      broken.push_back(
          head + fmt::format("{:.1f} % of the rows are {}, {:g} % needed", percent, what, *least));
  };
  share(e.equal, bound.equal, "equal");
  share(e.upper, bound.upper, "not below the measurement");
}

}  // namespace

double error_percent(double measured, double predicted) {
  if (measured == predicted) return 0;
  // Nothing was measured and something predicted: as wrong as a prediction can be.
  if (measured == 0) return predicted > 0 ? 100 : -100;
  return 100.0 * (predicted - measured) / measured;
}

std::string mapping_text(const Set& set, std::size_t row) {
  std::string out;
  for (const std::string& mapping : set.mapping) out += filled_file(set, row, mapping).text;
  return out;
}

namespace {

// A layer with a dataflow of its own. std::nullopt if there is an error in the diagnostics.
std::optional<workloads::Network> one_layer(const Set& set, std::size_t row,
                                            std::vector<input::Diagnostic>& diagnostics) {
  const File file = filled_file(set, row, set.mapping.front());
  workloads::NetworkResult read = workloads::parse_network(file.text, file.path);
  diagnostics.insert(diagnostics.end(), read.diagnostics.begin(), read.diagnostics.end());
  if (!read.network || input::has_errors(diagnostics)) return std::nullopt;
  const std::vector<workloads::NetworkLayer>& layers = read.network->layers;
  if (layers.size() != 1 || !layers[0].modelled || !layers[0].dataflow)
    throw input::InputError(file.path + ": one layer with a dataflow of its own is needed");
  return std::move(read.network);
}

// The layers of a network under the first dataflow that fits each. std::nullopt as above.
std::optional<workloads::Network> mapped_network(const Set& set, std::size_t row,
                                                 std::vector<input::Diagnostic>& diagnostics) {
  const std::string name = filled(set, row, set.network, set.file + ": network");
  const std::string beside = set.directory + name;
  std::optional<workloads::Network> network =
      workloads::load_network(std::filesystem::exists(beside) ? beside : name, diagnostics);
  std::vector<workloads::Dataflow> flows;
  for (const std::string& mapping : set.mapping) {
    const File file = filled_file(set, row, mapping);
    workloads::DataflowResult flow = workloads::parse_dataflow(file.text, file.path);
    diagnostics.insert(diagnostics.end(), flow.diagnostics.begin(), flow.diagnostics.end());
    if (flow.dataflow) flows.push_back(std::move(*flow.dataflow));
  }
  if (!network || input::has_errors(diagnostics)) return std::nullopt;
  workloads::Network out;
  out.name = network->name;
  for (workloads::NetworkLayer& layer : network->layers) {
    if (!layer.modelled) continue;
    std::string refused;
    for (std::size_t i = 0; i < flows.size() && !layer.dataflow; ++i)
      if (const auto* flow = workloads::dataflow_of(layer, &flows[i], refused))
        layer.dataflow = *flow;
    if (!layer.dataflow) throw input::InputError(layer.layer.name + ": " + refused);
    out.layers.push_back(std::move(layer));
  }
  return out;
}

}  // namespace

Case make_case(const Set& set, std::size_t row) {
  std::vector<input::Diagnostic> diagnostics;
  const std::string name = filled(set, row, set.machine, set.file + ": machine");
  std::string error;
  const std::string beside = set.directory + name;
  const auto own = input::read_file(beside, error);
  std::optional<hw::Machine> machine =
      own ? hw::read_machine(filled(set, row, *own, beside), beside, diagnostics)
          : hw::load_machine(name, diagnostics);
  std::optional<workloads::Network> network = set.network.empty()
                                                  ? one_layer(set, row, diagnostics)
                                                  : mapped_network(set, row, diagnostics);
  if (!machine || !network) throw input::InputError(diagnostics);
  return {std::move(*machine), std::move(*network)};
}

Result run(const Set& set, const RunOptions& options) {
  Result r;
  r.rows.resize(set.rows.size());
  std::size_t next = 0;
  input::ProgressLine progress("rows", static_cast<double>(set.rows.size()));
  Pool pool;
  pool.jobs = options.jobs;
  pool.next = [&]() -> std::optional<std::size_t> {
    return next < set.rows.size() ? std::optional(next++) : std::nullopt;
  };
  pool.work = [&](std::size_t row, const Write& write) {
    write(run_row(set, row, options).dump(-1, ' ', false, Json::error_handler_t::replace));
  };
  pool.finished = [&](std::size_t row, const Ended& ended) {
    progress.advance(1, set.name);
    const Json j = Json::parse(ended.text, nullptr, false);
    RowResult& out = r.rows[row];
    if (!ended.ok || j.is_discarded())
      out.failed = "the row's process " + ended.how();
    else if (j.contains("failed"))
      out.failed = j["failed"].get<std::string>();
    if (!out.failed.empty()) return true;
    for (std::size_t q = 0; q < set.quantities.size(); ++q) {
      Value v;
      v.estimated = j["estimated"][q].get<double>();
      if (j.contains("simulated")) v.simulated = j["simulated"][q].get<double>();
      out.values.push_back(v);
    }
    return true;
  };
  pool.tick = [&] {
    progress.advance(0, set.name);
    return true;
  };
  r.interrupted = run_pool(pool);
  progress.clear();
  for (std::size_t i = 0; i < set.rows.size(); ++i) {
    RowResult& row = r.rows[i];
    row.label = filled(set, i, set.label, set.file + ": label");
    if (row.failed.empty() && row.values.empty()) row.failed = "was not run";
    for (std::size_t q = 0; q < row.values.size(); ++q) {
      const std::string& expression = set.quantities[q].measured;
      const auto text = cell(set, i, expression);
      if (text && text->empty()) continue;
      try {
        row.values[q].measured = evaluate(expression, columns_of(set, i));
      } catch (const ExpressionError& e) {
        throw input::InputError(fmt::format("{}: row {}: {}", set.file, i + 1, e.what()));
      }
    }
  }
  // A set whose source has faults is only held against its bounds when they are switched on.
  r.checked = set.faults.empty() || options.with_faults;
  for (std::size_t q = 0; q < set.quantities.size(); ++q) {
    r.simulated.push_back(errors_of(r, q, true));
    r.estimated.push_back(errors_of(r, q, false));
    if (!r.checked) continue;
    const Quantity& quantity = set.quantities[q];
    if (options.simulate)
      check(quantity, "simulated", quantity.simulated, r.simulated[q], r.broken);
    check(quantity, "estimated", quantity.estimated, r.estimated[q], r.broken);
  }
  for (const RowResult& row : r.rows)
    if (!row.failed.empty()) r.broken.push_back(row.label + ": " + row.failed);
  return r;
}

}  // namespace counterpoint::validation::published
