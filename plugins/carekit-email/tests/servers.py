"""Real mail servers for the tests: Dovecot (IMAP and LMTP) and Postfix, from Debian's packages.

Each runs from a configuration of its own in a temporary folder, on free loopback ports, and is gone afterwards.
"""

from __future__ import annotations

import json
import os
import pwd
import shutil
import signal
import smtplib
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
import trustme

from carekit.testing import free_port

PASSWORD = "care"
_PATH = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"])


def require(binary: str, packages: str) -> str:
    """The path of *binary*; without it the test skips, or fails where servers are required."""
    found = shutil.which(binary, path=_PATH)
    if found and os.geteuid() == 0:
        return found
    reason = f"{binary} {'must be started by root' if found else f'is not installed: apt-get install {packages}'}"
    if os.environ.get("CAREKIT_REQUIRE_SERVERS") == "1":
        pytest.fail(f"{reason} (CAREKIT_REQUIRE_SERVERS=1 forbids skipping)", pytrace=False)
    pytest.skip(reason)


def wait_for(port: int, log: Path, process: subprocess.Popen[bytes] | None = None) -> None:
    """Wait until something listens on *port*; raise with the server's own words if it does not."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and (process is None or process.poll() is None):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise RuntimeError(f"no server on port {port}:\n{log.read_text() if log.exists() else 'no log'}")


class TokenServer:
    """An OAuth provider: gives access tokens for the refresh token `refresh`, and tells Dovecot whose a token is."""

    def __init__(self) -> None:
        self.port = free_port()
        self.user = ""
        self.given = 0
        self.life = 3600
        self.good: set[str] = set()
        tokens = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
                if form.get("refresh_token") != ["refresh"] or form.get("client_secret") != ["hidden"]:
                    return self.answer(400, {"error": "invalid_grant"})
                tokens.given += 1
                token = f"token{tokens.given}"
                tokens.good.add(token)
                return self.answer(200, {"access_token": token, "token_type": "Bearer", "expires_in": tokens.life})

            def do_GET(self) -> None:
                token = parse_qs(urlsplit(self.path).query).get("token", [""])[0]
                known = token in tokens.good
                self.answer(200, {"active": known, "email": tokens.user} if known else {"active": False})

            def answer(self, status: int, document: object) -> None:
                body = json.dumps(document).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    def stop(self) -> None:
        """Stop answering."""
        self.server.shutdown()
        self.server.server_close()
        self.thread.join(5)


_OAUTH = """
introspection_url = http://127.0.0.1:{port}/?token=
introspection_mode = get
username_attribute = email
active_attribute = active
active_value = true
"""
_POP3 = """
service pop3-login {{
  inet_listener pop3 {{
    port = {port}
  }}
  inet_listener pop3s {{
    port = {ports}
    ssl = yes
  }}
}}
protocol pop3 {{
  pop3_uidl_format = %08Xu%08Xv
}}
"""
_DOVECOT = """
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/dovecot.log
instance_name = {name}
listen = 127.0.0.1
protocols = imap lmtp {protocols}
ssl = yes
ssl_cert = <{folder}/tls.pem
ssl_key = <{folder}/tls.pem
auth_mechanisms = plain login xoauth2
disable_plaintext_auth = no
first_valid_uid = 1
mail_location = maildir:{mail}/%u
default_process_limit = 20
default_client_limit = 100
mail_max_userip_connections = 50
recipient_delimiter = +
passdb {{
  driver = oauth2
  mechanisms = xoauth2
  args = {folder}/oauth.conf
}}
passdb {{
  driver = static
  mechanisms = plain login
  args = password={password}
}}
userdb {{
  driver = static
  args = allow_all_users=yes uid={uid} gid={gid} home={mail}/%u
}}
service imap-login {{
  inet_listener imap {{
    port = {imap}
  }}
  inet_listener imaps {{
    port = {imaps}
    ssl = yes
  }}
}}
{pop3}
service lmtp {{
  inet_listener lmtp {{
    address = 127.0.0.1
    port = {lmtp}
  }}
}}
"""


class Dovecot:
    """An IMAP and POP3 server where every user exists, with the password `care`, and an LMTP door to deliver to them.

    It speaks TLS with a certificate for localhost; `ca` is the file that makes it trusted.
    """

    def __init__(self, folder: Path, binary: str) -> None:
        self.folder = folder
        self.binary = binary
        self.imap_port, self.imaps_port = free_port(), free_port()
        self.pop3_port, self.pop3s_port = free_port(), free_port()
        self.lmtp_port = free_port()
        self.pop3 = Path("/usr/lib/dovecot/pop3").exists()
        self.tokens = TokenServer()
        self.ca = folder / "ca.pem"
        authority = trustme.CA()
        authority.cert_pem.write_to_path(self.ca)
        authority.issue_cert("localhost", "127.0.0.1").private_key_and_cert_chain_pem.write_to_path(folder / "tls.pem")
        self.process: subprocess.Popen[bytes] | None = None
        self._configure()

    def _configure(self) -> None:
        mail = self.folder / "mail"
        mail.mkdir()
        nobody = pwd.getpwnam("nobody")
        os.chown(mail, nobody.pw_uid, nobody.pw_gid)
        (self.folder / "oauth.conf").write_text(_OAUTH.format(port=self.tokens.port))
        pop3 = _POP3.format(port=self.pop3_port, ports=self.pop3s_port) if self.pop3 else ""
        text = _DOVECOT.format(
            folder=self.folder,
            name=self.folder.name,
            mail=mail,
            password=PASSWORD,
            uid=nobody.pw_uid,
            gid=nobody.pw_gid,
            imap=self.imap_port,
            imaps=self.imaps_port,
            lmtp=self.lmtp_port,
            protocols="pop3" if self.pop3 else "",
            pop3=pop3,
        )
        (self.folder / "dovecot.conf").write_text(text)

    def start(self) -> None:
        """Start, and return when both doors are open."""
        command = [self.binary, "-F", "-c", str(self.folder / "dovecot.conf")]
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True)
        for port in (self.imap_port, self.lmtp_port):
            wait_for(port, self.folder / "dovecot.log", self.process)

    def stop(self) -> None:
        """Stop with all its children."""
        if self.process is not None:
            os.killpg(self.process.pid, signal.SIGTERM)  # sessions of clients would outlive their master
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                os.killpg(self.process.pid, signal.SIGKILL)
                self.process.wait(10)
            self.process = None

    def deliver(self, user: str, *subjects: str, body: str = "text", sender: str = "ada@host.example") -> None:
        """Put one mail for each of *subjects* into *user*'s inbox."""
        with smtplib.LMTP("127.0.0.1", self.lmtp_port) as door:
            for subject in subjects:
                mail = EmailMessage()
                mail["From"], mail["To"], mail["Subject"] = sender, user, subject
                mail["Message-ID"] = f"<{subject}@host.example>"
                mail.set_content(body)
                door.sendmail(sender, [user], mail.as_bytes())


_MASTER = """
127.0.0.1:{port} inet n - n - - smtpd
cleanup   unix  n - n - 0 cleanup
qmgr      unix  n - n 300 1 qmgr
tlsmgr    unix  - - n 1000? 1 tlsmgr
rewrite   unix  - - n - - trivial-rewrite
bounce    unix  - - n - 0 bounce
defer     unix  - - n - 0 bounce
trace     unix  - - n - 0 bounce
verify    unix  - - n - 1 verify
flush     unix  n - n 1000? 0 flush
proxymap  unix  - - n - - proxymap
smtp      unix  - - n - - smtp
relay     unix  - - n - - smtp
error     unix  - - n - - error
retry     unix  - - n - - error
discard   unix  - - n - - discard
lmtp      unix  - - n - - lmtp
anvil     unix  - - n - 1 anvil
scache    unix  - - n - 1 scache
postlog   unix-dgram n - n - 1 postlogd
"""


class Postfix:
    """An SMTP server with routes by domain.

    `mailbox.example` goes to Dovecot, `smtp.example` and `lmtp.example` to the ports of those names, which a test's
    own listener may take; `gone.example` is refused.
    """

    def __init__(self, folder: Path, binary: str, mailbox_port: int) -> None:
        self.folder = folder
        self.binary = binary
        self.port = free_port()
        self.smtp_port = free_port()
        self.lmtp_port = free_port()
        self._configure(mailbox_port)

    def _configure(self, mailbox_port: int) -> None:
        etc, spool, data = (self.folder / name for name in ("etc", "spool", "data"))
        for path in (etc, spool, data):
            path.mkdir()
        os.chown(data, pwd.getpwnam("postfix").pw_uid, -1)
        (etc / "master.cf").write_text(_MASTER.format(port=self.port))
        (etc / "main.cf").write_text(f"""
compatibility_level = 3.6
queue_directory = {spool}
data_directory = {data}
maillog_file = {self.folder}/postfix.log
maillog_file_prefixes = {self.folder}
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
myhostname = postfix.example
mydestination =
local_recipient_maps =
alias_maps =
mynetworks = 127.0.0.0/8
recipient_delimiter = +
relay_domains = mailbox.example, smtp.example, lmtp.example
transport_maps = inline:{{
  {{ mailbox.example = lmtp:inet:127.0.0.1:{mailbox_port} }},
  {{ smtp.example = smtp:[127.0.0.1]:{self.smtp_port} }},
  {{ lmtp.example = lmtp:inet:127.0.0.1:{self.lmtp_port} }} }}
smtpd_relay_restrictions = reject_unauth_destination
smtpd_recipient_restrictions = permit
disable_dns_lookups = yes
smtp_host_lookup = native
queue_run_delay = 2s
minimal_backoff_time = 1s
maximal_backoff_time = 2s
""")

    def start(self) -> None:
        """Start, and return when it listens."""
        self._run("start")
        wait_for(self.port, self.folder / "postfix.log")

    def stop(self) -> None:
        """Stop with all its children."""
        self._run("stop")

    def _run(self, command: str) -> None:
        arguments = [self.binary, "-c", str(self.folder / "etc"), command]
        done = subprocess.run(arguments, capture_output=True, stdin=subprocess.DEVNULL, timeout=60, check=False)
        if done.returncode:
            log = self.folder / "postfix.log"
            raise RuntimeError(f"postfix {command}: {done.stderr.decode()}{log.read_text() if log.exists() else ''}")


@contextmanager
def running_dovecot() -> Iterator[Dovecot]:
    """A Dovecot that runs within the context; without one the test skips."""
    binary = require("dovecot", "dovecot-imapd dovecot-lmtpd")
    with _folder("dovecot") as folder:
        server = Dovecot(folder, binary)
        try:
            server.start()
            yield server
        finally:
            server.stop()
            server.tokens.stop()


@contextmanager
def running_postfix(dovecot: Dovecot) -> Iterator[Postfix]:
    """A Postfix that delivers to *dovecot* and to listeners of the tests; without one the test skips."""
    binary = require("postfix", "postfix")
    with _folder("postfix") as folder:
        server = Postfix(folder, binary, dovecot.lmtp_port)
        try:
            server.start()
            yield server
        finally:
            server.stop()


@contextmanager
def _folder(name: str) -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix=f"carekit-{name}-"))
    folder.chmod(0o755)  # the servers' own accounts must get in
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def dovecot() -> Iterator[Dovecot]:
    """A running Dovecot."""
    with running_dovecot() as server:
        yield server


@pytest.fixture(scope="session")
def postfix(dovecot: Dovecot) -> Iterator[Postfix]:
    """A running Postfix that delivers to Dovecot and to listeners of the tests."""
    with running_postfix(dovecot) as server:
        yield server
