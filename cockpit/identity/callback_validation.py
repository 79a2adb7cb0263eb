"""What a Dash callback request may look like. Dash trusts the shape of the body and answers 500 to most odd ones; here
they end as 400, 413 or 415 before Dash sees them."""

from __future__ import annotations

from typing import Any

from flask import Request, abort, current_app

CALLBACKS = "/_dash-update-component"
MAX_BODY = 1_000_000
MAX_DEPTH = 40
KEYS = {"output", "outputs", "inputs", "state", "changedPropIds", "parsedChangedPropsIds"}


def check(request: Request) -> None:
    """Aborts with 405, 413, 415 or 400 when a callback request is not one that our own pages would send."""
    if request.path != CALLBACKS:
        return
    if request.method != "POST":
        abort(405)
    if request.content_length is not None and request.content_length > MAX_BODY:
        abort(413)
    if request.mimetype != "application/json":
        abort(415)
    if not _fits(_parsed(request)):
        abort(400)


def _parsed(request: Request) -> Any:
    raw = request.get_data(cache=True)
    if _too_deep(raw):
        abort(400)
    try:
        return request.get_json(silent=True)
    except (RecursionError, ValueError):
        abort(400)


def _too_deep(raw: bytes) -> bool:
    """Counts brackets without parsing: a 100,000-deep list would exhaust the parser's stack. Brackets inside texts
    count too, which only makes it stricter."""
    depth = 0
    for byte in raw:
        if byte in b"[{":
            depth += 1
            if depth > MAX_DEPTH:
                return True
        elif byte in b"]}":
            depth -= 1
    return False


def _fits(body: Any) -> bool:
    if not isinstance(body, dict) or not set(body) <= KEYS or not isinstance(body.get("output"), str):
        return False
    callbacks = current_app.config["ZHENGBEI_CALLBACKS"]()
    declared = callbacks.get(body["output"])
    if declared is None or not isinstance(body.get("changedPropIds"), list):
        return False
    if not all(isinstance(item, str) for item in body["changedPropIds"]):
        return False
    same = _ids(body.get("inputs"), declared["inputs"]) and _ids(body.get("state", []), declared["state"])
    return same and _outputs(body.get("outputs"), body["output"])


def _ids(given: Any, declared: list[dict[str, Any]]) -> bool:
    """Exactly the declared ids and properties, in order, each with a plain value or none."""
    if not isinstance(given, list) or len(given) != len(declared):
        return False
    return all(
        isinstance(one, dict)
        and one.get("id") == known["id"]
        and one.get("property") == known["property"]
        and isinstance(one.get("value"), str | int | float | bool | type(None))
        for one, known in zip(given, declared, strict=True)
    )


def _outputs(given: Any, output: str) -> bool:
    many = output.startswith("..")
    names = output.strip(".").split("...") if many else [output]
    listed = given if isinstance(given, list) else [given]
    if many != isinstance(given, list) or len(listed) != len(names):
        return False
    return all(
        isinstance(one, dict) and f"{one.get('id')}.{one.get('property')}" == name
        for one, name in zip(listed, names, strict=True)
    )
