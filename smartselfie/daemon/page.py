"""Settings to the web server: the page of a running camera, or of none."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import platformdirs

from smartselfie import atomic
from smartselfie.daemon import parts
from smartselfie.errors import ConfigError
from smartselfie.outputs.events import Events
from smartselfie.records import Change, Command, View
from smartselfie.settings import Settings, write_values
from smartselfie.viewing.newest import Newest
from smartselfie.web import passwords
from smartselfie.web.app import Parts, Photos
from smartselfie.web.gallery import Gallery
from smartselfie.web.server import WebServer
from smartselfie.web.settings_api import SettingsEditor

log = logging.getLogger(__name__)


def open_page(
    read: Callable[[], Settings],
    *,
    config: Path | None,
    views: Newest[View] | None = None,
    send: Callable[[Command], None] | None = None,
    events: Events | None = None,
) -> WebServer:
    """Return the server, bound and not yet started; `read` gives the settings in effect.

    Without `views` and `send` there is no camera: pictures can be tried, settings written. Raises `WebError`
    when the address cannot be used.
    """
    settings = read()
    web = settings.web
    server = WebServer(
        web.listen,
        Parts(
            views=views,
            send=send,
            events=events,
            gallery=Gallery(Path(settings.saver.folder)),
            settings=_settings_editor(read, config, send),
            photos=_photos(read),
        ),
        password=web.password or passwords.read_kept(password_file()),
        require_password=web.require_password == "always",
        tls=None if web.tls is None else (Path(web.tls[0]), Path(web.tls[1])),
        allowed_hosts=web.allowed_hosts,
        public_url=web.public_url,
        trust_proxy=web.trust_proxy,
        public=web.public,
        state=state_folder(),
    )
    _tell(server, config)
    return server


def _settings_editor(
    read: Callable[[], Settings], config: Path | None, send: Callable[[Command], None] | None
) -> SettingsEditor:
    def write(values: Mapping[str, object]) -> None:
        assert config is not None
        write_values(config, values)

    return SettingsEditor(
        read,
        apply=None if send is None else lambda values: send(Change(values)),
        file=None if config is None else config.name,
        write=None if config is None else write,
    )


def _photos(read: Callable[[], Settings]) -> Photos:
    settings = read()
    return Photos(
        make_detector=lambda: parts.build_photo_detector(settings.detector),
        make_classifier=lambda: parts.build_classifier(settings.classifier, threads=1),
        make_trigger=lambda: parts.build_trigger(read().trigger),
        make_camera_detector=lambda: parts.build_detector(
            settings.detector, min_face=settings.trigger.min_face
        ),
    )


def _tell(server: WebServer, config: Path | None) -> None:
    """Say where the page is, and once the password that was made for it: to a person, never to a log."""
    log.info("the page: %s", server.url)
    if server.generated is None:
        return
    kept = False
    if config is not None:
        try:
            write_values(config, {"web.password": server.password_hash})
            kept = True
        except ConfigError as error:
            log.warning("%s", error)
    if sys.stderr is not None and sys.stderr.isatty():
        print(f"its password: {server.generated}", file=sys.stderr)
        log.info(
            "shown this once; %s", f"{config} holds its hash" if kept else "the next start makes another"
        )
        return
    path = password_file()
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        atomic.write_private(path, f"{server.generated}\n".encode())
    except OSError as error:
        log.warning("%s: %s: nobody can read the password; set web.password", path, error.strerror)
        return
    log.info("its password is in %s, which only its owner can read; remove the file when it is known", path)


def state_folder() -> Path:
    """Return where the program keeps what outlives a restart: the service's folder, or the user's."""
    if given := os.environ.get("STATE_DIRECTORY"):
        return Path(given.partition(":")[0])
    return platformdirs.user_state_path("smartselfie", appauthor=False)


def password_file() -> Path:
    """Return where a password that was made is kept, when no terminal could show it."""
    return state_folder() / "web-password"
