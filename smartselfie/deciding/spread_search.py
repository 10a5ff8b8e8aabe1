"""Where to look next with a detector that is dear: known faces in turn, the rest of the picture in pieces.

For the cascade. A network that searches the whole picture in a millisecond or two needs none of it.
"""

from __future__ import annotations

import math

from smartselfie.deciding.tracking import Track, Tracker
from smartselfie.records import Look

IN_TURN = 2
"""Known faces searched in one frame, of those that do not rest; more take turns, predicted in between."""
LONGEST_TURN = 2
"""Frames in a row for which a face may be predicted without a search."""
STILL = 0.5
"""Speed, in its own sizes a second, up to which a face stands still."""
REST = 0.09
"""Seconds after a search for which a face that stands still rests: two frames at 25 frames a second."""
TRIES = 3
"""Searches of the whole picture, frame by frame, for a face that was lost."""


class SpreadSearchTracker(Tracker):
    """A tracker that asks for as little searching as will do.

    The whole picture is searched once in `rescan` frames while something moves and at least every
    `full_every` seconds, a part of it each frame; at once while no face is known and something moves, and
    when a known face is lost. Known faces that stand still rest for up to two frames between two searches.
    """

    saves_searches = True

    def __init__(self, *, rescan: int = 15, full_every: float = 1.0, leave_after: float = 1.0) -> None:
        super().__init__(leave_after=leave_after)
        if rescan < 1:
            raise ValueError(f"need rescan >= 1, got {rescan}")
        self.rescan = rescan
        self.full_every = full_every

    def look(self, at: float, *, moved: bool = True) -> Look:
        """Where to search in the frame of time `at`, in which something `moved` or not."""
        known = [track for track in self._tracks if not track.lost]
        due = sorted(known, key=lambda track: -track.coasted)
        awake = [track for track in due if not rests(track, at)]
        searched = [
            *awake[:IN_TURN],
            *(track for track in awake[IN_TURN:] if track.coasted >= LONGEST_TURN),
        ]
        first = due[: len(due) // (LONGEST_TURN + 1)]  # or several would rest, and be searched, all at once
        searched += [track for track in first if track not in searched]
        self._coasting = [track for track in known if track not in searched]
        wanted = [*searched, *(track for track in self._tracks if track.lost)]
        return Look(
            self._share(at, moved),
            tuple(track.predict(at) for track in wanted),
            tuple(track.predict(at) for track in self._coasting),
        )

    def _share(self, at: float, moved: bool) -> float:
        if self._at is None or any(0 < track.lost <= TRIES for track in self._tracks):
            return 1.0
        if moved and not any(not track.lost for track in self._tracks):
            return 1.0
        share = max(0.0, at - self._at) / self.full_every
        return min(1.0, max(share, 1 / self.rescan) if moved else share)


def rests(track: Track, at: float) -> bool:
    """Whether a face stands so still, and was searched so lately, that its prediction will do."""
    if track.velocity is None or at - track.seen > REST or track.coasted >= LONGEST_TURN:
        return False
    return math.hypot(*track.velocity) <= STILL * track.face.box.width
