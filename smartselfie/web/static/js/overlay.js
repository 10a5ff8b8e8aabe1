// Draws boxes, names and the ring that fills while a smile holds, over a picture that stays clean.

import { percent } from "./bars.js";

const WHITE = "rgb(255 255 255 / 92%)";
const SHADE = "rgb(12 10 8 / 70%)";
const ACCENT = "#ffc450";
const INK = "#241a00";

/** Match a canvas to its size on the screen; returns its context in CSS pixels. */
export function prepare(canvas) {
  const ratio = Math.min(devicePixelRatio || 1, 2);
  const width = canvas.clientWidth;
  const height = canvas.clientHeight;
  if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
  }
  const context = canvas.getContext("2d");
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
  return { context, width, height };
}

/** Where a picture lies on a canvas that contains it: scale and offset in CSS pixels. */
export function placement(canvas, width, height) {
  const scale = Math.min(canvas.clientWidth / width, canvas.clientHeight / height);
  return { scale, x: (canvas.clientWidth - width * scale) / 2, y: (canvas.clientHeight - height * scale) / 2 };
}

/**
 * Draw what is known of a frame: { width, height, faces, meters, countdown }, faces with box, landmarks, track, top,
 * scores.
 * `chosen` is the track that is looked at; `mirrored` flips where the faces lie, not their names.
 */
export function drawOverlay(canvas, view, { chosen = null, mirrored = false } = {}) {
  const { context, width, height } = prepare(canvas);
  const { scale, x, y } = placement(canvas, view.width, view.height);
  const meters = new Map((view.meters ?? []).map((meter) => [meter.track, meter]));
  for (const [index, face] of view.faces.entries()) {
    const [left, top, wide, high] = face.box;
    const onScreen = mirrored ? view.width - left - wide : left;
    const place = { x: x + onScreen * scale, y: y + top * scale, width: wide * scale, height: high * scale };
    place.roll = rollOf(face.landmarks) * (mirrored ? -1 : 1);
    drawFace(context, place, face, meters.get(face.track), {
      strong: view.faces.length > 1 && face.track === chosen,
      bounds: { width, height },
      number: index + 1,
      room: view.faces.length > 1 ? place.width * 1.8 : Infinity,
    });
  }
  if (view.countdown) drawCountdown(context, width, height, view.countdown);
}

/** Radians by which eyes and mouth fall to the right, as `Face.roll` has it; small ones are none: a box would tremble. */
export function rollOf(landmarks) {
  if (!landmarks) return 0;
  const [[ax, ay], [bx, by], , [cx, cy], [dx, dy]] = landmarks;
  const across = (cx + dx - ax - bx) / 2;
  const down = (cy + dy - ay - by) / 2;
  const roll = Math.atan2(by - ay + dy - cy - across, bx - ax + dx - cx + down);
  return Math.abs(roll) < 0.07 ? 0 : roll;
}

function drawFace(context, place, face, meter, { strong, bounds, number, room }) {
  const aside = meter && !meter.takes_part;
  context.lineWidth = strong ? 3 : 2;
  context.strokeStyle = strong ? ACCENT : WHITE;
  context.globalAlpha = aside ? 0.5 : 1;
  context.setLineDash(aside ? [5, 5] : []);
  corners(context, place);
  context.setLineDash([]);
  context.globalAlpha = 1;
  if (meter && meter.progress > 0) ring(context, place, meter.progress);
  if (face.scores) label(context, place, face, { bounds, number, room });
}

/** The corners of the box only, turned as the face is: the face stays visible. */
function corners(context, { x: left, y: top, width, height, roll }) {
  const [x, y] = [-width / 2, -height / 2];
  const arm = Math.min(width, height) * 0.2;
  const radius = Math.min(10, arm * 0.6);
  context.save();
  context.translate(left + width / 2, top + height / 2);
  context.rotate(roll);
  context.beginPath();
  for (const [cx, cy, dx, dy] of [
    [x, y, 1, 1],
    [x + width, y, -1, 1],
    [x + width, y + height, -1, -1],
    [x, y + height, 1, -1],
  ]) {
    context.moveTo(cx + dx * arm, cy);
    context.lineTo(cx + dx * radius, cy);
    context.quadraticCurveTo(cx, cy, cx, cy + dy * radius);
    context.lineTo(cx, cy + dy * arm);
  }
  context.stroke();
  context.restore();
}

function ring(context, place, progress) {
  const radius = Math.max(place.width, place.height) * 0.72;
  const cx = place.x + place.width / 2;
  const cy = place.y + place.height / 2;
  const thick = Math.max(5, radius * 0.07);
  context.lineCap = "round";
  context.lineWidth = thick;
  context.strokeStyle = "rgb(255 255 255 / 28%)";
  context.beginPath();
  context.arc(cx, cy, radius, 0, Math.PI * 2);
  context.stroke();
  context.strokeStyle = ACCENT;
  context.beginPath();
  context.arc(cx, cy, radius, -Math.PI / 2, -Math.PI / 2 + Math.PI * 2 * Math.min(progress, 1));
  context.stroke();
}

/** The expression with its probability; among several faces as much of it as its neighbours leave room for. */
function label(context, place, face, { bounds, number, room }) {
  const share = percent(face.scores[face.top]);
  context.font = "600 13px system-ui, sans-serif";
  const widthOf = (text) => context.measureText(text).width + 20;
  const text = [`${face.top}  ${share}`, face.top].find((each) => widthOf(each) <= room) ?? String(number);
  const wide = widthOf(text);
  const x = Math.max(4, Math.min(place.x + place.width / 2 - wide / 2, bounds.width - wide - 4));
  const below = place.y + place.height + 8;
  const y = below + 26 > bounds.height ? Math.max(4, place.y - 34) : below;
  context.fillStyle = (face.shows ?? face.top === "happy") ? ACCENT : SHADE;
  context.beginPath();
  context.roundRect(x, y, wide, 26, 13);
  context.fill();
  context.fillStyle = (face.shows ?? face.top === "happy") ? INK : "#fff";
  context.textBaseline = "middle";
  context.fillText(text, x + 10, y + 13.5);
}

function drawCountdown(context, width, height, seconds) {
  const size = Math.min(width, height) * 0.42;
  context.font = `700 ${size}px system-ui, sans-serif`;
  context.textAlign = "center";
  context.textBaseline = "middle";
  context.lineWidth = size * 0.05;
  context.strokeStyle = "rgb(12 10 8 / 55%)";
  context.fillStyle = "#fff";
  const text = String(Math.ceil(seconds));
  context.strokeText(text, width / 2, height / 2);
  context.fillText(text, width / 2, height / 2);
  context.textAlign = "start";
}

/** Which face lies under a click, as its track; null for none. */
export function faceAt(canvas, view, event, { mirrored = false } = {}) {
  const bounds = canvas.getBoundingClientRect();
  const { scale, x, y } = placement(canvas, view.width, view.height);
  let px = (event.clientX - bounds.left - x) / scale;
  const py = (event.clientY - bounds.top - y) / scale;
  if (mirrored) px = view.width - px;
  const hit = view.faces.filter(({ box: [left, top, wide, high] }) => {
    return px >= left && px <= left + wide && py >= top && py <= top + high;
  });
  hit.sort((a, b) => a.box[2] * a.box[3] - b.box[2] * b.box[3]);
  return hit.length ? hit[0].track : null;
}
