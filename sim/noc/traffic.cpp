// SPDX-License-Identifier: Apache-2.0
#include "sim/noc/traffic.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <queue>
#include <random>
#include <sstream>

#include "input/diagnostics.h"

namespace counterpoint::sim::noc {
namespace {

std::size_t at(std::int64_t i) {
  return static_cast<std::size_t>(i);
}

class TraceSource : public Source {
 public:
  explicit TraceSource(const std::vector<TracePacket>& trace) : trace_(trace) {}
  std::int64_t feed(std::int64_t now, Network& network) override {
    for (; next_ < trace_.size() && trace_[next_].time <= now; ++next_) {
      const TracePacket& t = trace_[next_];
      PacketRequest p;
      p.source = t.source;
      p.destination = t.destination;
      p.flits = t.flits;
      p.flow = t.flow;
      p.tag = static_cast<std::int64_t>(next_);
      network.offer(p, now);
    }
    return next_ < trace_.size() ? trace_[next_].time : kNever;
  }

 private:
  const std::vector<TracePacket>& trace_;
  std::size_t next_ = 0;
};

class Collector : public Receiver {
 public:
  explicit Collector(const std::function<void(std::int64_t)>& told) : told_(told) {}
  void delivered(const Delivery& d) override {
    all.push_back(d);
    constexpr std::int64_t kPiece = 256;
    if (told_ && static_cast<std::int64_t>(all.size()) % kPiece == 0) told_(kPiece);
  }
  std::vector<Delivery> all;

 private:
  const std::function<void(std::int64_t)>& told_;
};

void take_links(const Network& network, std::int64_t cycles, std::vector<Link>& links,
                std::vector<LinkUse>& use) {
  links = network.links();
  use.clear();
  for (std::size_t i = 0; i < links.size(); ++i) use.push_back(network.use(i, cycles));
}

// Bernoulli arrivals at every node. The gaps are drawn, not the cycles, so that idle sources are
// free. Draws use integers of the generator directly: the standard's distributions differ between
// libraries.
class Bernoulli : public Source {
 public:
  Bernoulli(const NetworkConfig& config, const Traffic& traffic, int nodes)
      : traffic_(traffic), nodes_(nodes), width_(config.topology.width), random_(traffic.seed) {
    chance_ = traffic.load / traffic.packet_flits;
    for (int n = 0; n < nodes; ++n) next_.push({gap() - 1, n});
  }
  std::int64_t feed(std::int64_t now, Network& network) override {
    while (next_.top().first <= now) {
      const int n = next_.top().second;
      next_.pop();
      PacketRequest p;
      p.source = n;
      p.destination = destination(n);
      p.flits = traffic_.packet_flits;
      network.offer(p, now);
      ++offered;
      next_.push({now + gap(), n});
    }
    return next_.top().first;
  }
  std::int64_t offered = 0;

 private:
  double unit() { return static_cast<double>(random_() >> 11) * 0x1.0p-53; }
  int below(int n) { return static_cast<int>(unit() * n); }
  std::int64_t gap() {
    if (chance_ >= 1) return 1;
    const double g = std::floor(std::log1p(-unit()) / std::log1p(-chance_));
    return 1 + static_cast<std::int64_t>(std::min(g, 1e15));
  }
  int uniform(int n) {
    if (traffic_.to_itself || nodes_ == 1) return below(nodes_);
    const int d = below(nodes_ - 1);
    return d < n ? d : d + 1;
  }
  int destination(int n) {
    switch (traffic_.pattern) {
      case Pattern::Uniform: break;
      case Pattern::Transpose: return n % width_ * width_ + n / width_;
      case Pattern::BitComplement: return nodes_ - 1 - n;
      case Pattern::Neighbour: return (n + 1) % nodes_;
      case Pattern::Gather: return 0;
      case Pattern::Hotspot:
        if (unit() < traffic_.hotspot_part && (traffic_.to_itself || n != traffic_.hotspot))
          return traffic_.hotspot;
        break;
    }
    return uniform(n);
  }

  Traffic traffic_;
  int nodes_;
  int width_;
  double chance_ = 0;
  std::mt19937_64 random_;
  using Entry = std::pair<std::int64_t, int>;
  std::priority_queue<Entry, std::vector<Entry>, std::greater<>> next_;
};

constexpr std::int64_t kBatches = 10;

class Meter : public Receiver {
 public:
  explicit Meter(const Phases& phases) : phases_(phases) {
    count_.fill(0);
    sums_.fill({});
  }
  void delivered(const Delivery& d) override {
    const std::int64_t begin = phases_.warm_up;
    const std::int64_t end = begin + phases_.measure;
    if (d.tail >= begin && d.tail < end) arrived_flits += d.packet.flits;
    if (d.offered < begin || d.offered >= end) return;
    ++followed;
    const std::size_t batch = at((d.offered - begin) * kBatches / phases_.measure);
    ++count_[batch];
    sums_[batch][0] += d.tail - d.offered;
    sums_[batch][1] += d.head - d.offered;
    sums_[batch][2] += d.tail - d.injected;
    routers += d.routers;
    for (std::size_t c = 0; c < kCauses; ++c) late[c] += d.late[c];
    const std::size_t latency = at(d.tail - d.offered);
    if (latency >= counts.size()) counts.resize(latency + latency / 2 + 64, 0);
    ++counts[latency];
  }
  Estimate estimate(std::size_t what) const {
    double n = 0;
    double sum = 0;
    double packets = 0;
    std::vector<double> means;
    for (std::size_t b = 0; b < kBatches; ++b) {
      if (count_[b] == 0) continue;
      packets += static_cast<double>(count_[b]);
      sum += static_cast<double>(sums_[b][what]);
      means.push_back(static_cast<double>(sums_[b][what]) / static_cast<double>(count_[b]));
      n += 1;
    }
    Estimate e;
    if (packets == 0) return e;
    e.mean = sum / packets;
    double square = 0;
    for (const double m : means) square += (m - e.mean) * (m - e.mean);
    // Student's t for ten batches; the batches are long against the latencies.
    if (n > 1) e.half_width = 2.262 * std::sqrt(square / (n - 1) / n);
    return e;
  }
  std::int64_t quantile(double part) const {
    std::int64_t left = static_cast<std::int64_t>(std::ceil(part * static_cast<double>(followed)));
    for (std::size_t i = 0; i < counts.size(); ++i)
      if ((left -= counts[i]) <= 0) return static_cast<std::int64_t>(i);
    return 0;
  }
  std::int64_t arrived_flits = 0;
  std::int64_t followed = 0;
  std::int64_t routers = 0;
  std::array<std::int64_t, kCauses> late{};
  std::vector<std::int64_t> counts;  // by latency

 private:
  Phases phases_;
  std::array<std::int64_t, kBatches> count_;
  std::array<std::array<std::int64_t, 3>, kBatches> sums_;
};

}  // namespace

std::vector<TracePacket> read_trace(const std::string& text, const std::string& file, int nodes) {
  std::vector<TracePacket> trace;
  std::vector<input::Diagnostic> wrong;
  std::istringstream lines(text);
  std::string line;
  for (int number = 1; std::getline(lines, line); ++number) {
    if (!line.empty() && line.back() == '\r') line.pop_back();
    const std::string content = line.substr(0, line.find('#'));
    if (content.find_first_not_of(" \t") == std::string::npos) continue;
    std::istringstream words(content);
    std::int64_t time = 0, source = 0, destination = 0, flits = 0;
    std::string rest;
    std::string why;
    std::int64_t flow = 0;
    const bool complete = static_cast<bool>(words >> time >> source >> destination >> flits);
    if (complete && !(words >> std::ws).eof() && !(words >> flow)) rest = "?";
    if (!complete || !rest.empty() || (words >> rest))
      why = "a line is: time source destination flits, perhaps a flow";
    else if (flow < 0 || flow >= kFlows)
      why = fmt::format("flows are 0 to {}", kFlows - 1);
    else if (time < (trace.empty() ? 0 : trace.back().time))
      why = "times must not be negative or decrease";
    else if (time > std::int64_t{1} << 50)
      why = "the time is too large";
    else if (source < 0 || source >= nodes || destination < 0 || destination >= nodes)
      why = fmt::format("nodes are 0 to {}", nodes - 1);
    else if (flits < 1 || flits > 1000000)
      why = "a packet has 1 to 1000000 flits";
    if (why.empty()) {
      trace.push_back({time, static_cast<int>(source), static_cast<int>(destination),
                       static_cast<int>(flits), static_cast<int>(flow)});
    } else if (wrong.size() < 20) {
      input::Diagnostic d;
      d.file = file;
      d.pos = {number, 1};
      d.code = "trace";
      d.message = why;
      d.line_text = line;
      wrong.push_back(d);
    }
  }
  if (!wrong.empty()) throw input::InputError(wrong);
  return trace;
}

TraceRun run_trace(const NetworkConfig& config, const std::vector<TracePacket>& trace,
                   const std::function<void(std::int64_t)>& delivered) {
  Collector collector(delivered);
  collector.all.reserve(trace.size());
  const auto network = make_network(config, collector);
  TraceSource source(trace);
  run(*network, source);
  TraceRun out;
  out.deliveries = std::move(collector.all);
  for (const Delivery& d : out.deliveries) out.cycles = std::max(out.cycles, d.tail + 1);
  take_links(*network, out.cycles, out.links, out.use);
  out.flit_hops = network->flit_hops();
  for (int a = 0; a < kFlows; ++a)
    for (int b = 0; b < kFlows; ++b) out.waited.push_back(network->waited(a, b));
  return out;
}

LoadPoint measure(const NetworkConfig& config, const Traffic& traffic, const Phases& phases) {
  Meter meter(phases);
  meter.counts.resize(4096, 0);
  const auto network = make_network(config, meter);
  const int nodes = static_cast<int>(network->topology().nodes.size());
  if (traffic.pattern == Pattern::Transpose &&
      nodes != config.topology.width * config.topology.width)
    throw input::InputError("transposed traffic needs as many rows as columns of nodes");
  if (traffic.pattern == Pattern::Hotspot && (traffic.hotspot < 0 || traffic.hotspot >= nodes))
    throw input::InputError(fmt::format("the hot spot is a node, 0 to {}", nodes - 1));
  if (!(traffic.load > 0) || traffic.load > traffic.packet_flits)
    throw input::InputError("the load is above 0 and at most a packet per node and cycle");
  Bernoulli source(config, traffic, nodes);
  const std::int64_t begin = phases.warm_up;
  const std::int64_t end = begin + phases.measure;
  // In pieces, so that a caller sees it go on.
  const auto pass = [&](std::int64_t from, std::int64_t to) {
    constexpr std::int64_t kPiece = 1000;
    for (std::int64_t now = from; now < to; now += kPiece) {
      const std::int64_t until = std::min(to, now + kPiece);
      run(*network, source, now, until);
      if (phases.advanced) phases.advanced(until - now);
    }
  };
  pass(0, begin);
  network->clear_statistics();
  const std::int64_t before = source.offered;
  pass(begin, end);
  const std::int64_t wanted = source.offered - before;
  std::int64_t now = end;
  const std::int64_t stop = end + phases.drain;
  while (now < stop && meter.followed < wanted) {
    const std::int64_t next = std::min(stop, now + 200);
    run(*network, source, now, next);
    now = next;
  }
  LoadPoint p;
  p.offered = traffic.load;
  const double area = static_cast<double>(phases.measure) * nodes;
  p.injected = static_cast<double>(wanted) * traffic.packet_flits / area;
  p.accepted = static_cast<double>(meter.arrived_flits) / area;
  p.latency = meter.estimate(0);
  p.head_latency = meter.estimate(1);
  p.network = meter.estimate(2);
  p.packets = meter.followed;
  p.stable = meter.followed == wanted && p.latency.mean < kUnstable;
  if (p.packets > 0)
    p.routers = static_cast<double>(meter.routers) / static_cast<double>(p.packets);
  p.p50 = meter.quantile(0.50);
  p.p95 = meter.quantile(0.95);
  p.p99 = meter.quantile(0.99);
  p.worst = meter.quantile(1);
  for (std::size_t i = 0; i < meter.counts.size(); ++i) {
    if (meter.counts[i] == 0) continue;
    std::size_t bin = 0;
    while (i >> (bin + 1) != 0) ++bin;
    if (p.histogram.size() <= bin) p.histogram.resize(bin + 1, 0);
    p.histogram[bin] += meter.counts[i];
  }
  p.late = meter.late;
  p.cycles = now - begin;
  take_links(*network, p.cycles, p.links, p.use);
  p.flit_hops = network->flit_hops();
  return p;
}

Saturation saturation(const NetworkConfig& config, const Traffic& traffic, const Phases& phases,
                      double resolution) {
  Traffic t = traffic;
  Saturation s;
  double low = 0;
  double high = 1;
  while (high - low > resolution) {
    t.load = (low + high) / 2;
    (measure(config, t, phases).stable ? low : high) = t.load;
  }
  s.last_stable = low;
  t.load = kOverload;
  Phases no_drain = phases;
  no_drain.drain = 0;
  s.throughput = measure(config, t, no_drain).accepted;
  return s;
}

}  // namespace counterpoint::sim::noc
