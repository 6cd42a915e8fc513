"""Has the client library exchange tokens of the reference authorization server (`txspec serve`), and checks what it saw.

Reads TXSPEC_ISSUER from the environment; fails when the library did not get an access token in both exchanges.
"""

import json
import os
import subprocess
import sys
from base64 import b64encode
from pathlib import Path
from urllib.parse import urlencode
from urllib.request import Request, urlopen

ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"
CLIENT = ("app", "app-secret")
SERVICE = ("service-a", "service-a-secret")


def main() -> None:
    issuer = os.environ["TXSPEC_ISSUER"]
    endpoint = metadata(issuer)["token_endpoint"]
    alice = {"grant_type": "password", "username": "alice", "password": "alice-password"}
    environment = {
        "ISSUER": issuer,
        "CLIENT_ID": CLIENT[0],
        "CLIENT_SECRET": CLIENT[1],
        "SUBJECT_TOKEN": access_token(endpoint, CLIENT, alice),
        "ACTOR_TOKEN": access_token(endpoint, SERVICE, {"grant_type": "client_credentials"}),
    }
    script = Path(__file__).with_name("exchange.py")
    run = subprocess.run(
        [sys.executable, script], env=os.environ | environment, stdout=subprocess.PIPE, text=True, timeout=60
    )
    print(run.stdout, end="")
    if run.returncode != 0:
        sys.exit(run.returncode)

    answers = json.loads(run.stdout)
    for exchange in ("impersonation", "delegation"):
        issued = answers.get(exchange, {}).get("issued_token_type")
        if issued != ACCESS_TOKEN:
            sys.exit(f"{exchange}: the library saw issued_token_type {issued}, not {ACCESS_TOKEN}")


def metadata(issuer: str) -> dict:
    with urlopen(f"{issuer}/.well-known/oauth-authorization-server", timeout=10) as response:
        return json.load(response)


def access_token(endpoint: str, client: tuple[str, str], form: dict[str, str]) -> str:
    credentials = b64encode(":".join(client).encode()).decode()
    request = Request(endpoint, urlencode(form).encode(), {"Authorization": f"Basic {credentials}"})
    with urlopen(request, timeout=10) as response:
        return json.load(response)["access_token"]


if __name__ == "__main__":
    main()
