"""The issuers file is strict: each mistake is named."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from mathops.errors import StartupError
from mathops.identity.issuers.issuers_file import read

ENTRY: dict[str, Any] = {
    "url": "https://id.example/realms/a",
    "audience": "mathops",
    "grants": [{"claim": "scope", "value": "mathops", "scopes": ["math"]}],
}
ROOT = Path(__file__).parents[4]
GRANT = ENTRY["grants"][0]
SIGN_IN = {"id": "company", "label": "Company", "client_id": "console"}


def error(path: Path, text: str) -> str:
    path.write_text(text)
    with pytest.raises(StartupError) as caught:
        read(path, "mathops")
    message = str(caught.value)
    assert str(path) in message
    assert "\n" not in message
    return message


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "issuers"


@pytest.mark.parametrize("write", [yaml.safe_dump, json.dumps, lambda document: json.dumps(document, indent="\t")])
def test_yaml_and_json_are_read(path: Path, write: Any) -> None:
    path.write_text(write({"issuers": [ENTRY]}))

    issuer = read(path, "mathops")[ENTRY["url"]]

    assert (issuer.audience, issuer.user_claim, issuer.algorithms) == ("mathops", "sub", ("RS256", "PS256", "ES256"))
    assert issuer.grants[0].scopes == ("math",)


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"audiance": "x"}, "unknown field `audiance` - at `$.issuers[0]`"),
        ({"audience": ""}, "`$.issuers[0].audience`"),
        ({"audience": 5}, "Expected `str`, got `int` - at `$.issuers[0].audience`"),
        ({"algorithms": ["HS256"]}, "Invalid enum value 'HS256' - at `$.issuers[0].algorithms[0]`"),
        ({"algorithms": ["none"]}, "Invalid enum value 'none'"),
        ({"algorithms": []}, "`$.issuers[0].algorithms`"),
        ({"grants": []}, "`$.issuers[0].grants`"),
        ({"grants": [{**GRANT, "scopes": ["maths"]}]}, "unknown scope maths; the scopes are math "),
        ({"grants": [{**GRANT, "scopes": []}]}, "`$.issuers[0].grants[0].scopes`"),
        ({"grants": [{**GRANT, "value": 1}]}, "got `int` - at `$.issuers[0].grants[0].value`"),
        ({"grants": [{**GRANT, "values": []}]}, "unknown field `values`"),
        ({"grants": [{**GRANT, "claim": []}]}, "`$.issuers[0].grants[0].claim`"),
        ({"url": "id.example"}, "https URLs"),
        ({"url": "ftp://id.example"}, "https URLs"),
        ({"url": "file:///etc/passwd"}, "https URLs"),
        ({"url": "https://user@id.example"}, "https URLs"),
        ({"url": "https://id.example/#a"}, "https URLs"),
        ({"url": "https://id.example/?a"}, "https URLs"),
        ({"url": "https://id.example:70000"}, "https URLs"),
        ({"url": "https://[id.example"}, "https URLs"),
        ({"url": "https://id.example/\n"}, "https URLs"),
        ({"url": "https://id.example/" + "x" * 128}, "`$.issuers[0].url`"),
        ({"url": "http://id.example"}, "insecure_http: true permits http"),
        ({"jwks_url": "http://id.example/keys"}, "insecure_http: true permits http"),
        ({"jwks_url": "/keys"}, "https URLs"),
        ({"url": "http://id.example", "insecure_http": True, "token_file": "/t"}, "sent by https only"),
        ({"url": "mathops"}, "https URLs"),
        ({"sign_in": {**SIGN_IN, "client_secret": "s3cret"}}, "unknown field `client_secret`"),
        ({"sign_in": {**SIGN_IN, "id": "a/b"}}, "`$.issuers[0].sign_in.id`"),
        ({"sign_in": {**SIGN_IN, "id": "a\n"}}, "`$.issuers[0].sign_in.id`"),
        ({"sign_in": {**SIGN_IN, "label": ""}}, "`$.issuers[0].sign_in.label`"),
        ({"sign_in": {**SIGN_IN, "token_url": "https://id.example/token?a"}}, "token_url is an https URL"),
        ({"sign_in": {**SIGN_IN, "token_url": "http://id.example/token"}}, "insecure_http: true permits http"),
        ({"sign_in": {**SIGN_IN, "authorization_url": "javascript:alert(1)"}}, "without user and fragment"),
        ({"sign_in": {**SIGN_IN, "end_session_url": "https://id.example/#a"}}, "without user and fragment"),
    ],
    ids=str,
)
def test_a_mistake_is_named(path: Path, changed: dict[str, Any], reason: str) -> None:
    assert reason in error(path, yaml.safe_dump({"issuers": [{**ENTRY, **changed}]}))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "Expected `object`"),
        ("issuers: []", "`$.issuers`"),
        ("issuers: [", "while parsing"),
        ("{", "is invalid"),
        ("[" * 1000, "is invalid"),
        ("issuers: []\nissuers: []", "duplicate member 'issuers'"),
        ('{"issuers": [], "issuers": []}', "duplicate member 'issuers'"),
        ("? [a]\n: b", "is invalid"),
        ("a: &a [*a]", "is invalid"),
        ("issuers: !!python/object/apply:os.system [id]", "could not determine a constructor"),
        ("other: 1\nissuers: []", "unknown field `other`"),
        ("\ud800", "cannot be read"),
    ],
    ids=lambda text: text[:30].encode("ascii", "replace").decode(),
)
def test_a_broken_document_is_rejected_with_its_reason(path: Path, text: str, reason: str) -> None:
    if text == "\ud800":
        path.write_bytes(b"\xff")
        with pytest.raises(StartupError, match=reason):
            read(path, "mathops")
    else:
        assert reason in error(path, text)


def test_a_missing_file_is_an_error(path: Path) -> None:
    with pytest.raises(StartupError, match="cannot be read"):
        read(path, "mathops")


def test_each_issuer_is_listed_once(path: Path) -> None:
    assert "each url once" in error(path, json.dumps({"issuers": [ENTRY, ENTRY]}))


def test_each_id_of_a_sign_in_is_used_once(path: Path) -> None:
    entries = [{**ENTRY, "url": f"https://{name}.example", "sign_in": SIGN_IN} for name in ("a", "b")]

    assert "each id of sign_in once" in error(path, json.dumps({"issuers": entries}))


def test_the_service_itself_is_no_external_issuer(path: Path) -> None:
    path.write_text(json.dumps({"issuers": [ENTRY]}))

    with pytest.raises(StartupError, match="is MATHOPS_TOKEN_ISSUER of this service"):
        read(path, ENTRY["url"])


@pytest.mark.parametrize("url", ["http://localhost:8080/realms/a", "http://127.0.0.1:8080", "http://[::1]:8080"])
def test_loopback_needs_no_tls(path: Path, url: str) -> None:
    path.write_text(json.dumps({"issuers": [{**ENTRY, "url": url}]}))

    assert list(read(path, "mathops")) == [url]


def test_the_examples_in_the_documents_are_valid(path: Path) -> None:
    page = (ROOT / "docs" / "issuers.md").read_text()
    examples = re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)
    examples.append((ROOT / "k8s" / "compose" / "issuers.yaml").read_text())

    for text in examples:
        path.write_text(text)
        assert read(path, "mathops")
    assert len(examples) == 4
