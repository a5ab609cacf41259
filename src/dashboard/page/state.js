// What the page knows: snapshots and changes put together.

/** Buckets over which labels are added up for a point of the quality chart: few answers are rated in one minute. */
export const WINDOW = { minutes: 12, hour: 10, day: 4, month: 4 };
export const WINDOW_WORDS = { minutes: '2 minutes', hour: '10 minutes', day: 'hour', month: 'day' };

const MOST_DECISIONS = 100;
const COLOURS = 8;

export function createState() {
  return { told: null, points: new Map(), decisions: new Map(), report: null, colours: new Map() };
}

/** Takes a snapshot, or a change of one. */
export function take(state, told, isWhole) {
  if (isWhole) {
    state.points.clear();
    state.decisions.clear();
  }
  state.told = told;
  for (const point of told.activity.points) state.points.set(point.at, point);
  for (const at of state.points.keys()) if (at < told.activity.from) state.points.delete(at);
  for (const decision of told.activity.decisions) state.decisions.set(decision.id, decision);
  const latest = [...state.decisions.values()].sort((one, other) => other.at - one.at);
  for (const { id } of latest.slice(MOST_DECISIONS)) state.decisions.delete(id);
  for (const { model } of told.learned.arms) colourOf(state, model);
}

/** A model keeps its colour for as long as the page is open. */
export function colourOf({ colours }, model) {
  if (!colours.has(model)) colours.set(model, `--arm-${colours.size % COLOURS}`);
  return colours.get(model);
}

/** The models of the charts: those of the router in its order, and others that answered. */
export function modelsOf({ told, points }) {
  const models = new Set(told.learned.arms.map(({ model }) => model));
  for (const { arms } of points.values()) for (const model of Object.keys(arms)) models.add(model);
  return [...models];
}

/** A chart begins where the log does, if that is later than it could, but holds at least so many buckets. */
const LEAST_SHOWN = 12;

/** The beginnings of all buckets that are shown, in milliseconds. */
export function timesOf({ told: { activity }, points }) {
  const { from, buckets, bucket_ms: width } = activity;
  const first = Math.min(from + (buckets - LEAST_SHOWN) * width, ...points.keys());
  const skipped = Math.max(0, Math.round((first - from) / width));
  return Array.from({ length: buckets - skipped }, (_, i) => from + (skipped + i) * width);
}

/** Whether all that is known of happened within the last minutes, so that a longer time would be nearly empty. */
export const isYoung = ({ told, points }) =>
  told.log.whole && points.size > 0 && Math.min(...points.keys()) > told.now - 8 * 60_000;

export const latestDecisions = ({ decisions }) => [...decisions.values()].sort((one, other) => other.at - one.at);
