// Puts tasks into columns: each stands one column after the last of those it waits for. To be
// replaced as a whole where somebody else says where tasks stand.

/** The column of each task, and the tasks of each column in their order from top to bottom. */
export function layered(tasks) {
  const byId = new Map(tasks.map((task) => [task.id, task]));
  const before = new Map(tasks.map((task) => [task.id, task.after.filter((id) => byId.has(id))]));
  const column = new Map();
  const left = new Map(tasks.map((task) => [task.id, before.get(task.id).length]));
  const next = new Map(tasks.map((task) => [task.id, []]));
  for (const task of tasks) for (const id of before.get(task.id)) next.get(id).push(task.id);
  const ready = tasks.filter((task) => left.get(task.id) === 0).map((task) => task.id);
  for (let at = 0; at < ready.length; at += 1) {
    const id = ready[at];
    column.set(id, before.get(id).reduce((most, it) => Math.max(most, column.get(it) + 1), 0));
    for (const it of next.get(id)) {
      left.set(it, left.get(it) - 1);
      if (left.get(it) === 0) ready.push(it);
    }
  }
  // A plan has no cycles; what is damaged is shown all the same.
  for (const task of tasks) if (!column.has(task.id)) column.set(task.id, 0);
  return { column, columns: ordered(tasks, column, before), before };
}

// In a column tasks stand at about the height of those they wait for.
function ordered(tasks, column, before) {
  const columns = [];
  for (const task of tasks) (columns[column.get(task.id)] ??= []).push(task);
  const height = new Map();
  return columns.map((own) => {
    const wish = (task) => {
      const them = before.get(task.id).filter((id) => height.has(id));
      return them.length === 0 ? Infinity : them.reduce((sum, id) => sum + height.get(id), 0) / them.length;
    };
    const wishes = new Map(own.map((task) => [task.id, wish(task)]));
    const sorted = own.slice().sort((a, b) => {
      const [x, y] = [wishes.get(a.id), wishes.get(b.id)];
      return x === y ? 0 : x - y;
    });
    sorted.forEach((task, at) => height.set(task.id, at));
    return sorted;
  });
}
