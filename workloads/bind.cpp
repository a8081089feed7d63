// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>

#include "hw/bind.h"
#include "workloads/language.h"
#include "workloads/legality.h"
#include "workloads/mapping.h"

namespace counterpoint::workloads {
namespace {

using Extent = std::array<std::int64_t, kDims>;
__extension__ typedef __int128 Wide;

constexpr std::int64_t kMaxUnits = std::int64_t{1} << 24;

Dim kernel_of(Dim d) {
  return d == Dim::Y ? Dim::R : Dim::S;
}
bool is_output_axis(Dim d) {
  return d == Dim::Y || d == Dim::X;
}

class Binder {
 public:
  Binder(const Layer& layer, const Dataflow& written, const hw::Machine& machine,
         const BindOptions& options)
      : layer_(layer), machine_(machine), options_(options), flow_(written) {}

  BindResult run() {
    const std::optional<Dataflow> fitted = fit_dataflow(flow_, layer_, result_.diagnostics);
    if (!fitted) return std::move(result_);
    flow_ = *fitted;
    if (flow_.levels.empty()) {
      error(flow_.pos, 1, "empty-dataflow", "the dataflow has no directive");
      return std::move(result_);
    }
    if (!sizes_of_clusters()) return std::move(result_);

    Extent extent = layer_.extent;
    for (Dim d : kAllDims)
      if (!layer_.has(d)) extent[static_cast<std::size_t>(index(d))] = 1;

    std::vector<Extent> nominal{extent};  // largest extents of the tile that a level is given
    Nest nest;
    Level offchip;
    offchip.name = "off-chip";
    if (flow_.explicit_offchip) offchip = translate(flow_.offchip, "off-chip", 1, extent);
    nest.levels.push_back(offchip);
    nominal.push_back(extent);
    for (std::size_t i = 0; i < flow_.levels.size(); ++i) {
      const std::string name = i == 0 ? "top" : fmt::format("cluster {}", i);
      nest.levels.push_back(translate(flow_.levels[i], name, units_[i], extent));
      nominal.push_back(extent);
    }
    if (has_errors()) return std::move(result_);

    result_.levels = check_levels(layer_, nest);
    bool legal = true;
    for (const LevelVerdict& v : result_.levels) {
      if (v.legal) continue;
      legal = false;
      std::string counts;
      if (v.missing_macs > 0)
        counts += fmt::format("{} multiply-accumulates missing", v.missing_macs);
      if (v.doubled_macs > 0)
        counts += fmt::format("{}{} done again", counts.empty() ? "" : ", ", v.doubled_macs);
      error(v.pos, 1, v.missing_macs > 0 ? "work-missing" : "work-doubled",
            fmt::format("level '{}': {}: {}", v.level, v.reason, counts));
    }
    if (!flow_.explicit_offchip) result_.levels.erase(result_.levels.begin());
    if (!legal) return std::move(result_);

    std::vector<std::int64_t> pes_below(units_.size(), 1);
    for (std::size_t i = units_.size() - 1; i > 0; --i) pes_below[i - 1] = pes_below[i] * units_[i];
    std::string why;
    std::optional<hw::BoundMachine> bound = hw::bind_levels(machine_, pes_below, why);
    if (!bound) {
      error(flow_.pos, 1, "cluster-mismatch", why);
      return std::move(result_);
    }

    if (!flow_.explicit_offchip) split_offchip(nest, nominal, bound->storage[1]);
    if (bound->network[0].psum == hw::PsumPolicy::Keep && !keeps(nest.levels[0]))
      return std::move(result_);
    bool fits = true;
    for (std::size_t depth = 1; depth < bound->storage.size(); ++depth) {
      const hw::Storage& s = bound->storage[depth];
      if (s.implied) continue;
      const bool kept = depth == 1 && bound->network[0].psum == hw::PsumPolicy::Keep;
      const std::int64_t unfinished =
          kept ? unfinished_tiles(layer_, nest.levels[0], layer_.whole()) : 1;
      const SourcePos pos = depth == 1 ? flow_.pos : nest.levels[depth - 1].pos;
      for (int part = 0; part < std::max(1, s.parts); ++part)
        fits = part_fits(nominal[depth], s, part, unfinished, pos) && fits;
    }
    if (!fits) return std::move(result_);

    Mapping m;
    m.layer = layer_;
    m.machine = std::move(*bound);
    m.machine.finished = finished_outputs(layer_, nest);
    if (m.machine.network[0].psum == hw::PsumPolicy::Keep) m.machine.finished[0] = true;
    m.nest = std::move(nest);
    m.dataflow_name = flow_.name;
    result_.mapping = std::move(m);
    return std::move(result_);
  }

 private:
  void add(input::Severity severity, SourcePos pos, int length, const char* code,
           std::string message) {
    Diagnostic d;
    d.severity = severity;
    d.pos = pos;
    d.length = length;
    d.code = code;
    d.message = fmt::format("layer '{}': {}", layer_.name, message);
    locate(d, flow_);
    result_.diagnostics.push_back(std::move(d));
  }
  void error(SourcePos pos, int length, const char* code, std::string message) {
    add(input::Severity::Error, pos, length, code, std::move(message));
  }
  void warning(SourcePos pos, int length, const char* code, std::string message) {
    add(input::Severity::Warning, pos, length, code, std::move(message));
  }
  bool has_errors() const { return input::has_errors(result_.diagnostics); }

  std::optional<std::int64_t> size_of(const Expr& e) {
    Diagnostic why;
    const std::optional<std::int64_t> v = evaluate_size(e, layer_, why);
    if (!v) {
      locate(why, flow_);
      result_.diagnostics.push_back(why);
    }
    return v;
  }

  // Children of a unit at each dataflow level.
  bool sizes_of_clusters() {
    units_.assign(flow_.levels.size(), 1);
    std::int64_t product = 1;
    for (std::size_t i = 1; i < flow_.levels.size(); ++i) {
      const std::optional<std::int64_t> n = size_of(flow_.levels[i].cluster_size);
      if (!n) return false;
      units_[i] = *n;
      product = *n > kMaxUnits || product > kMaxUnits ? kMaxUnits + 1 : product * *n;
    }
    if (product > machine_.pes) {
      error(flow_.levels.back().pos, 1, "cluster-too-large",
            fmt::format("the clusters group {} PEs, but the machine '{}' has {}", product,
                        machine_.name, machine_.pes));
      return false;
    }
    units_[0] = machine_.pes / product;
    if (units_[0] * product != machine_.pes)
      warning(
          flow_.levels.back().pos, 1, "idle-pes",
          fmt::format("{} of the {} PEs of '{}' are in no cluster of {} and stay idle",
                      machine_.pes - units_[0] * product, machine_.pes, machine_.name, product));
    return true;
  }

  // One level; `extent` goes from the largest tile that the level is given to its child's.
  Level translate(const DataflowLevel& written, const std::string& level_name, std::int64_t units,
                  Extent& extent) {
    Level level;
    level.name = level_name;
    level.units = units;
    level.pos = written.pos.line > 0 || written.directives.empty() ? written.pos
                                                                   : written.directives[0].pos;
    const auto at = [](Extent& e, Dim d) -> std::int64_t& {
      return e[static_cast<std::size_t>(index(d))];
    };
    Extent child = extent;
    std::array<const Directive*, kDims> by_dim{};
    std::array<std::int64_t, kDims> size{}, offset{};
    for (const Directive& dir : written.directives) {
      const std::size_t i = static_cast<std::size_t>(index(dir.dim.dim));
      if (by_dim[i] != nullptr) {
        error(dir.pos, dir.length, "duplicate-directive",
              fmt::format("level '{}' maps {} twice", level_name, name(dir.dim.dim)));
        continue;
      }
      const std::optional<std::int64_t> s = size_of(dir.size), o = size_of(dir.offset);
      if (!s || !o) continue;
      by_dim[i] = &dir;
      size[i] = *s;
      offset[i] = *o;
    }
    if (has_errors()) return level;

    int fold = -1;
    const auto add_loop = [&](const Directive& dir, const Cut& cut) {
      const Dim d = dir.dim.dim;
      Cut c = cut;
      c.spatial = dir.kind == Directive::Kind::Spatial;
      if (c.spatial && fold >= 0) {
        c.loop = fold;
        level.loops[static_cast<std::size_t>(fold)].dims.push_back(d);
      } else {
        c.loop = static_cast<int>(level.loops.size());
        if (c.spatial) fold = c.loop;
        level.loops.push_back({c.spatial, {d}, dir.pos});
      }
      level.cut(d) = c;
    };

    for (const Directive& dir : written.directives) {
      const Dim d = dir.dim.dim;
      const std::size_t i = static_cast<std::size_t>(index(d));
      const bool spatial = dir.kind == Directive::Kind::Spatial;
      if (!layer_.has(d)) continue;  // of extent 1 by nature
      Cut cut;
      cut.kind = Cut::Kind::Plain;
      cut.size = size[i];
      cut.offset = offset[i];
      const std::int64_t given = at(extent, d);
      if (dir.dim.input_centric && layer_.has_window() && is_output_axis(d)) {
        const Window& w = layer_.window(d);
        const Dim k = kernel_of(d);
        const std::size_t ki = static_cast<std::size_t>(index(k));
        const std::int64_t kernel = at(extent, k);
        const std::int64_t window = w.dilation * (kernel - 1) + 1;
        const std::int64_t rows = w.stride * (given - 1) + window;
        const std::string axis = spelling(dir.dim);
        if (cut.size >= rows) {
          cut.size = cut.offset = given;  // one position: everything
        } else if (by_dim[ki] != nullptr && size[ki] < kernel) {
          cut.kind = Cut::Kind::Skewed;
          if (cut.size < w.dilation * (size[ki] - 1) + 1) {
            error(
                dir.pos, dir.length, "window-too-small",
                fmt::format("a tile of {} rows of {} holds no output: {} kernel indices of {} span "
                            "{} rows",
                            cut.size, axis, size[ki], name(k), w.dilation * (size[ki] - 1) + 1));
            continue;
          }
        } else if (cut.size < window) {
          error(dir.pos, dir.length, "window-too-small",
                fmt::format(
                    "a tile of {} of {} is smaller than the window of {} ({} = {}{}): write "
                    "size {}, or map {}'",
                    cut.size, axis, window, name(k), kernel,
                    w.dilation > 1 ? fmt::format(", dilation {}", w.dilation) : "", window, axis));
          continue;
        } else {
          const std::int64_t t = (cut.size - window) / w.stride + 1;
          if (t < given && cut.offset != t && cut.offset != t * w.stride) {
            error(dir.pos, dir.length, "window-offset",
                  fmt::format(
                      "a tile of {} of {} holds {} output{}, so the next one must advance by "
                      "offset {}{}; this one says {}",
                      cut.size, axis, t, t == 1 ? "" : "s", t,
                      w.stride > 1 ? fmt::format(" (or {}, in input rows)", t * w.stride) : "",
                      cut.offset));
            continue;
          }
          cut.size = cut.offset = std::min(t, given);
        }
      } else {
        if (cut.size >= given) cut.size = cut.offset = given;  // one position, clipped
      }
      if (!spatial && cut.kind == Cut::Kind::Plain && cut.size >= given) continue;  // whole
      add_loop(dir, cut);
    }
    for (Dim d : kAllDims) {
      const Cut& cut = level.cut(d);
      if (cut.kind == Cut::Kind::Plain) at(child, d) = std::min(cut.size, at(extent, d));
    }
    for (Dim d : {Dim::Y, Dim::X}) {
      const Cut& cut = level.cut(d);
      if (cut.kind != Cut::Kind::Skewed) continue;
      const Window& w = layer_.window(d);
      const std::int64_t span = w.dilation * (at(child, kernel_of(d)) - 1) + 1;
      at(child, d) = std::min(at(extent, d), (cut.size - span) / w.stride + 1);
    }
    if (units > 1 && fold < 0 && !has_errors())
      error(level.pos, 1, "no-spatial-map",
            fmt::format("level '{}' has {} units but no SpatialMap says how they share the work",
                        level_name, units));
    extent = child;
    return level;
  }

  // Whether it is clear from the off-chip loops alone when outputs are finished.
  bool keeps(const Level& offchip) {
    const auto refuse = [&](const SourcePos& pos, const std::string& why) {
      error(pos, 1, "keep",
            fmt::format("the global buffer of the machine '{}' keeps partial sums until they are "
                        "finished (psum: keep): {}",
                        machine_.name, why));
      return false;
    };
    if (!flow_.explicit_offchip)
      return refuse(flow_.pos, "the off-chip loops must be written, before 'GlobalBuffer;'");
    if (!layer_.dense())
      return refuse(flow_.pos, "the layer must have no implicit padding, and no upsampling");
    for (const Loop& loop : offchip.loops)
      for (Dim d : loop.dims)
        if (offchip.cut(d).kind == Cut::Kind::Skewed)
          return refuse(loop.pos,
                        fmt::format("no off-chip loop may cut {} by input rows", name(d)));
    return true;
  }

  static std::int64_t capacity(const hw::Storage& s, int part) {
    return s.parts == 0 ? s.capacity_bytes : s.part_capacity[static_cast<std::size_t>(part)];
  }

  // Whether the tiles fit into a part of a buffer; says so if not.
  bool part_fits(const Extent& extent, const hw::Storage& s, int part, std::int64_t unfinished,
                 SourcePos pos) {
    const std::int64_t available = capacity(s, part);
    if (available == 0) return true;
    const std::int64_t need = requirement(extent, s, part, unfinished);
    if (need <= available) return true;
    std::string held;  // by the part
    for (Tensor t : kAllTensors) {
      const std::size_t x = static_cast<std::size_t>(index(t));
      if (s.parts > 0 && s.holds[x] && s.part[x] == part)
        held += fmt::format("{}{}s", held.empty() ? " for " : " and ", name(t));
    }
    result_.shortfalls.push_back({s.name + held, need, available});
    const std::string text = fmt::format(
        "the buffer '{}' of the machine '{}' holds {} {}{}, but the mapping needs {} ({} tile of "
        "each tensor): use smaller tiles{}",
        s.name, machine_.name, available, machine_.capacity_in_words ? "words" : "bytes", held,
        need,
        s.buffering == hw::Buffering::Double   ? "twice the largest"
        : s.buffering == hw::Buffering::Single ? "the largest"
                                               : "once or twice the largest",
        options_.waive_capacity ? "" : ", or pass --waive-capacity to go on regardless");
    if (options_.waive_capacity)
      warning(pos, 1, "capacity-waived", text);
    else
      error(pos, 1, "capacity", text);
    return options_.waive_capacity;
  }

  // Of a part. `unfinished`: so many tiles of outputs are kept.
  std::int64_t requirement(const Extent& extent, const hw::Storage& s, int part,
                           std::int64_t unfinished = 1) const {
    Wide bits = 0, second = 0;  // of one tile of each tensor, of those that are held twice
    const std::array<int, kTensors> width = {machine_.bits.input, machine_.bits.weight,
                                             machine_.bits.psum};
    for (Tensor t : kAllTensors) {
      const std::size_t x = static_cast<std::size_t>(index(t));
      if (!s.holds[x] || (s.parts > 0 && s.part[x] != part)) continue;
      const Wide tile = Wide(tile_words_bound(layer_, t, extent)) *
                        (t == Tensor::Output ? unfinished : 1) *
                        (machine_.capacity_in_words ? 8 : width[x]);
      bits += tile;
      if (hw::slots(s.buffering, x) == 2) second += tile;
    }
    const Wide bytes = (bits + 7) / 8 + (second + 7) / 8;
    constexpr Wide top = Wide(std::int64_t{1} << 62);
    return static_cast<std::int64_t>(std::min(bytes, top));
  }

  // The smallest number of top-level loops that must run off-chip for a global-buffer tile to fit.
  void split_offchip(Nest& nest, std::vector<Extent>& nominal, const hw::Storage& buffer) {
    const Level top = nest.levels[1];
    const int loops = static_cast<int>(top.loops.size());
    int chosen = 0;
    Extent held = nominal[1];
    for (int k = 0; k <= loops; ++k) {
      if (!splittable(top, k)) continue;
      held = held_at(top, k, nominal[1]);
      chosen = k;
      bool fits = true;
      for (int part = 0; part < std::max(1, buffer.parts); ++part) {
        const std::int64_t available = capacity(buffer, part);
        fits = fits && (available == 0 || requirement(held, buffer, part) <= available);
      }
      if (fits) break;
    }
    result_.offchip_depth = chosen;
    Level& out = nest.levels[0];
    Level& in = nest.levels[1];
    in.loops.clear();
    std::vector<int> moved(static_cast<std::size_t>(loops), -1);
    for (int l = 0; l < loops; ++l) {
      const Loop& loop = top.loops[static_cast<std::size_t>(l)];
      if (l < chosen) {
        Loop outer = loop;
        outer.fold = false;
        out.loops.push_back(outer);
        for (Dim d : loop.dims) {
          Cut cut = top.cut(d);
          cut.loop = l;
          if (cut.spatial) {
            cut.size = (top.units - 1) * cut.offset + cut.size;
            cut.offset *= top.units;
          }
          cut.spatial = false;
          out.cut(d) = cut;
          if (!loop.fold) in.cut(d) = Cut{};
        }
      }
      if (l >= chosen || loop.fold) {
        moved[static_cast<std::size_t>(l)] = static_cast<int>(in.loops.size());
        in.loops.push_back(loop);
      }
    }
    for (Dim d : kAllDims) {
      Cut& cut = in.cut(d);
      if (cut.kind != Cut::Kind::Whole) cut.loop = moved[static_cast<std::size_t>(cut.loop)];
    }
    nominal[1] = held;
  }

  // Skewed pairs move together, and only if their union over the units is a box.
  static bool splittable(const Level& top, int k) {
    for (Dim d : {Dim::Y, Dim::X}) {
      const Cut& a = top.cut(d);
      const Cut& b = top.cut(kernel_of(d));
      if (a.kind != Cut::Kind::Skewed) continue;
      if ((a.loop < k) != (b.loop < k)) return false;
      if (a.loop < k && (a.spatial || b.spatial)) return false;
    }
    return true;
  }

  Extent held_at(const Level& top, int k, const Extent& given) const {
    Extent e = given;
    for (Dim d : kAllDims) {
      const Cut& cut = top.cut(d);
      if (cut.kind == Cut::Kind::Whole || cut.loop >= k) continue;
      std::int64_t& x = e[static_cast<std::size_t>(index(d))];
      if (cut.kind == Cut::Kind::Plain) {
        x = std::min(x, cut.spatial ? (top.units - 1) * cut.offset + cut.size : cut.size);
      } else {
        const Window& w = layer_.window(d);
        const std::int64_t span = w.dilation * (top.cut(kernel_of(d)).size - 1) + 1;
        x = std::min(x, (cut.size - span) / w.stride + 1);
      }
    }
    return e;
  }

  const Layer& layer_;
  const hw::Machine& machine_;
  const BindOptions& options_;
  Dataflow flow_;
  std::vector<std::int64_t> units_;
  BindResult result_;
};

}  // namespace

BindResult bind(const Layer& layer, const Dataflow& dataflow, const hw::Machine& machine,
                const BindOptions& options) {
  return Binder(layer, dataflow, machine, options).run();
}

}  // namespace counterpoint::workloads
