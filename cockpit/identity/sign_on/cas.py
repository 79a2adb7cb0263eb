"""CAS as a client, protocol 2 and 3: the browser brings a ticket, we ask the server once whose it is. Knows no account
and no cookie."""

from __future__ import annotations

from urllib.parse import urlencode
from xml.etree.ElementTree import Element, ParseError

import httpx
from defusedxml import ElementTree
from defusedxml.common import DefusedXmlException

from cockpit.identity.sign_on.oidc import TIMEOUT_S, NotSignedOn
from cockpit.identity.sign_on.ways import Cas

SPACE = "{http://www.yale.edu/tp/cas}"
SAML = "{urn:oasis:names:tc:SAML:2.0:protocol}"
VALIDATE = {2: "serviceValidate", 3: "p3/serviceValidate"}


def authorization(way: Cas, back: str) -> str:
    """Where the browser goes to sign on."""
    return f"{way.server.rstrip('/')}/login?{urlencode({'service': back})}"


def person(way: Cas, ticket: str, back: str) -> str:
    """Whose a ticket is. back: exactly the address that was given to authorization(). Raises NotSignedOn."""
    place = f"{way.server.rstrip('/')}/{VALIDATE[way.version]}"
    try:
        with httpx.Client(timeout=TIMEOUT_S, trust_env=False, follow_redirects=False) as client:
            answer = client.get(place, params={"service": back, "ticket": ticket})
    except httpx.HTTPError as error:
        raise NotSignedOn(f"ticket: {type(error).__name__}") from error
    if answer.status_code != 200:
        raise NotSignedOn(f"ticket: HTTP {answer.status_code}")
    success = _parsed(answer.content).find(f"{SPACE}authenticationSuccess")
    if success is None:
        raise NotSignedOn("ticket: refused")
    path = f"{SPACE}attributes/{SPACE}{way.attribute}" if way.attribute else f"{SPACE}user"
    name = (success.findtext(path) or "").strip()
    if not name:
        raise NotSignedOn("ticket: no name")
    return name


def ended(request: str) -> str:
    """The ticket whose session the server has ended, "" when the request says none."""
    try:
        return (_parsed(request.encode()).findtext(f"{SAML}SessionIndex") or "").strip()
    except NotSignedOn:
        return ""


def end_session(way: Cas, back: str) -> str:
    """Where the browser ends the server's own session."""
    return f"{way.server.rstrip('/')}/logout?{urlencode({'service': back})}"


def _parsed(body: bytes) -> Element:
    try:
        found: Element = ElementTree.fromstring(body)
    except (ParseError, DefusedXmlException, ValueError) as error:
        raise NotSignedOn("answer: no XML") from error
    return found
