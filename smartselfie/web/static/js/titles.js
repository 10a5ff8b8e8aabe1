// What a picture is called, by the day and time it was taken.

const DAY = new Intl.DateTimeFormat(undefined, { weekday: "long", day: "numeric", month: "long", year: "numeric" });
const TIME = new Intl.DateTimeFormat(undefined, { hour: "numeric", minute: "2-digit" });

export function dayOf(item) {
  if (!item.taken) return "Without a date";
  const taken = new Date(item.taken);
  const days = Math.round((new Date().setHours(0, 0, 0, 0) - new Date(taken).setHours(0, 0, 0, 0)) / 86400000);
  return days === 0 ? "Today" : days === 1 ? "Yesterday" : DAY.format(taken);
}

export function titleOf(item) {
  return item.taken ? `Picture of ${dayOf(item).toLowerCase()}, ${TIME.format(new Date(item.taken))}` : `Picture ${item.name}`;
}
