"""plan.json: written stably, and checked when it comes back, since a person may have edited it."""

import difflib
from collections.abc import Iterable
from typing import Any

import msgspec
from msgspec import inspect

from polly.errors import InputError
from polly.planning.forecast import forecast
from polly.planning.validate import problems
from polly.work.issues import Inventory
from polly.work.plan import Plan

PLAN_VERSION = 1

_SHOWN = 10
_NEXT_STEP = "Correct these places, or write the plan anew with `polly plan SOURCE…`."


def dump_plan(plan: Plan) -> bytes:
    """The plan as indented UTF-8 JSON with a final newline; equal plans give equal bytes."""
    return msgspec.json.format(msgspec.json.encode(plan), indent=2) + b"\n"


def load_plan(
    text: bytes,
    *,
    name: str,
    inventory: Inventory | None = None,
    paths: frozenset[str] | None = None,
) -> Plan:
    """The plan in these bytes, checked against itself and, where given, issues and paths of the base commit.

    The forecast is worked out anew. Raises InputError that names `name` and up to ten problems, each
    with its places.
    """
    raw = _json_object(text, name)
    _check_version(raw, name)
    _refuse(name, unknown_fields(raw, inspect.type_info(Plan), ""))
    try:
        plan = msgspec.convert(raw, Plan)
    except msgspec.ValidationError as error:
        raise InputError(f"{name}: {error}.", next_step=_NEXT_STEP) from error
    _refuse(name, problems(plan, inventory=inventory, paths=paths))
    return msgspec.structs.replace(plan, forecast=forecast(plan.packages, plan.forecast.agents))


def _json_object(text: bytes, name: str) -> dict[str, Any]:
    if not text.strip():
        raise InputError(f"{name} is empty.", next_step="Write it with `polly plan SOURCE…`.")
    try:
        raw = msgspec.json.decode(text.removeprefix(b"\xef\xbb\xbf"))
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise InputError(f"{name} is not JSON: {error}.", next_step=_NEXT_STEP) from error
    if not isinstance(raw, dict):
        raise InputError(
            f"{name} is not a plan: it holds a JSON {type(raw).__name__}, not an object.",
            next_step="Give the plan.json that `polly plan SOURCE…` wrote.",
        )
    return raw


def _check_version(raw: dict[str, Any], name: str) -> None:
    version = raw.get("plan_version")
    if version is None:
        guess = " It looks like an inventory." if "inventory_version" in raw else ""
        raise InputError(
            f'{name} is not a plan: it has no "plan_version".{guess}',
            next_step="Give the plan.json that `polly plan SOURCE…` wrote.",
        )
    if version != PLAN_VERSION or isinstance(version, bool):
        raise InputError(
            f"{name} has plan_version {version!r}, and this Polly reads {PLAN_VERSION}.",
            next_step="Write the plan anew with `polly plan SOURCE…`.",
        )


def _refuse(name: str, found: Iterable[str]) -> None:
    all_found = list(found)
    if not all_found:
        return
    lines = [f"  - {problem}" for problem in all_found[:_SHOWN]]
    if len(all_found) > _SHOWN:
        lines.append(f"  - and {len(all_found) - _SHOWN} more")
    count = "1 problem" if len(all_found) == 1 else f"{len(all_found)} problems"
    raise InputError("\n".join([f"{name} cannot be used, {count}:", *lines]), next_step=_NEXT_STEP)


def unknown_fields(value: Any, kind: inspect.Type, place: str) -> Iterable[str]:
    """Every key that the format does not know, with its place and the nearest key that it does know."""
    if isinstance(kind, inspect.StructType) and isinstance(value, dict):
        known = {field.encode_name: field.type for field in kind.fields}
        for key, inner in value.items():
            here = f"{place}.{key}" if place else str(key)
            if key in known:
                yield from unknown_fields(inner, known[key], here)
            else:
                near = difflib.get_close_matches(str(key), known, n=1, cutoff=0.5)
                hint = f"did you mean {near[0]!r}?" if near else f"known here: {', '.join(known)}"
                yield f"{here}: unknown field; {hint}"
    elif isinstance(kind, inspect.VarTupleType) and isinstance(value, list):
        for place_in_list, inner in enumerate(value):
            yield from unknown_fields(inner, kind.item_type, f"{place}[{place_in_list}]")
