"""From a checked identity to an open session, whichever way somebody came: password, one-time link, single sign-on.
Owns what lies between the first and the second factor: a cookie for a few minutes that names the account."""

from __future__ import annotations

from dataclasses import dataclass

from flask import redirect, request
from itsdangerous import BadSignature
from werkzeug.wrappers import Response

from cockpit.identity import accounts, gate, open_forms, rights, second_factor, sessions
from cockpit.identity.accounts import Account

HALF_S = 5 * 60
HALF = "zb_half"
CODE_PAGE = "/login/code"


@dataclass(frozen=True)
class HalfWay:
    """Somebody whose first factor was right. secret: of the second factor that is to be set up, "" when there is
    one."""

    account: Account
    target: str
    secret: str
    marks: tuple[str, ...] = ()


def proceed(account: Account, target: str, *, marks: tuple[str, ...] = (), second_factor_here: bool = True) -> Response:
    """On to `target` (a path of this site), by way of the code where the role asks for one. marks: see sessions.start.
    second_factor_here: False where a single sign-on sees to it."""
    conf = gate.settings()
    if not (second_factor_here and conf.options.second_factor and account.role in rights.TWO_FACTORS):
        return open_session(redirect(target), account, marks)
    secret = "" if account.has_factor else second_factor.new_secret()
    response = redirect(CODE_PAGE)
    half = open_forms.signer(HALF).dumps([account.name, account.changed_at, target, secret, *marks])
    # Lax: the way may lead here from the page of single sign-on
    open_forms.set_cookie(response, HALF, str(half), HALF_S, "Lax")
    return response


def half_way() -> HalfWay | None:
    """Who has only the code to go, None when nobody has or it took too long. The account is looked up anew: it may have
    been disabled, or its password changed, meanwhile."""
    try:
        given = open_forms.signer(HALF).loads(request.cookies.get(HALF, ""), max_age=HALF_S)
        name, changed_at, target, secret, *marks = given
    except (BadSignature, ValueError):
        return None
    found = accounts.find(gate.settings().state, name)
    if found is None or found.disabled or found.changed_at != changed_at:
        return None
    return HalfWay(found, target, secret, tuple(marks))


def open_session(response: Response, account: Account, marks: tuple[str, ...] = ()) -> Response:
    """Opens a session under a new identifier (against fixation); its cookie goes with the response."""
    conf = gate.settings()
    former = request.cookies.get(gate.cookie_name("person"), "")
    identifier = sessions.start(
        conf.state,
        account,
        gate.address(),
        absolute_s=conf.options.session_hours * 3600,
        replaces=former,
        marks=marks,
    )
    gate.set_cookie(response, "person", identifier)
    for spent in (HALF, open_forms.NONCE):
        response.delete_cookie(spent)
    return response
