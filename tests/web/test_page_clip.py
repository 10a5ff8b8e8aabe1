"""A real face before the browser's camera: the real detector and network, in the page."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from playwright.sync_api import Browser, Page, expect

from smartselfie.daemon.parts import build_classifier, build_photo_detector, build_trigger
from smartselfie.settings import load
from smartselfie.web.app import Parts, Photos
from tests.shared import shared_path
from tests.web.browser import DESKTOP, chromium, launch, opened
from tests.web.conftest import CAMERA, Serve

pytestmark = pytest.mark.browser
CLIP = "pf_single_face.mp4"
BITS, SIDE = 8, 16
"""Each frame carries its number in a row of light and dark squares at its lower edge."""


def mark(image: np.ndarray, number: int) -> None:
    """Write a frame's number into it."""
    height = image.shape[0]
    for bit in range(BITS):
        shade = 255 if number >> bit & 1 else 0
        image[height - SIDE :, bit * SIDE : (bit + 1) * SIDE] = shade


def number_of(image: np.ndarray) -> int:
    """Read it back."""
    row = image[image.shape[0] - SIDE // 2]
    return sum(int(row[bit * SIDE + SIDE // 2].mean() > 127) << bit for bit in range(BITS))


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, float]:
    """The clip as Motion JPEG, its frames marked, and its frame rate."""
    source = cv2.VideoCapture(str(shared_path(f"videos/{CLIP}")))
    fps = float(source.get(cv2.CAP_PROP_FPS))
    path = tmp_path_factory.mktemp("clip") / "face.mjpeg"
    with path.open("wb") as file:
        number = 0
        while (read := source.read())[0]:
            mark(read[1], number)
            file.write(cv2.imencode(".jpg", read[1], [cv2.IMWRITE_JPEG_QUALITY, 92])[1].tobytes())
            number += 1
    source.release()
    return path, fps


@pytest.fixture
def before_the_camera(browser: Browser, played: tuple[Path, float], serve: Serve) -> Iterator[Page]:
    """The view, with the person of the clip before the camera."""
    settings = load(None, ["trigger.hold=3", "trigger.grace=3"])  # a busy machine sees few frames a second
    photos = Photos(
        lambda: build_photo_detector(settings.detector),
        lambda: build_classifier(settings.classifier, threads=1),
        make_trigger=lambda: build_trigger(settings.trigger),
    )
    server = serve(Parts(photos=photos))
    clip = f"--use-file-for-fake-video-capture={played[0]}"
    running = launch(browser.browser_type, chromium(), *CAMERA, clip)
    try:
        with opened(running, server.url, DESKTOP) as page:
            yield page
    finally:
        running.close()


def test_the_bars_follow_and_the_shot_lies_inside_the_smile(
    before_the_camera: Page, played: tuple[Path, float], tmp_path: Path
) -> None:
    """The kept picture is a frame of the seconds in which the person smiles."""
    page = before_the_camera
    page.get_by_role("button", name="Use the camera").click()
    expect(page.locator(".camera .bars .top")).to_have_count(1)
    expect(page.locator(".camera .bars .top")).to_contain_text("happy")
    expect(page.locator(".kept li")).not_to_have_count(0, timeout=60_000)
    with page.expect_download() as download:
        page.locator(".kept a").last.click()
    download.value.save_as(tmp_path / "kept.jpg")
    kept = cv2.imread(str(tmp_path / "kept.jpg"))
    assert kept is not None
    at = number_of(kept) / played[1]
    smiles = json.loads(shared_path("videos/smiles.json").read_text(encoding="utf-8"))[CLIP]["smiles"]
    assert any(start - 0.2 <= at <= end + 0.35 for start, end in smiles), at
