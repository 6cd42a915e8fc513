"""Exchanges tokens as an application does that uses the client library py-identity-model.

Reads from the environment ISSUER, CLIENT_ID, CLIENT_SECRET, SUBJECT_TOKEN and, for the delegation exchange, ACTOR_TOKEN.
TOKEN_ENDPOINT, when given, is used instead of discovery. Prints one JSON object that describes the answers, never a token.
"""

import json
import os
import sys

from py_identity_model import (
    DiscoveryDocumentRequest,
    TokenExchangeRequest,
    exchange_token,
    get_discovery_document,
    parse_discovery_url,
)
from py_identity_model.core.token_type import ACCESS_TOKEN


def main() -> None:
    endpoint = os.environ.get("TOKEN_ENDPOINT") or discovered_token_endpoint(os.environ["ISSUER"])
    answers = {"impersonation": exchange(endpoint)}
    if actor_token := os.environ.get("ACTOR_TOKEN"):
        answers["delegation"] = exchange(endpoint, actor_token=actor_token, actor_token_type=ACCESS_TOKEN)
    print(json.dumps(answers, indent=2))


def discovered_token_endpoint(issuer: str) -> str:
    """The library's default policy asks for https, except on a loopback address."""
    response = get_discovery_document(DiscoveryDocumentRequest(address=parse_discovery_url(issuer).url))
    if not response.is_successful:
        sys.exit(f"failed to discover {issuer}: {response.error}")
    return response.token_endpoint


def exchange(endpoint: str, **actor: str) -> dict:
    response = exchange_token(
        TokenExchangeRequest(
            address=endpoint,
            client_id=os.environ["CLIENT_ID"],
            client_secret=os.environ["CLIENT_SECRET"],
            subject_token=os.environ["SUBJECT_TOKEN"],
            subject_token_type=ACCESS_TOKEN,
            **actor,
        )
    )
    if not response.is_successful:
        sys.exit(f"failed to exchange the token: {response.error}")
    shown = ("token_type", "expires_in", "scope")
    return {"issued_token_type": response.issued_token_type} | {name: response.token.get(name) for name in shown}


if __name__ == "__main__":
    main()
