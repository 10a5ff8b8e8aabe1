"""A config file's text as values with their lines; YAML's traps are refused here."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import yaml

from smartselfie.errors import ConfigError
from smartselfie.settings.model import LIST, OPTIONAL_SECTIONS, SECTIONS

_TAG = "tag:yaml.org,2002:"
SECRET = frozenset({"web.password"})
"""Settings whose value no message repeats."""
QUOTE_IT = "got ***, which YAML does not read as text; put it in quotes"
_TRUE = ("yes", "true", "on")


@dataclass(frozen=True, slots=True)
class Given:
    """A value that somebody gave."""

    value: object
    place: str
    """What a message about it begins with: "config.yaml:12: trigger.threshold" or "--set trigger.hold=x"."""
    written: str
    """As it was written."""


@dataclass(frozen=True, slots=True)
class Document:
    """What a file gives, by dotted key, and all that is wrong with its form, one line each."""

    given: dict[str, Given]
    problems: list[str]


class _RefusedError(ValueError):
    """A scalar that does not mean what it looks like."""


def compose(text: str, name: str) -> yaml.Node | None:
    """Parse YAML into nodes; None for a document without any content. Raises ConfigError with the line."""
    try:
        node: yaml.Node | None = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise ConfigError(f"{name}:{line}: a character that YAML does not allow; remove it") from error
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 1
        problem = " ".join(str(error.problem or error.context).split())
        if "'\\t'" in problem:
            problem = "a tab; indent with spaces"
        raise ConfigError(f"{name}:{line}: not valid YAML: {problem}") from error
    except RecursionError as error:
        raise ConfigError(f"{name}: nested too deeply; settings are two levels deep") from error
    except (ValueError, IndexError, KeyError, OverflowError) as error:  # PyYAML on "\UFFFFFFFF"
        raise ConfigError(f"{name}: not valid YAML: an escape that is no character") from error
    if isinstance(node, yaml.ScalarNode) and not node.value and not node.style:
        return None
    return node


def read(text: str, name: str) -> Document:
    """Read a config file's text; `name` is what messages call it. Raises ConfigError where it is no YAML."""
    root = compose(text, name)
    found = Document({}, [])
    if root is None:
        return found
    if not isinstance(root, yaml.MappingNode):
        line = root.start_mark.line + 1
        raise ConfigError(f"{name}:{line}: must be sections such as `trigger:` with settings below them")
    for section, key, node in _entries(root, "", name, found.problems):
        place = f"{name}:{key.start_mark.line + 1}: {section}"
        empty = isinstance(node, yaml.ScalarNode) and not node.value and not node.style
        if section == LIST:
            _take_items(found, node, name, place)
        elif isinstance(node, yaml.MappingNode) and section in SECTIONS:
            for setting, key, value in _entries(node, f"{section}.", name, found.problems):
                dotted = f"{section}.{setting}"
                _take(found, dotted, f"{name}:{key.start_mark.line + 1}: {dotted}", value)
        elif section in OPTIONAL_SECTIONS and not empty and _is_null(node):
            found.given[section] = Given(None, place, "null")
        elif section not in SECTIONS:
            found.given[section] = Given(None, place, "")  # reported as unknown by whoever knows the names
        elif not empty:
            found.problems.append(f"{place}: must be settings such as `name: value`, indented below it")
    return found


def read_items(text: str, place: str) -> Document:
    """Read a list of outputs as it may stand on the command line. Raises ConfigError where it is no YAML."""
    found = Document({}, [])
    node = compose(text, place)
    if node is not None:
        _take_items(found, node, "", place)
    return found


def read_scalar(text: str, name: str) -> object:
    """Read one value as YAML has it, such as "0.7", "400ms", "[640, 480]". Raises ConfigError."""
    try:
        node = compose(text, name)
    except ConfigError as error:
        raise ConfigError(f"{name}: not valid YAML; put text with special characters in quotes") from error
    try:
        return None if node is None else construct(node)
    except _RefusedError as error:
        told = QUOTE_IT if any(key in name for key in SECRET) else str(error)
        raise ConfigError(f"{name}: {told}") from error


def construct(node: yaml.Node, depth: int = 0) -> object:
    """Make a value of a node: a scalar, a list or mapping of scalars; what is nested deeper is empty."""
    if isinstance(node, yaml.SequenceNode):
        return [construct(item, depth + 1) for item in node.value] if depth == 0 else []
    if isinstance(node, yaml.MappingNode) and depth == 0:
        pairs = [(key, value) for key, value in node.value if isinstance(key, yaml.ScalarNode)]
        return {str(key.value): construct(value, 1) for key, value in pairs}
    if not isinstance(node, yaml.ScalarNode):
        return {}
    text: str = node.value
    match node.tag.removeprefix(_TAG):
        case "str" | "timestamp" | "value" | "merge":
            return text
        case "null":
            return None
        case "bool":
            return text.lower() in _TRUE
        case "int" | "float" as kind:
            return _number(text, kind)
        case _:
            raise _RefusedError(f"got the tag {node.tag!r}; remove the tag")


def written(node: yaml.Node, depth: int = 0) -> str:
    """Return a value as it was written, in one line, shortened; aliases may nest lists for ever."""
    if isinstance(node, yaml.MappingNode):
        return "a mapping"
    if isinstance(node, yaml.SequenceNode):
        return (
            "[" + ", ".join(written(item, depth + 1) for item in node.value[:8]) + "]"
            if depth == 0
            else "[...]"
        )
    return shorten(str(node.value)) or '""'


def shorten(text: str) -> str:
    """Make any text fit into one line of a message."""
    text = "".join(letter if letter.isprintable() else "?" for letter in " ".join(text.split()))
    return text if len(text) <= 60 else text[:57] + "..."


def _entries(
    mapping: yaml.MappingNode, prefix: str, name: str, problems: list[str]
) -> Iterator[tuple[str, yaml.Node, yaml.Node]]:
    """Give the entries of a mapping once each; complains about names given twice or that are no names."""
    first: dict[str, int] = {}
    for key, value in mapping.value:
        line = key.start_mark.line + 1
        if not isinstance(key, yaml.ScalarNode):
            problems.append(f"{name}:{line}: the name of a setting must be a word")
            continue
        word = shorten(key.value)
        if word in first:
            problems.append(
                f"{name}:{line}: {prefix}{word}: given twice, first in line {first[word]}; remove one"
            )
            continue
        first[word] = line
        yield word, key, value


def _take(found: Document, key: str, place: str, node: yaml.Node) -> None:
    try:
        found.given[key] = Given(construct(node), place, written(node))
    except _RefusedError as error:
        told = QUOTE_IT if key in SECRET else str(error)
        found.problems.append(f"{place}: {told}")


def _take_items(found: Document, node: yaml.Node, name: str, place: str) -> None:
    """Take a list of outputs; each item's settings are given as `outputs.0.kind` and so on."""
    if isinstance(node, yaml.ScalarNode) and (not node.value or _is_null(node)):
        return
    if not isinstance(node, yaml.SequenceNode):
        found.problems.append(f"{place}: must be a list; begin each output with `- kind: ...`")
        return
    for number, item in enumerate(node.value):
        line = f"{name}:{item.start_mark.line + 1}" if name else place
        if not isinstance(item, yaml.MappingNode) or not item.value:
            found.problems.append(f"{line}: {LIST}[{number}]: must be an output such as `kind: events`")
            continue
        for setting, key, value in _entries(item, f"{LIST}[{number}].", name or place, found.problems):
            line = f"{name}:{key.start_mark.line + 1}" if name else place
            _take(found, f"{LIST}.{number}.{setting}", f"{line}: {LIST}[{number}].{setting}", value)


def _is_null(node: yaml.Node) -> bool:
    return isinstance(node, yaml.ScalarNode) and node.tag == _TAG + "null"


def _number(text: str, kind: str) -> object:
    bare = text.replace("_", "").lower().lstrip("+-")
    try:
        if ":" in bare:  # YAML 1.1 counts in sixties
            value = 0.0
            for digits in bare.split(":"):
                value = value * 60 + float(digits)
            raise _RefusedError(f"got {text}; YAML reads it as {value:g}: write that, or put it in quotes")
        if kind == "float":
            number = float(bare.replace(".inf", "inf").replace(".nan", "nan"))
            return -number if text.startswith("-") else number
        if re.fullmatch("0[0-9]+", bare):
            raise _RefusedError(f"got {text}; YAML reads it as octal: write it without the leading 0")
        whole = int(bare, 0)
    except _RefusedError:
        raise
    except ValueError as error:
        raise _RefusedError(f"got {shorten(text)}; must be a number") from error
    return -whole if text.startswith("-") else whole
