"""Settings written back into config.yaml: the value's own characters are replaced, all else stays."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import yaml

from smartselfie.atomic import settle, sync_folder, temporary
from smartselfie.errors import ConfigError
from smartselfie.settings.describe import catalogue
from smartselfie.settings.document import compose
from smartselfie.settings.file import parse, read_text, set_values
from smartselfie.settings.model import LIST, Settings
from smartselfie.settings.render import as_yaml

_ALIAS = re.compile(r"[ \t]*:\s*(\*[^\s,\[\]{}]+)")
_COMMENT = re.compile(r"#[^\r\n]*")


def write_values(path: Path, values: Mapping[str, object], comment: str | None = None) -> Settings:
    """Change settings in a config file, by dotted key, and return what it says now.

    Values are as for `set_values`. Comments and layout stay; what is missing is added, the file too.
    `comment`, such as "tuned: on 12 clips", is put above the first key that changes in each section, in place
    of an older one with the same word before its colon. The file is replaced as a whole or not at all. Raises
    ConfigError: the file is broken, a value is refused, or it cannot be written.
    """
    try:
        old = read_text(path)
    except ConfigError:
        if path.exists():
            raise
        old = ""
    new, settings = rewrite(old, path, values, comment)
    if new != old:
        _replace(path.resolve(), new)  # a link stays a link
    return settings


def rewrite(
    text: str, path: Path, values: Mapping[str, object], comment: str | None = None
) -> tuple[str, Settings]:
    """Return the text of a config file with some settings changed, and its settings. Raises ConfigError."""
    before = parse(text, path)
    wanted = set_values(before, values)
    for key in values:
        if "." in key and key not in catalogue(wanted):  # `set_values` lets it wait for its kind
            kind = wanted.value(f"{key.partition('.')[0]}.kind")
            raise ConfigError(f"{path}: {key} is no setting of kind {kind}")
    commented: set[str] = set()
    try:
        for key, value in values.items():
            if key in before.explicit and before.value(key) == wanted.value(key):
                continue
            section, dot, _ = key.partition(".")
            if not dot and section == LIST:
                raise _LayoutError("a list of outputs is not rewritten")
            if not dot:
                if before.value(section) != wanted.value(section):
                    text = _switch(text, path, section, on=bool(wanted.value(section)))
                continue
            if not wanted.value(section):
                continue  # a later value turned the whole section off
            # A path stays as relative as it was given.
            new = value if isinstance(value, str) else wanted.value(key)
            text = _set(text, path, key, as_yaml(key, new, wanted))
            if comment and section not in commented:
                text = _explain(text, path, key, comment)
                commented.add(section)
        if parse(text, path) != wanted:
            raise _LayoutError("an alias (*name) shares a value")
    except (_LayoutError, ConfigError) as error:
        keys = ", ".join(values)
        raise ConfigError(f"{path}: is laid out so that {keys} must be changed by hand: {error}") from error
    return text, wanted


class _LayoutError(ValueError):
    """The text is written in a way that is not understood well enough to change it."""


@dataclass(frozen=True, slots=True)
class _Spot:
    """Where an entry of a mapping lies in the text: its key, and its value from `start` to `end`."""

    key: yaml.Node
    node: yaml.Node
    start: int
    end: int


def _set(text: str, path: Path, key: str, value: str) -> str:
    """Give one setting its value, as YAML, in the text of a file."""
    section, _, name = key.partition(".")
    eol = "\r\n" if "\r\n" in text else "\n"
    root = compose(text, str(path))
    if not isinstance(root, yaml.MappingNode):
        return _append(text, f"{section}:{eol}  {name}: {value}{eol}", eol)
    found = _find(text, root, section)
    if found is None:
        if root.flow_style:
            return _insert_in_flow(text, root, f"{section}: {{{name}: {value}}}")
        indent = " " * root.start_mark.column
        return _append(text, f"{indent}{section}:{eol}{indent}  {name}: {value}{eol}", eol)
    if not isinstance(found.node, yaml.MappingNode):  # `trigger:` or `moment: null`
        if root.flow_style:
            return _put(text, found, f"{{{name}: {value}}}")
        text = text[: found.start] + text[found.end :]
        return _insert_below(text, found.start, " " * found.key.start_mark.column + f"  {name}: {value}", eol)
    entry = _find(text, found.node, name)
    if entry is not None:
        return _put(text, entry, value)
    if found.node.flow_style:
        return _insert_in_flow(text, found.node, f"{name}: {value}")
    last = _spot(text, *found.node.value[-1])
    indent = " " * found.node.value[0][0].start_mark.column
    return _insert_below(text, last.end, f"{indent}{name}: {value}", eol)


def _find(text: str, mapping: yaml.MappingNode, name: str) -> _Spot | None:
    for key, node in mapping.value:
        if isinstance(key, yaml.ScalarNode) and key.value == name:
            return _spot(text, key, node)
    return None


def _spot(text: str, key: yaml.Node, node: yaml.Node) -> _Spot:
    """Find where a value lies: a block's own end mark lies behind the comments that follow it."""
    if alias := _ALIAS.match(text, key.end_mark.index):
        return _Spot(key, node, *alias.span(1))
    start, end = node.start_mark.index, node.end_mark.index
    if start < key.end_mark.index:  # the node of an alias lies where it is defined
        raise _LayoutError("an alias (*name) stands where it is not expected")
    if isinstance(node, yaml.MappingNode) and not node.flow_style:
        end = _spot(text, *node.value[-1]).end
    elif isinstance(node, yaml.SequenceNode) and not node.flow_style:
        start, end = text.index(":", key.end_mark.index) + 1, node.value[-1].end_mark.index
    return _Spot(key, node, start, end)


def _put(text: str, spot: _Spot, value: str) -> str:
    """Replace a value; comments inside it move behind it."""
    old = text[spot.start : spot.end]
    node = spot.node
    tail = ""
    if isinstance(node, yaml.ScalarNode):
        if not old:  # `release:`, or `release` alone in a flow mapping
            colon = "" if ":" in text[spot.key.end_mark.index : spot.start] else ":"
            value = f"{colon} {value}"
        elif node.style in ("|", ">"):
            header = old.splitlines()[0]
            comment = _COMMENT.search(header)
            tail = (f"  {comment[0]}" if comment else "") + old[len(old.rstrip()) :]
    elif isinstance(node, yaml.SequenceNode):
        value = value if node.flow_style else f" {value}"
        begins = [*(item.start_mark.index for item in node.value), spot.end]
        ends = [spot.start, *(item.end_mark.index for item in node.value)]
        gaps = [text[end:begin] for end, begin in zip(ends, begins, strict=True)]
        comments = [comment for gap in gaps for comment in _COMMENT.findall(gap)]
        if comments:
            line_end = _line_end(text, spot.end)
            rest = text[spot.end : line_end]
            return text[: spot.start] + value + rest + "  " + " ".join(comments) + text[line_end:]
    return text[: spot.start] + value + tail + text[spot.end :]


def _append(text: str, lines: str, eol: str) -> str:
    """Add lines at the end of the document."""
    end = len(text)
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        if isinstance(event, yaml.DocumentEndEvent) and event.explicit and event.start_mark:
            end = event.start_mark.index
    head = text[:end]
    if head and not head.endswith("\n"):
        head += eol
    blank = eol if head.strip() and not head.endswith(eol * 2) else ""
    return head + blank + lines + text[end:]


def _insert_below(text: str, index: int, line: str, eol: str) -> str:
    """Add a line below the one in which `index` lies (or before `index` where a line begins there)."""
    if index and text[index - 1] == "\n":
        return text[:index] + line + eol + text[index:]
    end = text.find("\n", index)
    if end < 0:
        return text + eol + line + eol
    return text[: end + 1] + line + eol + text[end + 1 :]


def _insert_in_flow(text: str, mapping: yaml.MappingNode, entry: str) -> str:
    """Add an entry to `{...}`, behind the last one."""
    if not mapping.value:
        end = mapping.end_mark.index - 1
        return text[:end] + entry + text[end:]
    last = _spot(text, *mapping.value[-1])
    return text[: last.end] + f", {entry}" + text[last.end :]


def _line_end(text: str, index: int) -> int:
    """Return where the line of `index` ends, before its line break."""
    end = re.compile(r"[\r\n]").search(text, index)
    return end.start() if end else len(text)


def _switch(text: str, path: Path, section: str, *, on: bool) -> str:
    """Turn `moment` off, its lines becoming comments, or on again with its defaults."""
    root = compose(text, str(path))
    found = _find(text, root, section) if isinstance(root, yaml.MappingNode) else None
    if found is None:
        eol = "\r\n" if "\r\n" in text else "\n"
        if isinstance(root, yaml.MappingNode) and root.flow_style:
            return _insert_in_flow(text, root, f"{section}: null")
        indent = " " * (root.start_mark.column if root is not None else 0)
        return _append(text, f"{indent}{section}: null{eol}", eol)
    if on:
        return text[: found.start] + "{}" + text[found.end :]
    if isinstance(root, yaml.MappingNode) and root.flow_style:
        return text[: found.start] + "null" + text[found.end :]
    colon = text.index(":", found.key.end_mark.index) + 1
    end = _line_end(text, found.end)
    first, *others = text[colon:end].splitlines(keepends=True)
    kept = first.strip()
    head = " null" + (f"  # {kept}".replace("# #", "#") if kept else "") + first[len(first.rstrip("\r\n")) :]
    body = [re.sub(r"^(\s*)(?=[^\s#])", r"\1# ", line) for line in others]
    return text[:colon] + head + "".join(body) + text[end:]


def _explain(text: str, path: Path, key: str, comment: str) -> str:
    """Put a comment above the line of a setting, in place of an older one of the same kind."""
    section, _, name = key.partition(".")
    root = compose(text, str(path))
    part = _find(text, root, section) if isinstance(root, yaml.MappingNode) else None
    entry = _find(text, part.node, name) if part and isinstance(part.node, yaml.MappingNode) else None
    if entry is None:
        return text
    eol = "\r\n" if "\r\n" in text else "\n"
    comment = "".join(letter if letter.isprintable() else " " for letter in comment)
    start = text.rfind("\n", 0, entry.key.start_mark.index) + 1
    indent = text[start : start + len(text[start:]) - len(text[start:].lstrip(" "))]
    above = text.rfind("\n", 0, max(0, start - 1)) + 1
    word, colon, _ = comment.partition(":")
    older = start and colon and text[above:start].strip().startswith(f"# {word}:")
    return text[: above if older else start] + f"{indent}# {comment}{eol}" + text[start:]


def _replace(path: Path, text: str) -> None:
    """Replace the file at once, with the mode and owner it had. Raises ConfigError."""
    try:
        before = path.stat() if path.exists() else None
        with temporary(path.parent) as (file, part):
            file.write(text.encode("utf-8"))
            settle(file)
            if before is not None:
                with suppress(OSError):  # FAT has neither modes nor owners; only root gives files away
                    part.chmod(before.st_mode & 0o7777)
                    if hasattr(os, "chown"):
                        os.chown(part, before.st_uid, before.st_gid)
            part.replace(path)
        sync_folder(path.parent)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be written: {error.strerror}") from error
