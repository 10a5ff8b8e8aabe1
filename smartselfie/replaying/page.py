"""The replay's page: one HTML file with every clip's timeline, what it shot, and how sure the totals are."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from html import escape
from string import Template

import cv2

from smartselfie.replaying import timeline
from smartselfie.replaying.causes import Cause
from smartselfie.replaying.labels import Labels, Total, Verdict, judge
from smartselfie.replaying.play import Played, Taken
from smartselfie.replaying.summary import total_in_words

_PAGE = Template("""<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>smartselfie replay</title><style>
body { font: 15px/1.5 system-ui, "Segoe UI", "DejaVu Sans", sans-serif; color: #1d2430; background: #f4f5f7;
  margin: 0 auto; padding: 24px; max-width: 1168px }
h1 { font-size: 24px; margin: 0 0 4px }
p.lead { margin: 0 0 20px; color: #4a5463 }
nav { margin: 0 0 20px; line-height: 2 }
nav a { color: inherit; text-decoration: none; background: #fff; border: 1px solid #d9dee4;
  border-radius: 99px; padding: 3px 10px; margin-right: 4px; white-space: nowrap }
nav a.bad { border-color: #d13438; color: #b0272b }
section { background: #fff; border: 1px solid #e1e5ea; border-radius: 10px; margin: 0 0 20px; padding: 12px }
.time { position: relative }
.time svg { display: block; width: 100%; height: auto }
.time .line { position: absolute; top: 19.4%; height: 62%; width: 1px; background: #1d2430; display: none }
.time .said { position: absolute; bottom: 100%; background: #1d2430; color: #fff; border-radius: 6px;
  padding: 3px 9px; font-size: 13px; white-space: nowrap; display: none; transform: translate(-50%, 44px);
  pointer-events: none; z-index: 1 }
.shots { display: flex; flex-wrap: wrap; gap: 12px; padding: 8px 0 0 }
figure { margin: 0; width: 180px } figure img { width: 100%; border-radius: 6px; display: block }
figcaption { font-size: 13px; color: #4a5463; padding-top: 3px }
.hit { border-bottom: 4px solid #1a8f4c } .false { border-bottom: 4px solid #d13438 }
</style></head><body><h1>Replay</h1><p class="lead">$lead</p><nav>$links</nav>
$sections
<script>
const LEFT = $left, RIGHT = $right;
for (const box of document.querySelectorAll(".time")) {
  const steps = JSON.parse(box.querySelector("script").textContent);
  const line = box.querySelector(".line"), said = box.querySelector(".said");
  box.addEventListener("pointermove", event => {
    const area = box.getBoundingClientRect();
    const share = ((event.clientX - area.left) / area.width - LEFT) / (RIGHT - LEFT);
    const show = share >= 0 && share <= 1 && steps.length;
    line.style.display = said.style.display = show ? "block" : "none";
    if (!show) return;
    const first = Math.min(0, steps[0][0]), at = first + share * (steps[steps.length - 1][0] - first);
    let low = 0, high = steps.length - 1;
    while (low < high) {
      const middle = low + high >> 1;
      if (steps[middle][0] < at) low = middle + 1; else high = middle;
    }
    line.style.left = event.clientX - area.left + "px";
    said.style.left = Math.min(Math.max(event.clientX - area.left, 130), area.width - 130) + "px";
    said.textContent = steps[low][0].toFixed(2) + " s  " + steps[low][1] + ": " + steps[low][2];
  });
  box.addEventListener("pointerleave", () => { line.style.display = said.style.display = "none" });
}
</script></body></html>
""")


def page(
    played: Sequence[Played],
    labels: Mapping[str, Labels],
    verdicts: Mapping[str, Verdict],
    total: Total | None,
    threshold: float,
    release: float,
    *,
    causes: Mapping[str, Sequence[Cause]] | None = None,
) -> str:
    """Return the page as HTML, with nothing outside it; `verdicts` holds the clips that are labelled.

    `causes`: why smiles were missed, by clip.
    """
    sections, links = [], []
    for index, one in enumerate(played):
        clip = one.recording.clip
        verdict = verdicts.get(clip)
        svg = timeline.timeline_svg(one, labels.get(clip), verdict, threshold, release)
        steps = json.dumps([[round(step.at, 3), step.state.value, step.why] for step in one.steps])
        steps = steps.replace("</", "<\\/")  # nothing in it may end the script
        shots = "".join(_figure(taken, labels.get(clip)) for taken in one.taken)
        if verdict is not None and causes is not None:
            shots += _missed(one, verdict, causes.get(clip, ()))
        sections.append(
            f'<section id="c{index}"><div class="time">{svg}<div class="line"></div><div class="said"></div>'
            f'<script type="application/json">{steps}</script></div>'
            f'<div class="shots">{shots}</div></section>'
        )
        bad = ' class="bad"' if verdict and (verdict.misses or verdict.false_shots) else ""
        links.append(f'<a href="#c{index}"{bad}>{escape(clip)}</a>')
    return _PAGE.substitute(
        lead=escape(total_in_words(total) if total is not None else f"{len(played)} clips, none labelled"),
        links=" ".join(links),
        sections="\n".join(sections),
        left=timeline.LEFT / timeline.WIDTH,
        right=1 - timeline.RIGHT / timeline.WIDTH,
    )


def _missed(one: Played, verdict: Verdict, causes: Sequence[Cause]) -> str:
    """A figure for each smile without a picture: a frame from its middle, and why."""
    figures = []
    for (start, end), cause in zip(verdict.missed, causes, strict=False):
        seen = next((seen for seen in one.seen if start <= seen.at <= end), None)
        if seen is None:
            continue
        figures.append(
            f'<figure><img class="false" alt="missed at {seen.at:.2f} s" src="{_data(seen)}">'
            f"<figcaption>missed, {start:.1f} to {end:.1f} s: {escape(cause.name)} "
            f"({escape(cause.words)})</figcaption></figure>"
        )
    return "".join(figures)


def _data(taken: Taken) -> str:
    data = cv2.imencode(".jpg", taken.thumbnail, [cv2.IMWRITE_JPEG_QUALITY, 88])[1].tobytes()
    return f"data:image/jpeg;base64,{base64.b64encode(data).decode()}"


def _figure(taken: Taken, labels: Labels | None) -> str:
    kind = ""
    if labels is not None:
        verdict = judge(labels, [taken.at], 0)
        kind = "false" if verdict.false_shots else "hit" if verdict.hits else ""
    return (
        f'<figure><img class="{kind}" alt="shot at {taken.at:.2f} s" '
        f'src="{_data(taken)}">'
        f"<figcaption>fired {taken.at:.2f} s, kept {taken.picked_at:.2f} s</figcaption></figure>"
    )
