"""What ``carekit check`` finds in the file, each with its remedy, all at once."""

from __future__ import annotations

import pytest

from carekit import ConfigError
from carekit.testing import DeskKit
from carekit_sms import plugin

HEAD = '[service]\nname = "Northwind"\nurl = "{url}"\n\n[store]\nuse = "memory"\n'
KANNEL = 'kannel = { user = "care", password = "x", secret = "y" }\n'


def check(table: str, *, url: str = "https://care.example", provider: str = "kannel", own: str = KANNEL) -> list[str]:
    """The faults of a file with one channel."""
    file = HEAD.format(url=url) + f'[channels.sms]\nuse = "sms"\nprovider = "{provider}"\n'
    if not table.startswith("number"):
        file += 'number = "+34911000000"\n'
    return faults_of(file + table + own)


def faults_of(file: str) -> list[str]:
    try:
        DeskKit(file, extra={"sms": plugin}, discover=False).close()
    except ConfigError as error:
        return str(error).splitlines()
    return []


@pytest.mark.parametrize(
    "table",
    ["", 'number = "13013"\nregion = "ES"\n', 'price = "0.07 €"\nlanguages = ["en", "es"]\n',
     'quiet = { hours = "21:00-08:00" }\nrate = 0.5\n', 'sender = "Northwind"\nlong = "refuse"\n'],
)  # fmt: skip
def test_a_sound_file_has_no_faults(table: str) -> None:
    """Each key as the documentation shows it."""
    assert check(table) == []


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:8000", "http://localhost", "http://[::1]:8000", "https://care.example"]
)
def test_plain_http_is_for_this_machine(url: str) -> None:
    """Loopback may be http, anything else must be https."""
    assert check("", url=url) == []


@pytest.mark.parametrize("url", ["http://care.example", "http://10.0.0.5:8000", "http://localhost.example"])
def test_a_public_address_must_be_https(url: str) -> None:
    """Texts and receipts would travel in the clear; the fault names the address and the key."""
    (fault,) = check("", url=url)
    assert f"{url}/channels/sms in the clear" in fault
    assert "[service] url" in fault


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ('number = "911000000"\n', "number: '911000000' is no telephone number; write it like \"+34911000000\""),
        ('number = "Northwind"\n', "number: 'Northwind' is no telephone number"),
        ('aliases = ["nobody"]\n', "aliases: 'nobody' is no telephone number"),
        ('region = "Spain"\n', "region: 'Spain' is not a region"),
        ('sender = "Northwind care desk"\n', "sender: 'Northwind care desk' can be no sender"),
        ('test_number = "x"\n', "test_number: 'x' is no telephone number"),
        ('languages = ["en", "tlh"]\n', "languages: 'tlh' has no words here"),
        ('price = "cheap"\n', "price: 'cheap' does not hold one number"),
        ('price = "7 to 9 ct"\n', "price: '7 to 9 ct' does not hold one number"),
        ("parts = 0\n", "parts: 0 is out of range"),
        ("rate = -1\n", "rate: must be a number of texts a second"),
        ("media_size = 0\n", "media_size: must be 1 or more"),
        ('sources = ["everywhere"]\n', "sources: 'everywhere' does not appear to be an IPv4 or IPv6 network"),
        ('media_networks = ["10.0.0.0/99"]\n', "media_networks:"),
        ('quiet = { hours = "9 to 5" }\n', "quiet.hours: '9 to 5' are no hours"),
        ('quiet = { hours = "21:00-08:00", timezone = "Madrid" }\n', "quiet.timezone: 'Madrid' is not a time zone"),
        ('long = "cut"\n', "long:"),
        ("nmber = 1\n", "nmber"),
    ],
)
def test_a_fault_names_its_key_and_the_remedy(table: str, said: str) -> None:
    """Nothing starts with a file that cannot mean what it says."""
    found = check(table)
    assert len(found) == 1
    assert "[channels.sms]" in found[0]
    assert said in found[0]


def test_all_faults_are_told_at_once() -> None:
    """One run of the check is enough."""
    assert len(check('rate = -1\nparts = 0\nprice = "x"\nsender = "a name too long"\n', url="http://care.example")) == 5


@pytest.mark.parametrize(
    ("provider", "own", "said"),
    [
        ("kannel", "", "kannel: its table is missing; it needs the keys user, password, secret"),
        ("twilio", "", "twilio: its table is missing; it needs the keys account, token"),
        ("kannel", 'kannel = { user = "care", password = "x" }\n', "kannel.secret: is missing"),
        ("twilio", 'twilio = { account = "AC1" }\n', "twilio.token: is missing"),
        ("twilio", 'twilio = { account = "SK1", token = "x" }\n', "twilio.account: 'SK1' is no SID of an account"),
        ("twilio", 'twilio = { account = "AC1", token = "x", service = "1" }\n', "twilio.service: '1' is no SID"),
        ("vonage", 'vonage = { key = "a", signature = "0123456789abcdef" }\n', "vonage.secret: is missing"),
        ("vonage", 'vonage = { key = "a", signature = "0123456789abcdef", application = "b" }\n',
         "vonage.application: needs private_key"),
        ("vonage", 'vonage = { key = "a", secret = "b", signature = "c" }\n', "vonage.signature: is too short"),
        ("messagebird", 'messagebird = { key = "a" }\n', "messagebird.signing_key: is missing"),
        ("bird", 'bird = { key = "a", workspace = "b", signing_key = "c" }\n', "bird.channel: is missing"),
        ("kannel", 'kannel = { url = "x", user = "a", password = "b", secret = "c" }\n', "kannel.url: 'x' is no web"),
        ("carrier_pigeon", "", "provider: 'carrier_pigeon' is not installed; installed are bird, generic, kannel,"),
        ("kannel", KANNEL + 'twilio = { account = "AC1", token = "x" }\n', "twilio: is a table of another provider"),
    ],
)  # fmt: skip
def test_a_missing_credential_is_named(provider: str, own: str, said: str) -> None:
    """Before anything starts, with the table it belongs in."""
    found = check("", provider=provider, own=own)
    assert any(said in fault for fault in found), found


GENERIC = """
[channels.sms.generic]
url = "https://sms.example/send"
send = {{ {send} }}
verify = {{ {verify} }}
"""


@pytest.mark.parametrize(
    ("send", "verify", "said"),
    [
        ('to = "{to}", text = "{text}"', 'by = "basic", secret = "long enough"', ""),
        ('to = "{to}", text = "{txt}"', 'by = "basic", secret = "long enough"', "send.text: {txt} means nothing here"),
        ('to = "{to}"', 'by = "basic", secret = "long enough"', "send: no field holds {text}"),
        ('text = "{text}"', 'by = "basic", secret = "long enough"', "send: no field holds {to}"),
        ('to = "{to}", text = "{text}", p = "{secret.x}"', 'by = "basic", secret = "long enough"', "{secret.x} means"),
        ('to = "{to}", text = "{text}"', 'by = "hmac", secret = "long enough"', "verify.name: is missing"),
        ('to = "{to}", text = "{text}"', 'by = "bearer", secret = "short"', "verify.secret: is too short"),
        ('to = "{to}", text = "{text}"', 'by = "hmac", name = "X", over = ["stamp", "body"], secret = "long enough"',
         "verify.stamp: is missing"),
        ('to = "{to}", text = "{text}"', 'by = "magic", secret = "long enough"', "verify.by"),
    ],
)  # fmt: skip
def test_a_gateway_of_the_file_is_checked(send: str, verify: str, said: str) -> None:
    """Names in braces that mean nothing, a text that nobody would get, a proof that proves nothing."""
    found = check("", provider="generic", own=GENERIC.format(send=send, verify=verify))
    assert found == [] if not said else any(said in fault for fault in found)


def test_two_channels_cannot_share_a_number() -> None:
    """Also not through an alias, or written differently."""
    both = HEAD.format(url="https://care.example") + "".join(
        f'[channels.{name}]\nuse = "sms"\nprovider = "kannel"\nnumber = "{number}"\n{more}{KANNEL}'
        for name, number, more in (
            ("sales", "+34 911 000 000", ""),
            ("help", "+34911000001", 'aliases = ["0034911000000"]\n'),
            ("other", "+34911000002", ""),
        )
    )
    (fault,) = faults_of(both)
    assert "the channels 'sales' and 'help' both have the number +34911000000" in fault
    assert "give each its own" in fault


def test_no_secret_is_in_a_fault() -> None:
    """Whatever is wrong beside it."""
    found = check("rate = -1\n", provider="twilio", own='twilio = { account = "SK1", token = "very secret" }\n')
    assert "very secret" not in "\n".join(found)
