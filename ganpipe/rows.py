"""params.yaml as plain data: reading it, and laying a row on what all rows share.

Kept apart from the validation of the whole file: a training resolves its own row with this, and so depends on neither
the other rows' parts nor the wording of error messages.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from ganpipe.errors import BadInput

Overlay = dict[str, Any]


def read_yaml(path: Path) -> Overlay:
    """A YAML 1.2 mapping as plain dicts and lists, read as DVC reads it. Raises BadInput."""
    try:
        value = YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise BadInput(f"{path} is not there: run from the project's folder.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"{path} cannot be read ({error}): make it a UTF-8 text file.") from None
    except (YAMLError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f" in line {mark.line + 1}" if mark else ""
        reason = getattr(error, "problem", None) or str(error).splitlines()[0]
        raise BadInput(f"{path} is not YAML{where} ({reason}): mend that line.") from None
    except RecursionError:
        raise BadInput(f"{path} is nested too deeply: remove the superfluous brackets.") from None
    if not isinstance(value, dict):
        raise BadInput(f"{path} is {value!r:.40}: it should be a mapping of keys to values.")
    return value


def merge(base: Overlay, over: Overlay) -> Overlay:
    """`over` laid on `base`, mapping by mapping. A part with another `kind` replaces the part below it whole."""
    out = dict(base)
    for key, value in over.items():
        below = out.get(key)
        if isinstance(value, dict) and isinstance(below, dict) and _same_kind(below, value):
            value = merge(below, value)
        out[key] = value
    return out


def _same_kind(below: Overlay, value: Overlay) -> bool:
    return "kind" not in value or value["kind"] == below.get("kind")


def merged(train: Overlay, row: Overlay, form: str, data: str) -> Overlay:
    """Everything that a row says for such data. Later wins: train, train.on.<form>, train.on.<data>, then the row's.

    A row's `first` is a row of its own, laid on `train` in the same way.
    """
    shared = _laid({}, train, form, data)
    out = _laid(shared, row, form, data)
    if isinstance(out.get("first"), dict):
        out["first"] = _laid(shared, out["first"], form, data)
    return out


def _laid(out: Overlay, source: Overlay, form: str, data: str) -> Overlay:
    on = source.get("on", {})
    for layer in ({k: v for k, v in source.items() if k != "on"}, on.get(form, {}), on.get(data, {})):
        out = merge(out, layer)
    return out
