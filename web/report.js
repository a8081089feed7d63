// SPDX-License-Identifier: Apache-2.0
// Draws the report from the result in the page (docs/json.md). Names in a result are arbitrary
// text: they reach the page through textContent only.
'use strict';
(function () {
  const result = JSON.parse(document.getElementById('result').textContent);
  const layers = result.layers;
  const ran = layers.filter((l) => l.estimate || l.simulation);
  const main = (l) => l.simulation || l.estimate;
  const tensors = ['input', 'weight', 'output'];
  const byId = (id) => document.getElementById(id);

  const stackClasses = [
    ['startup', 'start-up', '#8d99a8'], ['compute', 'compute', '#0072b2'],
    ['level_above', 'level above', '#e69f00'], ['bandwidth', 'bandwidth', '#d55e00'],
    ['drain', 'drain', '#cc79a7'], ['latency', 'latency', '#56b4e9'],
    ['contention', 'contention', '#c9b800'], ['tail', 'tail', '#b9bfc8']];
  const palette = ['#0072b2', '#e69f00', '#009e73', '#d55e00', '#cc79a7', '#56b4e9', '#c9b800',
    '#8d99a8', '#7f5539', '#b9bfc8'];

  function element(tag, attributes, ...children) {
    const e = document.createElement(tag);
    for (const [k, v] of Object.entries(attributes || {})) e.setAttribute(k, v);
    for (const c of children) if (c !== null && c !== undefined) e.append(c);
    return e;
  }
  function drawn(tag, attributes, text) {
    const e = document.createElementNS('http://www.w3.org/2000/svg', tag);
    for (const [k, v] of Object.entries(attributes)) e.setAttribute(k, v);
    if (text !== undefined) e.textContent = text;
    return e;
  }
  // Digits in groups, with a narrow space that does not break.
  function whole(n) {
    return String(n).replace(/\B(?=(\d{3})+(?!\d))/g, '\u202f');
  }
  function short(n) {
    if (n === 0) return '0';
    const units = [[1e15, 'P'], [1e12, 'T'], [1e9, 'G'], [1e6, 'M'], [1e3, 'k']];
    for (const [u, name] of units) if (Math.abs(n) >= u) return (n / u).toPrecision(3) + name;
    return Math.abs(n) >= 100 ? n.toFixed(0) : String(Number(n.toPrecision(3)));
  }
  function energyUnit(u) { return u === 'MAC' ? 'MACs' : u; }  // normalised tables
  function percent(x, digits) { return (100 * x).toFixed(digits === undefined ? 1 : digits) + ' %'; }
  function rate(r) { return r ? short(r.per_cycle) + ' ' + r.unit + '/cycle' : 'unlimited'; }
  function cut(text, n) { return text.length > n ? text.slice(0, n - 1) + '\u2026' : text; }

  // ---- tables
  // columns: {title, text?: left-aligned, value(row), show?(row) -> string or Node}
  function table(target, columns, rows, sortable) {
    let order = rows.slice(), sorted = -1, up = true;
    const head = element('tr'), body = element('tbody');
    const fill = () => {
      body.replaceChildren(...order.map((row) => element('tr', {}, ...columns.map((c) => {
        const shown = c.show ? c.show(row) : c.value(row);
        return element('td', c.text ? { class: c.class || 'text' } : {},
          shown === null || shown === undefined ? '\u2013' : shown);
      }))));
    };
    columns.forEach((c, i) => {
      const th = element('th', { scope: 'col' });
      if (c.text) th.className = 'text';
      if (sortable) {
        const b = element('button', { type: 'button' }, c.title);
        th.setAttribute('aria-sort', 'none');
        b.addEventListener('click', () => {
          up = sorted === i ? !up : c.text === true;
          sorted = i;
          [...head.children].forEach((h, k) => h.setAttribute('aria-sort',
            k === i ? (up ? 'ascending' : 'descending') : 'none'));
          order = rows.slice().sort((a, b2) => {
            const x = c.value(a), y = c.value(b2);
            const none = (v) => v === null || v === undefined;
            if (none(x) || none(y)) return none(x) - none(y);  // unknown values stay last
            const d = typeof x === 'number' ? x - y : x < y ? -1 : x > y ? 1 : 0;
            return up ? d : -d;
          });
          fill();
        });
        th.append(b);
      } else {
        th.append(c.title);
      }
      head.append(th);
    });
    target.replaceChildren(element('thead', {}, head), body);
    fill();
  }
  function tableIn(parent, label, columns, rows) {
    const t = element('table');
    table(t, columns, rows, false);
    parent.append(element('h3', {}, label),
      element('div', { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': label }, t));
  }

  // ---- charts
  const charts = [];
  let colours = {};
  function readColours() {
    const style = getComputedStyle(document.documentElement);
    for (const name of ['ground', 'panel', 'line', 'text', 'quiet', 'accent'])
      colours[name] = style.getPropertyValue('--' + name).trim();
  }
  function chart(target, height, label, option) {
    target.style.height = height + 'px';
    target.setAttribute('role', 'img');
    target.setAttribute('aria-label', label);
    charts.push({ target, option, drawn: null });
  }
  function draw() {
    readColours();
    for (const c of charts) {
      if (c.drawn) c.drawn.dispose();
      c.drawn = echarts.init(c.target, null, { renderer: 'svg' });
      const o = c.option();
      o.animation = false;
      o.textStyle = { color: colours.text, fontFamily: 'inherit' };
      o.tooltip = Object.assign({ renderMode: 'richText', confine: true,
        backgroundColor: colours.panel, borderColor: colours.line,
        textStyle: { color: colours.text } }, o.tooltip);
      c.drawn.setOption(o);
    }
  }
  const narrow = () => document.documentElement.clientWidth < 600;
  function axis(o) {
    return Object.assign({ axisLine: { lineStyle: { color: colours.quiet } },
      axisLabel: { color: colours.quiet }, nameTextStyle: { color: colours.quiet },
      splitLine: { lineStyle: { color: colours.line, opacity: 0.6 } } }, o);
  }
  function layerAxis() {
    const width = narrow() ? 84 : 150;
    return axis({ type: 'category', inverse: true, data: ran.map((l) => l.layer),
      axisTick: { show: false }, splitLine: { show: false },
      axisLabel: { color: colours.text, width, overflow: 'truncate', interval: 0 } });
  }
  function legend(target, entries) {
    target.replaceChildren(...entries.map(([name, colour]) =>
      element('span', {}, element('i', { style: 'background:' + colour }), name)));
  }

  // ---- summary
  function summary() {
    const count = (s) => layers.filter((l) => l.status === s).length;
    const total = (f) => ran.reduce((a, l) => a + (l.repeat || 1) * f(l), 0);
    const cards = [];
    const add = (name, value, kind) => cards.push(element('div', { class: 'card' },
      element('b', kind ? { class: kind } : {}, value), name));
    if (result.command === 'validate') {
      const exact = ran.filter((l) => l.agreement && l.agreement.exact).length;
      const wrong = count('disagree') + count('error');
      add('layers on which both models agree', count('ok') + ' of ' + ran.length,
        wrong ? 'wrong' : 'ok');
      add('of them exact', String(exact));
    } else {
      add('layers', String(ran.length));
    }
    if (count('disagree')) add('disagree', String(count('disagree')), 'wrong');
    if (count('error')) add('failed', String(count('error')), 'wrong');
    if (count('refused')) add('refused', String(count('refused')), 'wrong');
    if (count('not-modelled')) add('not modelled', String(count('not-modelled')));
    if (ran.length) {
      const cycles = total((l) => main(l).cycles), macs = total((l) => l.macs);
      add('MACs', short(macs));
      add('cycles', short(cycles));
      add('MACs per cycle', short(macs / Math.max(cycles, 1)));
      const peak = ran[0].bound_machine ? ran[0].bound_machine.pes * ran[0].bound_machine.lanes : 0;
      if (peak) add('utilization', percent(macs / Math.max(cycles, 1) / peak));
      if (ran.every((l) => main(l).energy)) {
        const e = total((l) => main(l).energy.total);
        add('energy, in ' + energyUnit(main(ran[0]).energy.unit), short(e));
      }
      const checked = ran.filter((l) => l.functional && l.functional !== 'not-checked');
      if (checked.length)
        add('outputs equal to a direct evaluation',
          checked.filter((l) => l.functional === 'equal').length + ' of ' + checked.length);
    }
    byId('summary').replaceChildren(...cards);
  }

  function layerTable() {
    const both = ran.some((l) => l.estimate) && ran.some((l) => l.simulation);
    const columns = [
      { title: '#', value: (l) => layers.indexOf(l) + 1 },
      { title: 'Layer', text: true, value: (l) => l.layer, show: (l) => {
        if (!main(l)) return l.layer;
        const b = element('button', { type: 'button' }, l.layer);
        b.addEventListener('click', () => { choose(l); byId('h-detail').scrollIntoView(); });
        return b;
      } },
      { title: 'Operator', text: true, value: (l) => l.operator },
      { title: 'Status', text: true, value: (l) => l.status, show: (l) =>
        element('span', { class: l.status === 'ok' ? 'ok' : l.status === 'not-modelled' ? 'quiet' : 'wrong' },
          l.status === 'ok' && l.agreement ? (l.agreement.exact ? 'exact' : 'agrees') : l.status) },
      { title: 'MACs', value: (l) => l.macs, show: (l) => l.macs === undefined ? null : whole(l.macs) }];
    const cycles = (title, model) => columns.push({ title, value: (l) => l[model] && l[model].cycles,
      show: (l) => l[model] ? whole(l[model].cycles) : null });
    if (ran.some((l) => l.estimate)) cycles(both ? 'Cycles, estimated' : 'Cycles', 'estimate');
    if (ran.some((l) => l.simulation)) cycles(both ? 'Cycles, simulated' : 'Cycles', 'simulation');
    if (both) columns.push({ title: 'Difference', value: (l) => l.agreement && l.agreement.cycles_difference_percent,
      show: (l) => l.agreement ? l.agreement.cycles_difference_percent.toFixed(3) + ' %' : null });
    columns.push({ title: 'Utilization', value: (l) => main(l) && main(l).utilization,
      show: (l) => main(l) ? percent(main(l).utilization) : null });
    if (ran.some((l) => main(l).energy))
      columns.push({ title: 'Energy', value: (l) => main(l) && main(l).energy && main(l).energy.total,
        show: (l) => main(l) && main(l).energy ? short(main(l).energy.total) + ' ' + energyUnit(main(l).energy.unit) : null });
    if (ran.some((l) => l.roofline))
      columns.push({ title: 'Largest lower bound', text: true,
        value: (l) => l.roofline && l.roofline.bounds.length ? l.roofline.bounds[0].resource : null });
    if (layers.some((l) => l.reason))
      columns.push({ title: 'Why', text: true, class: 'reason', value: (l) => l.reason || null });
    table(byId('layers'), columns, layers, true);
  }

  function stackCharts() {
    const models = ['estimate', 'simulation'].filter((m) => ran.some((l) => l[m]));
    byId('stack-note').textContent = 'Cycles of all PE arrays by cause, in percent.' +
      (models.length === 2 ? ' Upper bar: estimated; lower bar: simulated.' : '');
    const used = stackClasses.filter(([key]) => ran.some((l) => models.some((m) =>
      l[m] && l[m].statistics['stack.' + key] > 0)));
    legend(byId('legend'), used.map(([, name, colour]) => [name, colour]));
    chart(byId('stack'), 50 + ran.length * (models.length === 2 ? 34 : 24), 'Cycle stacks of all layers', () => ({
      grid: { left: 8, right: 24, top: 8, bottom: 24, containLabel: true },
      tooltip: { trigger: 'item', formatter: (p) =>
        ran[p.dataIndex].layer + ', ' + (p.seriesId.split(' ')[0] === 'estimate' ? 'estimated' : 'simulated') +
        '\n' + p.seriesName + ' ' + p.value.toFixed(2) + ' %' },
      xAxis: axis({ type: 'value', max: 100, axisLabel: { color: colours.quiet, formatter: '{value} %' } }),
      yAxis: layerAxis(),
      series: models.flatMap((m) => used.map(([key, name, colour]) => ({
        type: 'bar', id: m + ' ' + key, name, stack: m, barCategoryGap: '24%', barGap: '8%',
        itemStyle: { color: colour },
        data: ran.map((l) => {
          if (!l[m]) return 0;
          const all = stackClasses.reduce((a, [k]) => a + l[m].statistics['stack.' + k], 0);
          return all ? 100 * l[m].statistics['stack.' + key] / all : 0;
        }) })))
    }));
  }

  let rooflineNetwork = '';
  function rooflineChart() {
    const names = [...new Set(ran.filter((l) => l.roofline && l.bound_machine)
      .flatMap((l) => l.bound_machine.network.map((n) => n.name)))];
    if (!names.length) {
      byId('h-roofline').parentElement.remove();
      return;
    }
    rooflineNetwork = names[0];
    byId('roofline-network').replaceChildren(...names.map((n, i) => element('option', { value: i }, n)));
    byId('roofline-network').addEventListener('change', (e) => {
      rooflineNetwork = names[Number(e.target.value)];
      draw();
    });
    const width = (l) => {  // bytes of the widest and narrowest word
      const b = l.bound_machine.word_bits;
      return [Math.min(b.input, b.weight, b.psum) / 8, Math.max(b.input, b.weight, b.psum) / 8];
    };
    chart(byId('roofline'), 380, 'Roofline with every layer', () => {
      const points = [], limits = [], rates = new Map();
      let peak = 0, bus = false;
      for (const l of ran) {
        if (!l.roofline || !l.bound_machine) continue;
        const i = l.bound_machine.network.findIndex((n) => n.name === rooflineNetwork);
        if (i < 0 || !(l.roofline.macs_per_byte[i] > 0)) continue;
        points.push({ value: [l.roofline.macs_per_byte[i], l.roofline.achieved_macs_per_cycle], name: l.layer });
        limits.push({ value: [l.roofline.macs_per_byte[i], l.roofline.attainable_macs_per_cycle], name: l.layer });
        peak = Math.max(peak, l.roofline.peak_macs_per_cycle);
        const n = l.bound_machine.network[i], r = n.bandwidth;
        if (r) {
          // Every parent has a network of its own; fills and drains, and separate channels, go
          // side by side at the full rate each.
          const parents = l.estimate.statistics[l.bound_machine.storage[i].name + '.instances'] || 1;
          const ways = n.topology === 'bus' ? 1 : n.channels === 'separate' ? 4 : 2;
          const bytes = r.unit === 'bytes' ? 1 : width(l)[1];
          rates.set(r.per_cycle * bytes * parents * ways, r);
          bus = bus || n.topology === 'bus';
        }
      }
      const xs = points.map((p) => p.value[0]), ys = points.map((p) => p.value[1]);
      const ridge = [...rates.keys()].map((b) => peak / b);
      const decade = (v, f) => Math.pow(10, f(Math.log10(v)));
      const left = decade(Math.min(...xs, ...ridge), Math.floor) / 1.0001;
      const right = decade(Math.max(...xs, ...ridge) * 1.5, Math.ceil);
      const bottom = decade(Math.min(...ys.filter((y) => y > 0), peak) * 0.7, Math.floor);
      byId('roofline-note').textContent = 'Dots: achieved. Rings: what the tightest lower bound of the layer allows, of any resource. ' + (rates.size ?
        'The roof: all PEs busy, and the network carrying words in every direction and channel at the same time' +
        [...rates].map(([b, r]) => ' (' + short(b) + ' bytes per cycle in all, ' + rate(r) + ' each)').join('') + '.' :
        'The network has no limit of its own: the roof is that of the PEs.');
      const roofs = (rates.size ? [...rates.keys()] : [Infinity]).map((b) => ({
        type: 'line', name: 'roof', silent: true, symbol: 'none', z: 1, tooltip: { show: false },
        lineStyle: { color: colours.quiet, width: 2 },
        data: b === Infinity ? [[left, peak], [right, peak]] :
          [[Math.max(left, bottom / b), Math.min(peak, b * Math.max(left, bottom / b))],
            [Math.max(left, peak / b), peak], [right, peak]] }));
      return {
        grid: { left: 12, right: 24, top: 32, bottom: 32, containLabel: true },
        tooltip: { trigger: 'item', formatter: (p) => p.name + '\n' + short(p.value[0]) +
          ' MACs per byte\n' + short(p.value[1]) + ' MACs per cycle' },
        xAxis: axis({ type: 'log', name: 'MACs per byte on the network', nameLocation: 'middle', nameGap: 26, min: left, max: right }),
        yAxis: axis({ type: 'log', name: 'MACs per cycle', nameTextStyle: { color: colours.quiet, align: 'left' }, min: bottom }),
        series: [...roofs, { type: 'scatter', data: limits, symbolSize: 14, z: 2,
          itemStyle: { color: 'transparent', borderColor: colours.quiet, borderWidth: 1.5 } }, { type: 'scatter', data: points, symbolSize: 10, z: 3,
          itemStyle: { color: colours.accent, opacity: 0.85 }, labelLayout: { hideOverlap: true },
          label: { show: true, position: 'bottom', color: colours.text, formatter: (p) => cut(p.name, 18) } }] };
    });
  }

  // A table whose cells are coloured: it can be read aloud, and scrolls where it is too wide.
  function heatTable() {
    const networks = [...new Set(ran.flatMap((l) => Object.keys(main(l).network_busy || {})))];
    const columns = [{ title: ['PEs'], value: (l) => main(l).utilization }];
    for (const n of networks)
      for (const way of ['to_children', 'to_parent'])
        columns.push({ title: [n, way.replace('_', ' ')], value: (l) => {
          const b = (main(l).network_busy || {})[n];
          return b ? b[way] : null;
        } });
    const cell = (v) => {
      if (v === null) return element('td', {}, '\u2013');
      // The text is legible on pale and dark.
      return element('td', { style: 'background:' + shade(v) + ';color:' + (v > 0.45 ? '#ffffff' : '#10161e') }, (100 * v).toFixed(1));
    };
    byId('heat').replaceChildren(
      element('thead', {}, element('tr', {}, element('th', { scope: 'col', class: 'text' }, 'Layer'),
        ...columns.map((c) => element('th', { scope: 'col' }, c.title[0], element('br'), c.title[1] || 'busy')))),
      element('tbody', {}, ...ran.map((l) => element('tr', {}, element('th', { scope: 'row', class: 'text' }, l.layer),
        ...columns.map((c) => cell(c.value(l)))))));
  }

  function energyParts(l) {
    const e = main(l).energy, out = new Map();
    const sum = (t) => tensors.reduce((a, k) => a + t[k], 0);
    for (const [n, t] of Object.entries(e.storage)) out.set(n, sum(t));
    // Networks of clusters differ from layer to layer: one entry keeps the colours apart.
    out.set('networks', Object.values(e.network).reduce((a, t) => a + sum(t), 0));
    out.set('MACs', e.macs);
    out.set('leakage', e.leakage);
    return out;
  }
  function energyChart() {
    const with_ = ran.filter((l) => main(l).energy);
    if (!with_.length) {
      byId('energy-section').remove();
      return;
    }
    const names = [...new Set(with_.flatMap((l) => [...energyParts(l)].filter(([, v]) => v > 0).map(([n]) => n)))];
    byId('energy-note').textContent = 'Per layer, in ' + energyUnit(main(with_[0]).energy.unit) + ', by storage level; hops of all networks, multiply-accumulates and leakage.';
    const box = element('div', { class: 'legend' });
    legend(box, names.map((n, i) => [n, palette[i % palette.length]]));
    byId('energy-note').after(box);
    chart(byId('energy'), 50 + with_.length * 26, 'Energy of all layers by level', () => ({
      grid: { left: 8, right: 32, top: 8, bottom: 24, containLabel: true },
      tooltip: { trigger: 'item', formatter: (p) => with_[p.dataIndex].layer + '\n' + p.seriesName + ' ' + short(p.value) + ' ' + energyUnit(main(with_[0]).energy.unit) },
      xAxis: axis({ type: 'value', splitNumber: narrow() ? 3 : 6, axisLabel: { color: colours.quiet, formatter: short } }),
      yAxis: Object.assign(layerAxis(), { data: with_.map((l) => l.layer) }),
      series: names.map((n, i) => ({ type: 'bar', name: n, stack: 'e', barCategoryGap: '30%',
        itemStyle: { color: palette[i % palette.length] }, data: with_.map((l) => energyParts(l).get(n) || 0) }))
    }));
  }

  // ---- one layer
  // The chain of levels as boxes, the networks as the wires between them.
  function diagram(l) {
    const m = l.bound_machine, r = main(l), s = r.statistics, unit = m.capacity_unit;
    const boxHeight = 66, wire = 76, width = 360;
    const height = m.storage.length * (boxHeight + wire) + 44;
    const svg = drawn('svg', { viewBox: '0 0 ' + width + ' ' + height, class: 'machine', role: 'img',
      'aria-label': 'The machine with the numbers of the layer' });
    let y = 2;
    m.storage.forEach((level, i) => {
      const x = 20, w = width - 40;
      const instances = s[level.name + '.instances'];
      if (instances > 1)
        svg.append(drawn('rect', { x: x + 4, y: y + 4, width: w, height: boxHeight, rx: 6, class: 'box' }));
      svg.append(drawn('rect', { x, y, width: w, height: boxHeight, rx: 6, class: 'box' }));
      svg.append(drawn('text', { x: x + 10, y: y + 17, class: 'name' },
        cut(level.name, 30) + (instances > 1 ? ' \u00d7 ' + whole(instances) : '') + (level.implied ? ' (implied)' : '')));
      const a = r.accesses[level.name];
      if (a) {
        const sum = (k) => tensors.reduce((t, n) => t + a[n][k], 0);
        svg.append(drawn('text', { x: x + 10, y: y + 34 }, 'reads ' + short(sum('reads')) + ', writes ' + short(sum('writes')) + ' words'));
      }
      const c = r.capacity[level.name];
      const slots = typeof level.buffering !== 'object' || !level.buffering ? level.buffering :
        tensors.map((t) => level.buffering[t] === 'single' ? 1 : 2).join('/') + ' times';
      const ports = !level.banks || !level.banks.length ? '' : level.banks.length === 1 ? ', one port' : ', ' + level.banks.length + ' banks';
      if (c && c.available) {
        const share = c.required / c.available;
        svg.append(drawn('rect', { x: x + 10, y: y + 41, width: w - 20, height: 6, rx: 3, class: 'room' }));
        svg.append(drawn('rect', { x: x + 10, y: y + 41, width: Math.max(1, Math.min(1, share) * (w - 20)), height: 6, rx: 3,
          class: share > 1 ? 'over' : 'used' }));
        svg.append(drawn('text', { x: x + 10, y: y + 60, class: 'small' },
          'needs ' + whole(c.required) + ' of ' + whole(c.available) + ' ' + unit + ' (' + percent(share, 0) + '), ' + slots + ' buffered' + ports));
      } else {
        svg.append(drawn('text', { x: x + 10, y: y + 52, class: 'small' }, c ? 'needs ' + whole(c.required) + ' ' + unit + '; unlimited' + ports : 'unlimited'));
      }
      y += boxHeight;
      const n = m.network[i];
      if (n) {
        const cx = 44;
        const many = (s[m.storage[i + 1].name + '.instances'] || 1) > (instances || 1);
        svg.append(drawn('path', { d: many ? `M${cx} ${y} V${y + wire / 2} M${cx - 14} ${y + wire - 1} V${y + wire / 2} H${cx + 14} V${y + wire - 1} M${cx} ${y + wire / 2} V${y + wire - 1}` :
          `M${cx} ${y} V${y + wire - 1}`, class: 'wire', 'stroke-width': 1.5 }));
        const words = (k) => tensors.reduce((t, q) => t + (s[n.name + '.' + q + '.' + k] || 0), 0);
        const busy = (r.network_busy || {})[n.name];
        const lines = [
          [cut(n.name, 44), ''],
          [rate(n.bandwidth) + (n.subtrees ? ', trees of ' + n.subtrees.pes + ' PEs: ' + rate(n.subtrees.bandwidth) : '') + (n.drain_lines ? ', lines to the parent for ' + n.drain_lines.children + ' children: ' + rate(n.drain_lines.bandwidth) : '') + ', latency ' + n.latency + (n.topology === 'bus' ? ', bus' : ''), 'small'],
          [n.channels + ' channels, multicast ' + n.multicast + ', reduction ' + n.reduction, 'small'],
          ['\u2193 ' + short(words('injected')) + ' words' + (busy ? ', busy ' + percent(busy.to_children) : '') +
            '   \u2191 ' + short(words('drain_injected')) + (busy ? ', busy ' + percent(busy.to_parent) : ''), 'small']];
        lines.forEach(([t, k], j) => svg.append(drawn('text', { x: cx + 26, y: y + 19 + j * 14, class: k }, t)));
        y += wire;
      }
    });
    y += 10;
    svg.append(drawn('text', { x: 30, y: y + 12, class: 'name' }, whole(m.pes) + ' PEs \u00d7 ' + m.lanes + (m.lanes === 1 ? ' lane' : ' lanes')));
    svg.append(drawn('text', { x: 30, y: y + 28 }, short(l.macs) + ' MACs in ' + whole(r.cycles) + ' cycles: utilization ' + percent(r.utilization)));
    svg.setAttribute('viewBox', '0 0 ' + width + ' ' + (y + 36));
    return svg;
  }

  // ---- what --profile recorded
  function shade(v) {  // from pale to dark blue
    const mix = (a, b) => Math.round(a + (b - a) * Math.min(1, Math.max(0, v)));
    return 'rgb(' + mix(226, 0) + ',' + mix(238, 66) + ',' + mix(250, 134) + ')';
  }
  // One cell per unit, in rows; of very many units, a cell is the mean of neighbours.
  function heatMap(values, perRow, show, label) {
    let each = 1;
    while (values.length / each > 4096) each *= 2;
    const cells = [];
    for (let i = 0; i < values.length; i += each) {
      const some = values.slice(i, i + each);
      cells.push(some.reduce((a, v) => a + v, 0) / some.length);
    }
    let columns = each === 1 && perRow > 1 && perRow <= 64 && values.length > perRow ? perRow : 1;
    if (columns === 1)
      for (let d = 1; d * d <= cells.length; d++) if (cells.length % d === 0) columns = cells.length / d;
    if (columns > 128) columns = Math.ceil(Math.sqrt(cells.length));
    const most = Math.max(...cells), least = Math.min(...cells);
    const size = Math.max(4, Math.min(22, Math.floor(640 / columns)));
    const rows = Math.ceil(cells.length / columns);
    const svg = drawn('svg', { role: 'img', 'aria-label': label, class: 'units',
      viewBox: '0 0 ' + columns * size + ' ' + rows * size, width: columns * size });
    cells.forEach((v, i) => {
      const r = drawn('rect', { x: i % columns * size, y: Math.floor(i / columns) * size, width: size - 1, height: size - 1,
        fill: shade(most > 0 ? v / most : 0) });
      r.append(drawn('title', {}, (each === 1 ? 'unit ' + i : 'units ' + i * each + ' to ' + Math.min(values.length - 1, (i + 1) * each - 1)) + ': ' + show(v)));
      svg.append(r);
    });
    const key = element('p', { class: 'quiet' }, whole(values.length) + ' units' + (each > 1 ? ', ' + each + ' to a cell' : '') +
      (most === least ? ', all ' + show(most) : ', least ' + show(least) + ', most ' + show(most) + ' (darkest)'));
    return [key, svg];
  }
  // Routers where they lie (columns) or by their distance from the first (trees), a line per link
  // and direction, as dark and wide as it is busy; links that lead out of the network as squares.
  function routerMap(n) {
    const count = n.routers.length, columns = [], rows = [];
    if (n.columns > 0) {
      for (let i = 0; i < count; i++) {
        columns.push(i % n.columns);
        rows.push(Math.floor(i / n.columns));
      }
    } else {
      const next = n.routers.map(() => []), level = n.routers.map(() => -1);
      for (const k of n.links) if (k.to !== undefined) {
        next[k.from].push(k.to);
        next[k.to].push(k.from);
      }
      const order = [];
      for (let s = 0; s < count; s++) {
        if (level[s] >= 0) continue;
        level[s] = 0;
        order.push(s);
        for (let i = order.length - 1; i < order.length; i++)
          for (const t of next[order[i]]) if (level[t] < 0) {
            level[t] = level[order[i]] + 1;
            order.push(t);
          }
      }
      const many = [];
      for (const r of order) many[level[r]] = (many[level[r]] || 0) + 1;
      const widest = Math.max(...many), put = many.map(() => 0);
      for (const r of order) {
        rows[r] = level[r];
        columns[r] = (put[level[r]]++ + 0.5) * widest / many[level[r]] - 0.5;
      }
    }
    const share = (k) => n.cycles > 0 ? k.used / n.cycles : 0;
    const wide = Math.max(...columns) + 1, high = Math.max(...rows) + 1;
    const step = Math.max(28, Math.min(72, Math.floor(640 / wide))), side = step * 0.36;
    const most = Math.max(0, ...n.links.map(share));
    const svg = drawn('svg', { role: 'img', class: 'routers', width: wide * step, viewBox: '0 0 ' + wide * step + ' ' + high * step,
      'aria-label': 'Load of the links between the routers of ' + n.network + ', ' + n.plane });
    const x = (r) => (columns[r] + 0.5) * step, y = (r) => (rows[r] + 0.5) * step;
    const out = n.routers.map(() => 0);
    const tell = (k) => k.name + ': ' + percent(share(k)) + ' used, ' + percent(n.cycles > 0 ? k.stalled / n.cycles : 0) + ' stalled';
    const colour = (k) => shade(most > 0 ? share(k) / most : 0);
    n.routers.forEach((name, r) => {
      const box = drawn('rect', { x: x(r) - side / 2, y: y(r) - side / 2, width: side, height: side, rx: 2, class: 'box' });
      box.append(drawn('title', {}, 'router ' + name));
      svg.append(box);
    });
    for (const k of n.links) {
      let mark;
      if (k.to === undefined) {
        const i = out[k.from]++, cell = side / 4;
        mark = drawn('rect', { x: x(k.from) - side / 2 + i % 4 * cell, y: y(k.from) - side / 2 + Math.floor(i / 4) % 4 * cell,
          width: cell - 0.5, height: cell - 0.5, fill: colour(k) });
      } else {  // on the right of its way, from box to box
        const dx = x(k.to) - x(k.from), dy = y(k.to) - y(k.from), d = Math.hypot(dx, dy) || 1;
        const ux = dx / d, uy = dy / d, gap = side * 0.55, aside = side * 0.2;
        mark = drawn('line', { x1: x(k.from) + ux * gap - uy * aside, y1: y(k.from) + uy * gap + ux * aside,
          x2: x(k.to) - ux * gap - uy * aside, y2: y(k.to) - uy * gap + ux * aside,
          stroke: colour(k), 'stroke-width': 2 + (most > 0 ? 3 * share(k) / most : 0) });
      }
      mark.append(drawn('title', {}, tell(k)));
      svg.append(mark);
    }
    let busiest = n.links[0];
    for (const k of n.links) if (share(k) > share(busiest)) busiest = k;
    return [element('p', { class: 'quiet' }, whole(count) + ' routers' + (n.arrays > 1 ? ', mean of ' + whole(n.arrays) + ' such networks' : '') +
      '; a line is a link, squares in a router lead to what is attached' + (busiest ? '; busiest (darkest): ' + tell(busiest) : '')), svg];
  }
  function timeChart(box, label, unit, bin, series) {
    const target = element('div', { class: 'chart' }), key = element('div', { class: 'legend' });
    const shownSeries = series.filter((q) => q.values.some((v) => v > 0));
    legend(key, shownSeries.map((q, i) => [q.name, palette[i % palette.length]]));
    box.append(element('h3', {}, label), key, target);
    chart(target, 220, label, () => ({
      grid: { left: 8, right: 24, top: 12, bottom: 24, containLabel: true },
      tooltip: { trigger: 'axis', formatter: (all) => 'from cycle ' + whole(all[0].value[0]) + '\n' +
        all.map((p) => p.seriesName + ' ' + short(p.value[1])).join('\n') },
      xAxis: axis({ type: 'value', name: 'cycle', nameLocation: 'middle', nameGap: 24, min: 0, max: 'dataMax', axisLabel: { color: colours.quiet, formatter: short, hideOverlap: true } }),
      yAxis: axis({ type: 'value', name: unit, nameLocation: 'end', axisLabel: { color: colours.quiet, formatter: short } }),
      series: shownSeries.map((q, i) => ({ type: 'line', name: q.name, step: 'end', showSymbol: false,
        lineStyle: { width: 1.5, color: palette[i % palette.length] }, itemStyle: { color: palette[i % palette.length] },
        data: q.values.map((v, k) => [k * bin, v / bin]) }))
    }));
  }
  function profile(box, l, r) {
    const p = l.profile, lanes = l.bound_machine ? l.bound_machine.lanes : 1;
    timeChart(box, 'Words per cycle over time', 'words per cycle', p.bin_cycles, p.networks.flatMap((n) => [
      { name: n.name + ', to children', values: n.to_children }, { name: n.name + ', to parent', values: n.to_parent }]));
    timeChart(box, 'Multiply-accumulates per cycle over time', 'MACs per cycle', p.bin_cycles, [{ name: 'MACs', values: p.macs }]);
    const cycles = Math.max(1, r.cycles);
    box.append(element('h3', {}, 'Utilization of each PE'),
      ...heatMap(p.pe_macs.map((v) => v / cycles / lanes), p.pes_per_array, (v) => percent(v), 'Utilization of each PE'));
    for (const n of p.networks)
      if (n.delivered.length > 1)
        box.append(element('h3', {}, 'Load of each link: ' + n.name),
          ...heatMap(n.delivered.map((v) => v / cycles), n.children, (v) => short(v) + ' words per cycle', 'Words to each child of ' + n.name));
    for (const n of p.routed || [])
      if (n.routers.length)
        box.append(element('h3', {}, 'Links between routers: ' + n.network + (n.plane === 'all' ? '' : ', ' + n.plane)), ...routerMap(n));
  }

  let detailCharts = [];
  function choose(l) {
    byId('layer').value = String(ran.indexOf(l));
    const box = byId('detail'), r = main(l);
    for (const c of detailCharts) {
      if (c.drawn) c.drawn.dispose();
      charts.splice(charts.indexOf(c), 1);
    }
    const before = charts.length;
    box.replaceChildren();
    const left = element('div'), right = element('div');
    box.append(element('div', { class: 'split' }, left, right));
    left.append(element('h3', {}, 'The machine'));
    if (l.bound_machine) left.append(diagram(l));
    else left.append(element('p', { class: 'quiet' }, 'This result was written without a description of the machine.'));
    if (l.agreement && l.agreement.differences.length)
      tableIn(right, 'Where the models differ', [
        { title: 'Statistic', text: true, value: (d) => d.name },
        { title: 'Estimated', value: (d) => d.estimate, show: (d) => whole(d.estimate) },
        { title: 'Simulated', value: (d) => d.simulation, show: (d) => whole(d.simulation) }], l.agreement.differences);
    if (l.roofline)
      tableIn(right, 'No run is quicker than', [
        { title: 'Resource', text: true, value: (b) => b.resource },
        { title: 'Cycles', value: (b) => b.cycles, show: (b) => whole(b.cycles) },
        { title: 'of the run time', value: (b) => b.cycles, show: (b) => percent(b.cycles / Math.max(1, r.cycles)) }],
      l.roofline.bounds.filter((b) => b.cycles > 0).slice(0, 6));
    tableIn(right, 'Buffers: required and available', [
      { title: 'Level', text: true, value: ([n]) => n },
      { title: 'Required', value: ([, c]) => c.required, show: ([, c]) => whole(c.required) },
      { title: 'Available', value: ([, c]) => c.available, show: ([, c]) => c.available === null ? 'unlimited' : whole(c.available) },
      { title: 'Share', value: ([, c]) => c.required, show: ([, c]) => c.available ? element('span',
        c.required > c.available ? { class: 'wrong' } : {}, percent(c.required / c.available)) : null }],
    Object.entries(r.capacity));
    tableIn(right, 'Bandwidth to the children, words per cycle so that no work waits', [
      { title: 'Network', text: true, value: ([n]) => n },
      { title: 'Average', value: ([, b]) => b.average_words_per_cycle, show: ([, b]) => short(b.average_words_per_cycle) },
      { title: 'Peak', value: ([, b]) => b.peak_words_per_cycle, show: ([, b]) => short(b.peak_words_per_cycle) },
      { title: 'Available', value: ([, b]) => b.available }], Object.entries(r.bandwidth_requirement));
    const rows = Object.entries(r.accesses).flatMap(([level, t]) => tensors.map((k) => [level, k, t[k]]));
    const energy = (level, k) => r.energy && r.energy.storage[level] ? r.energy.storage[level][k] : null;
    const columns = [
      { title: 'Level', text: true, value: (x) => x[0] }, { title: 'Tensor', text: true, value: (x) => x[1] },
      { title: 'Reads', value: (x) => x[2].reads, show: (x) => whole(x[2].reads) },
      { title: 'Writes', value: (x) => x[2].writes, show: (x) => whole(x[2].writes) },
      { title: 'Reuse', value: (x) => x[2].reuse, show: (x) => short(x[2].reuse) }];
    if (r.energy) columns.push({ title: 'Energy, ' + energyUnit(r.energy.unit), value: (x) => energy(x[0], x[1]), show: (x) => short(energy(x[0], x[1])) });
    tableIn(right, 'Accesses', columns, rows);
    const target = element('div', { class: 'chart' });
    const levels = Object.keys(r.accesses), key = element('div', { class: 'legend' });
    legend(key, tensors.map((t, i) => [t, palette[i]]));
    box.append(element('h3', {}, 'Reads and writes per level and tensor'), key, target);
    chart(target, 60 + levels.length * 66, 'Accesses per level and tensor', () => ({
      grid: { left: 8, right: 40, top: 8, bottom: 24, containLabel: true },
      tooltip: { trigger: 'item', formatter: (p) => levels[p.dataIndex] + '\n' + p.seriesName + ' ' + short(p.value) + ' words' },
      xAxis: axis({ type: 'log', min: 1, axisLabel: { color: colours.quiet, formatter: short, hideOverlap: true } }),
      yAxis: Object.assign(layerAxis(), { data: levels }),
      series: tensors.map((t, i) => ({ type: 'bar', name: t, itemStyle: { color: palette[i] }, barCategoryGap: '20%',
        data: levels.map((n) => Math.max(1, r.accesses[n][t].reads + r.accesses[n][t].writes)) }))
    }));
    if (l.profile) profile(box, l, r);
    else if (l.simulation) box.append(element('p', { class: 'quiet' }, 'With --profile a simulation also records words and work over time and the load of every PE and link.'));
    detailCharts = charts.slice(before);
    box.append(element('h3', {}, 'The mapped loop nest'),
      l.nest ? element('pre', { tabindex: '0' }, l.nest) : element('p', { class: 'quiet' }, 'Not in this result.'));
    draw();
  }

  // ---- theme
  const media = window.matchMedia('(prefers-color-scheme: dark)');
  const dark = () => (document.documentElement.dataset.theme || (media.matches ? 'dark' : 'light')) === 'dark';
  function named() { byId('theme').textContent = dark() ? 'Light' : 'Dark'; }
  byId('theme').addEventListener('click', () => {
    document.documentElement.dataset.theme = dark() ? 'light' : 'dark';
    named();
    draw();
  });
  media.addEventListener('change', () => { named(); draw(); });
  let width = window.innerWidth, pending = 0;
  window.addEventListener('resize', () => {
    if (window.innerWidth === width) return;
    width = window.innerWidth;
    clearTimeout(pending);
    pending = setTimeout(draw, 100);
  });

  byId('title').textContent = result.network + ' on ' + result.machine;
  byId('subtitle').textContent = result.command + (result.dataflow ? ', dataflow ' + result.dataflow : '') +
    ', ' + layers.length + (layers.length === 1 ? ' layer' : ' layers');
  byId('footer').textContent = 'Counterpoint ' + result.version + '. Charts: Apache ECharts 5.6.0, Apache License 2.0.';
  named();
  window.addEventListener('error', () => byId('subtitle').after(
    element('p', { class: 'wrong' }, 'This result is incomplete or changed: parts of the report are missing.')));
  summary();
  layerTable();
  if (ran.length) {
    stackCharts();
    rooflineChart();
    heatTable();
    energyChart();
    byId('layer').replaceChildren(...ran.map((l, i) => element('option', { value: i }, l.layer)));
    byId('layer').addEventListener('change', (e) => choose(ran[Number(e.target.value)]));
    choose(ran[0]);
  } else {
    for (const id of ['h-stack', 'h-roofline', 'h-heat', 'h-energy', 'h-detail']) byId(id).parentElement.remove();
  }
  document.documentElement.dataset.ready = 'yes';
})();
