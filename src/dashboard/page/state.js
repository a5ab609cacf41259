// What the page knows: snapshots and changes put together.

/** Buckets over which labels are added up for a point of the quality chart: few answers are rated in one minute. */
export const WINDOW = { hour: 10, day: 4, month: 4 };
export const WINDOW_WORDS = { hour: '10 minutes', day: 'hour', month: 'day' };

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

/** The beginnings of all buckets that are shown, in milliseconds. */
export function timesOf({ told: { activity } }) {
  return Array.from({ length: activity.buckets }, (_, i) => activity.from + i * activity.bucket_ms);
}

export const latestDecisions = ({ decisions }) => [...decisions.values()].sort((one, other) => other.at - one.at);
