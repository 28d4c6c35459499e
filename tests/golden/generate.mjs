// Writes what Grafana's own code (@grafana/data) answers into *.json beside this file; the unit
// tests of src/observe/ replay them. JSON has no NaN and no infinity: they are strings here.
import {createRequire} from 'node:module';
import {readFileSync, writeFileSync} from 'node:fs';

process.env.TZ = 'UTC';
globalThis.navigator ??= {language: 'en-US', languages: ['en-US']}; // asked for by Grafana at load
const require = createRequire(import.meta.url);
const g = require('@grafana/data');
const theme = g.createTheme({colors: {mode: 'dark'}});
const light = g.createTheme({colors: {mode: 'light'}});
const version = JSON.parse(readFileSync(new URL('package.json', import.meta.url)))
  .dependencies['@grafana/data'];

function plain(value) {
  if (typeof value === 'number' && !Number.isFinite(value)) return String(value);
  if (value === undefined) return null;
  if (typeof value === 'boolean') return Number(value);
  return value;
}

function write(name, rows) {
  const lines = rows.map((row) => '  ' + JSON.stringify(row, (key, value) => plain(value)));
  const text = `{"from": "@grafana/data ${version}", "rows": [\n${lines.join(',\n')}\n]}\n`;
  writeFileSync(new URL(`${name}.json`, import.meta.url), text);
  console.log(`${name}.json: ${rows.length} rows`);
}

// A generator of its own, so that every run writes the same rows.
let state = 20230924;
function random() {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  return state / 4294967296;
}

const bounds = [10, 15, 35, 75, 150, 350, 750, 1500, 3500, 7500, 12500, 17500, 25e3, 45e3, 9e4, 21e4,
  45e4, 75e4, 105e4, 15e5, 27e5, 54e5, 9e6, 162e5, 324e5, 864e5, 6048e5, 18144e5, 36288e5];

function intervals() {
  const rows = [];
  for (const bound of bounds) {
    for (const ms of [bound - 1, bound, bound + 1]) {
      rows.push({round: ms, ms: g.rangeUtil.roundInterval(ms)});
    }
  }
  for (const minutes of [1, 5, 15, 60, 180, 360, 1440, 10080, 43200]) {
    for (const points of [1, 100, 300, 500, 600, 997, 1500, 2000, 11000]) {
      for (const low of ['1ms', '250ms', '1s', '15s', '30s', '1m', '>10s', '2h', '1d']) {
        const range = {from: g.dateTime(1695513600000), to: g.dateTime(1695513600000 + minutes * 6e4)};
        const plan = g.rangeUtil.calculateInterval(range, points, low.replace('>', ''));
        rows.push({range_ms: minutes * 6e4, points, low, ms: plan.intervalMs});
      }
    }
  }
  write('interval', rows);
}

const series = [
  [], [null], ['NaN'], [null, null], ['NaN', 'NaN'], [0], [0, 0], [5], [1, 2, 3], [3, 2, 1],
  [1, null, 3], [null, 1, 3], [1, 3, null], [1, 'NaN', 3], ['NaN', 1, 3], [1, 3, 'NaN'],
  [1, null, 'NaN', 3, 'NaN', null], [0, null, 0], [-1, -2, -3], [0, 5, 2, 7, 1, 9],
  [1, 1, 2, 2, 1, 1], [0.1, 0.2, 0.3], [1e308, 1e308], [-5, 0, 5], [0, 1, 4], [2, 'Infinity', 1],
  [7, 7, 7, 7], [10, 20, 5, 6, 4, 30], [null, 0, 'NaN', 0],
];
const calcs = ['lastNotNull', 'last', 'firstNotNull', 'first', 'min', 'max', 'mean', 'sum', 'count',
  'countAll', 'range', 'diff', 'diffperc', 'delta', 'step', 'logmin', 'allIsNull', 'allIsZero',
  'median', 'variance', 'stdDev', 'changeCount', 'distinctCount', 'p1', 'p5', 'p25', 'p50', 'p75',
  'p90', 'p95', 'p99'];

function values(list) {
  return list.map((value) => (typeof value === 'string' ? Number(value) : value));
}

function reducers() {
  const all = [...series];
  for (let i = 0; i < 8; i++) {
    all.push(Array.from({length: 1 + Math.floor(random() * 30)}, () => {
      const kind = random();
      return kind < 0.1 ? null : Math.round(random() * 2000 - 1000) / 8;
    }));
  }
  const rows = [];
  for (const list of all) {
    for (const mode of ['Ignore', 'AsZero', 'Null']) {
      if (mode !== 'Ignore' && !list.includes(null)) continue;
      for (const calc of calcs) {
        // Grafana's percentile and median leave NaN and null wherever the sort happens to put them.
        const sorts = /^p\d|median/.test(calc);
        if (sorts && (list.includes('NaN') || mode === 'Null')) continue;
        const config = {nullValueMode: g.NullValueMode[mode]};
        const field = {name: 'Value', type: 'number', config, values: values(list)};
        rows.push({values: list, nulls: mode, calc,
          result: g.reduceField({field, reducers: [calc]})[calc]});
      }
    }
  }
  write('reduce', rows);
}

const numbers = [0, 1, -1, 2, 0.5, 0.1, 0.12345, 0.0012, 1.5e-6, 2.5e-10, 9.995, 10, 12.345, 59.999, 60,
  61, 99.5, 100, 101.25, 123.456, 999, 999.5, 999.999, 1000, 1001, 1023, 1024, 1500, 3599, 3600, 5400,
  9999, 12345.678, 86399, 86400, 100000, 604800, 1e6, 1234567.89, 31536000, 1e8, 1e9, 123456789012,
  1e12, 1e15, 1.5e18, 1e21, 1.23e25, 1e-7, -0.25, -12.3, -1500, -86400, -1e9, 2.25, 2.2500001, 22.5,
  22.6, 0.225, 0.2294, 0.22939999999999999, 0.25234, 1.005, 1.255, 8.345, 0.045, 1 / 3, 2 / 3, 100 / 3];
const unitIds = Object.keys(g.getValueFormatterIndex?.() ?? {}).length
  ? Object.keys(g.getValueFormatterIndex())
  : g.getValueFormats().flatMap((group) => group.submenu.map((unit) => unit.value));
// What depends on today, on the browser's language or is no number.
const left_out = new Set(['string', 'hex', 'hex0x', 'dateTimeAsIsoNoDateIfToday', 'dateTimeAsUSNoDateIfToday',
  'dateTimeAsLocal', 'dateTimeAsLocalNoDateIfToday', 'dateTimeFromNow']);
const own = ['suffix:films', 'prefix:about ', 'si:B', 'si:mB', 'si:kW', 'count:list', 'currency:€', 'bool:yes/no',
  'bool:on', '', 'films', 'no such unit'];
const shipped = new Set(['none', 'short', 'percent', 'percentunit', 's', 'ms', 'bytes', 'decbytes', 'reqps',
  'ops', 'cps', 'Bps', 'binBps', 'locale', 'sci', 'clocks', 'clockms', 'dtdurations', 'dtdurationms']);

function units() {
  const rows = [];
  const ids = [...unitIds.filter((id) => !left_out.has(id)), ...own];
  for (const unit of ids) {
    const often = shipped.has(unit);
    const list = often ? [...numbers] : [0, 0.5, 1.5, -2, 999.9, 86400, 1234567.89, 1e15];
    for (let i = 0; i < (often ? 10 : 1); i++) {
      list.push(Number(((random() - 0.3) * 10 ** Math.floor(random() * 14 - 4)).toPrecision(6)));
    }
    for (const value of list) {
      if (unit.startsWith('clock') && Math.abs(value) > 1e11) continue; // beyond JavaScript's dates
      for (const decimals of often ? [null, 0, 2] : [null]) {
        if (decimals !== null && unit === 'sci' && value === 0) continue;
        const v = g.getValueFormat(unit)(value, decimals, null, 'utc');
        rows.push([unit, value, decimals, v.prefix ?? '', v.text, v.suffix ?? '']);
      }
    }
    if (shipped.has(unit) && !/^dt|^clock|^sci|^s$|^ms$/.test(unit)) {
      for (const value of [Infinity, -Infinity]) {
        const v = g.getValueFormat(unit)(value, null, null, 'utc');
        rows.push([unit, value, null, v.prefix ?? '', v.text, v.suffix ?? '']);
      }
    }
  }
  write('units', rows);
}

const steps = [{color: 'green', value: -Infinity}, {color: 'yellow', value: 0.3},
  {color: 'red', value: 0.5}];
const percents = [{color: 'blue', value: -Infinity}, {color: '#123456', value: 80}, {color: 'dark-red', value: 90}];

function thresholds() {
  const rows = [];
  const sets = [steps, [{color: 'red', value: -Infinity}], [...percents, {color: 'purple', value: 90}]];
  for (const set of sets) {
    for (const value of [-1e9, -Infinity, 0, 0.29999, 0.3, 0.300001, 0.4, 0.5, 0.6, 79.999, 80, 90, 1e9, Infinity, NaN]) {
      rows.push({steps: set, value, step: set.lastIndexOf(g.getActiveThreshold(value, set))});
    }
  }
  write('threshold', rows);
}

const fields = [
  {config: {}},
  {config: {unit: 'percentunit', decimals: 1, thresholds: {mode: 'absolute', steps}, noValue: 'nothing'}},
  {config: {unit: 'short', min: 0, max: 200, thresholds: {mode: 'percentage', steps: percents}}},
  {config: {thresholds: {mode: 'percentage', steps: percents}}, values: [10, 20, 110]},
  {config: {min: 5, max: 5, thresholds: {mode: 'percentage', steps: percents}}},
  {config: {color: {mode: 'fixed', fixedColor: 'purple'}, thresholds: {mode: 'absolute', steps}}},
  {config: {color: {mode: 'fixed'}, thresholds: {mode: 'absolute', steps}}},
  {config: {color: {mode: 'palette-classic'}, thresholds: {mode: 'absolute', steps}}, index: 3},
  {config: {color: {mode: 'palette-classic-by-name'}}, name: 'conversion'},
  {config: {color: {mode: 'no such mode'}, thresholds: {mode: 'absolute', steps}}},
  {config: {noValue: 'no data', thresholds: {mode: 'absolute', steps}, mappings: [
    {type: 'value', options: {0: {text: 'down', color: 'red', index: 0}, 1: {text: 'up', color: 'blue', index: 1}}},
    {type: 'range', options: {from: 2, to: 3.5, result: {text: 'two to three', color: 'dark-green'}}},
    {type: 'range', options: {from: 100, to: null, result: {text: 'many'}}},
    {type: 'range', options: {from: null, to: -10, result: {color: 'light-orange'}}},
    {type: 'regex', options: {pattern: '.*', result: {text: 'text only'}}},
    {type: 'special', options: {match: 'nan', result: {text: 'not a number', color: 'purple'}}},
    {type: 'special', options: {match: 'null', result: {text: 'null', color: 'orange'}}}]}},
  {config: {unit: 'reqps', mappings: [{type: 'special', options: {match: 'null+nan', result: {text: 'N/A'}}},
    {type: 'value', options: {0.5: {text: ''}, 12: {color: 'green'}}}]}},
];

function displays() {
  const rows = [];
  for (const field of fields) {
    for (const value of [null, NaN, 0, 0.3, 0.5, 1, 2, 3.5, 3.6, 12, 80, 90.5, 100, 150, 190, -10, -10.5, 1234.5]) {
      const config = structuredClone(field.config);
      const state = {seriesIndex: field.index ?? 0, displayName: field.name ?? 'Value'};
      if (field.values) state.range = {min: 10, max: 110, delta: 100};
      const display = g.getDisplayProcessor({theme, timeZone: 'utc',
        field: {name: 'Value', type: 'number', config, values: field.values ?? [], state}})(value);
      // Dashboards write the base step's value as null.
      const shown = structuredClone(field.config);
      shown.thresholds?.steps.forEach((step, index) => { step.value = index === 0 ? null : step.value; });
      rows.push({config: shown, name: state.displayName, index: state.seriesIndex,
        range: field.values ? [10, 110] : [0, 100], value,
        text: (display.prefix ?? '') + display.text + (display.suffix ?? ''), colour: display.color});
    }
  }
  write('display', rows);
}

function palette() {
  const rows = [];
  for (const hue of theme.visualization.hues) {
    for (const shade of hue.shades) {
      rows.push({name: shade.name, dark: theme.visualization.getColorByName(shade.name),
        light: light.visualization.getColorByName(shade.name)});
    }
  }
  for (const name of ['transparent', '#abcdef', 'rgb(1, 2, 3)', 'gray', '']) {
    rows.push({name, dark: theme.visualization.getColorByName(name), light: light.visualization.getColorByName(name)});
  }
  theme.visualization.palette.forEach((name, index) => rows.push({classic: index, name}));
  write('palette', rows);
}

function legends() {
  const rows = [];
  const sets = [
    [{}], [{job: 'a'}], [{job: 'a'}, {job: 'b'}], [{job: 'a', le: '1'}], [{job: 'a', le: '1'}, {job: 'a', le: '2'}],
    [{job: 'a'}, {instance: 'x'}], [{__name__: 'up', job: 'a'}, {__name__: 'up', job: 'b'}], [{job: ''}],
    [{z: '1', a: 'quote " and \\'}],
  ];
  for (const labels of sets) {
    const frames = labels.map((own) => g.createDataFrame({fields: [
      {name: 'Time', type: 'time', values: []},
      {name: 'Value', type: 'number', labels: own, values: [], config: {}}]}));
    labels.forEach((own, index) => rows.push({labels, index,
      name: g.getFieldDisplayName(frames[index].fields[1], frames[index], frames)}));
  }
  write('legend', rows);
}

intervals();
thresholds();
reducers();
units();
displays();
palette();
legends();
