"""A mail server for tests: aiosmtpd, which prints each mail as a line of JSON.

Arguments: the way (plain, starttls, tls or silent), and the directory with cert.pem and key.pem.
The user is web1; its password is in the environment. Some recipients are refused: `refused@`, and for a while `later@`.
"""

import asyncio
import email
import email.policy
import json
import logging
import os
import ssl
import sys

from aiosmtpd.smtp import SMTP, AuthResult

# A client that does not trust the certificate is what some tests want.
logging.disable(logging.CRITICAL)

WAY, DIRECTORY = sys.argv[1], sys.argv[2]
PASSWORD = os.environ["PASSWORD"].encode()


class Handler:
    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.startswith("refused@"):
            return "550 5.1.1 there is no such user here"
        if address.startswith("later@"):
            return "451 4.3.0 try again later"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        mail = email.message_from_bytes(envelope.content, policy=email.policy.default)
        print(
            json.dumps(
                {
                    "sender": envelope.mail_from,
                    "recipients": envelope.rcpt_tos,
                    "hello": session.host_name,
                    "encrypted": session.ssl is not None or WAY == "tls",
                    "user": getattr(session, "user", None),
                    "headers": [[name, str(value)] for name, value in mail.items()],
                    "defects": [str(defect) for defect in mail.defects],
                    "body": mail.get_content(),
                }
            ),
            flush=True,
        )
        return "250 OK"


def authenticate(server, session, envelope, mechanism, data):
    session.user = data.login.decode()
    good = data.login == b"web1" and data.password == PASSWORD
    return AuthResult(success=good, handled=False)


def context():
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(os.path.join(DIRECTORY, "cert.pem"), os.path.join(DIRECTORY, "key.pem"))
    return made


def protocol():
    if WAY == "starttls":
        return SMTP(
            Handler(),
            hostname="mail.test",
            tls_context=context(),
            require_starttls=True,
            authenticator=authenticate,
        )
    return SMTP(
        Handler(),
        hostname="mail.test",
        authenticator=authenticate if WAY == "tls" else None,
        auth_require_tls=False,
    )


class Silent(asyncio.Protocol):
    """Accepts connections, and says nothing."""


async def main():
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        Silent if WAY == "silent" else protocol,
        "127.0.0.1",
        0,
        ssl=context() if WAY == "tls" else None,
    )
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


asyncio.run(main())
