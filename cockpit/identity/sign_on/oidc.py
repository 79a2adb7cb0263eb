"""OpenID Connect as a client: authorization code with PKCE, state and nonce; the ID token is checked here, against the
provider's published keys. Knows no account and no cookie. Authlib makes and checks the protocol's parts, httpx carries
them; no redirect is followed and no proxy of the environment is used."""

from __future__ import annotations

import threading
import time
from typing import Any
from urllib.parse import quote

import httpx
from authlib.common.urls import add_params_to_uri
from authlib.oauth2.rfc6749.parameters import prepare_grant_uri
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from cockpit.identity.sign_on.ways import Oidc

TIMEOUT_S = 5.0
FRESH_S = 3600.0
"""So long the provider's description and keys are taken from memory; an unknown key is looked for at once."""
LEEWAY_S = 60
ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512"]
"""Signatures by a key pair. "none" and those by a shared secret are not among them."""
LOGOUT_EVENT = "http://schemas.openid.net/event/backchannel-logout"

_lock = threading.Lock()
_known: dict[str, tuple[float, dict[str, Any]]] = {}


class NotSignedOn(Exception):
    """The provider, or what came from it, does not say who somebody is. reason: for the log, without any secret."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def authorization(way: Oidc, back: str, state: str, nonce: str, verifier: str) -> str:
    """Where the browser goes to sign on. back: the address of ours that the provider leads back to."""
    return str(
        prepare_grant_uri(
            _description(way)["authorization_endpoint"],
            client_id=way.client_id,
            response_type="code",
            redirect_uri=back,
            scope=way.scope,
            state=state,
            nonce=nonce,
            code_challenge=create_s256_code_challenge(verifier),
            code_challenge_method="S256",
        )
    )


def claims(way: Oidc, code: str, back: str, nonce: str, verifier: str) -> dict[str, Any]:
    """What the provider says of who came back with a code. Raises NotSignedOn."""
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": back, "code_verifier": verifier}
    description = _description(way)
    methods = description.get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
    auth = None
    if "client_secret_basic" in methods:
        auth = (quote(way.client_id, safe=""), quote(way.client_secret, safe=""))
    else:
        form |= {"client_id": way.client_id, "client_secret": way.client_secret}
    token = _object(lambda client: client.post(description["token_endpoint"], data=form, auth=auth), "token")
    if not isinstance(token.get("id_token"), str):
        raise NotSignedOn("token: no id_token")
    found, header = _opened(way, token["id_token"])
    options = {"iss": {"essential": True, "value": way.issuer}, "aud": {"essential": True, "value": way.client_id}}
    params = {"nonce": nonce, "client_id": way.client_id, "access_token": token.get("access_token")}
    try:
        CodeIDToken(found, header, options, params).validate(leeway=LEEWAY_S)
    except JoseError as error:
        raise NotSignedOn(f"id_token: {error.error}") from error
    return found


def ended(way: Oidc, logout_token: str) -> tuple[str, str]:
    """Subject and session (either may be "") that the provider has ended (OpenID Connect Back-Channel Logout 1.0).
    Raises NotSignedOn for a token that does not say so."""
    found, _ = _opened(way, logout_token)
    events, audience = found.get("events"), found.get("aud")
    is_ours = way.client_id in (audience if isinstance(audience, list) else [audience])
    issued = found.get("iat")
    is_fresh = isinstance(issued, int | float) and abs(time.time() - issued) <= 2 * LEEWAY_S
    is_logout = isinstance(events, dict) and LOGOUT_EVENT in events and "nonce" not in found
    if found.get("iss") != way.issuer or not (is_ours and is_fresh and is_logout):
        raise NotSignedOn("logout_token")
    return str(found.get("sub", "")), str(found.get("sid", ""))


def end_session(way: Oidc, back: str) -> str:
    """Where the browser ends the provider's own session, "" when the provider has no such place."""
    place = _description(way).get("end_session_endpoint", "")
    params = [("client_id", way.client_id), ("post_logout_redirect_uri", back)]
    return str(add_params_to_uri(place, params)) if place else ""


def _opened(way: Oidc, token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Claims and header of a token that the provider has signed."""
    for is_new in (False, True):
        try:
            read = jwt.decode(token, KeySet.import_key_set(_keys(way, is_new=is_new)), algorithms=ALGORITHMS)
            return dict(read.claims), dict(read.header)
        except (JoseError, ValueError) as error:
            reason = type(error).__name__
    raise NotSignedOn(f"signature: {reason}")


def _description(way: Oidc) -> dict[str, Any]:
    """What the provider says of itself. Raises NotSignedOn when it says it of another, or leads out of TLS."""
    place = f"{way.issuer.rstrip('/')}/.well-known/openid-configuration"
    found = _remembered(place)
    named = [found.get(name) for name in ("authorization_endpoint", "token_endpoint", "jwks_uri")]
    scheme = f"{way.issuer.partition('://')[0]}://"
    if found.get("issuer") != way.issuer or not all(isinstance(one, str) and one.startswith(scheme) for one in named):
        raise NotSignedOn("description: issuer or endpoints")
    return found


def _keys(way: Oidc, *, is_new: bool) -> Any:
    return _remembered(_description(way)["jwks_uri"], is_new=is_new)


def _remembered(place: str, *, is_new: bool = False) -> dict[str, Any]:
    with _lock:
        at, found = _known.get(place, (0.0, {}))
    if is_new or not found or time.monotonic() - at > FRESH_S:
        found = _object(lambda client: client.get(place), place.rpartition("/")[2])
        with _lock:
            _known[place] = (time.monotonic(), found)
    return found


def _object(ask: Any, what: str) -> dict[str, Any]:
    """The JSON object that the provider answers with."""
    try:
        with httpx.Client(timeout=TIMEOUT_S, trust_env=False, follow_redirects=False) as client:
            answer = ask(client)
            found = answer.json()
    except (httpx.HTTPError, ValueError) as error:
        raise NotSignedOn(f"{what}: {type(error).__name__}") from error
    if answer.status_code != 200 or not isinstance(found, dict):
        raise NotSignedOn(f"{what}: HTTP {answer.status_code}")
    return found
