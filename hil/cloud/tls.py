"""TLS contexts from files, and why a peer refused: both in one clear line.

Rules of this module: a file that can't be used is named, and what is wrong with it is said; a pass phrase stands in no
message. Under TLS 1.3 a server looks at the client's certificate after the client's handshake is over, so a refusal
reaches a client as a link that is silent or ends; `why_refused` connects once more and listens for the alert.
"""

from __future__ import annotations

import asyncio
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from hil.errors import BenchError

_ALERTS: Final = {
    "CERTIFICATE_REQUIRED": "it wants a client certificate, and none was given",
    "HANDSHAKE_FAILURE": "it refused the handshake: it may want a client certificate",
    "UNKNOWN_CA": "it doesn't know the authority of our certificate",
    "BAD_CERTIFICATE": "it takes our certificate for a bad one",
    "DECRYPT_ERROR": "our certificate's signature is not that of an authority that it knows",
    "CERTIFICATE_EXPIRED": "our certificate has expired",
    "CERTIFICATE_REVOKED": "our certificate was revoked",
    "CERTIFICATE_UNKNOWN": "it doesn't accept our certificate",
    "ACCESS_DENIED": "it denies us access",
    "WRONG_VERSION_NUMBER": "it speaks no TLS at this port",
    "UNEXPECTED_EOF_WHILE_READING": "it ended the link in the handshake",
}

_SILENT_END: Final = (
    "it ended the link after the handshake without a word: it may not accept our certificate, or wants one"
)


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """PEM files.

    Attributes:
        ca: the authority of the other side's certificate.
        certificate: our own certificate; with its key, unless `key` is given.
        key: our key.
        key_password: its pass phrase; never shown.
    """

    ca: str = ""
    certificate: str = ""
    key: str = ""
    key_password: str = ""

    def __repr__(self) -> str:
        return f"TlsFiles(ca={self.ca!r}, certificate={self.certificate!r}, key={self.key!r})"

    def client(self) -> ssl.SSLContext | None:
        """The context of a client; None where no authority is named: no TLS then.

        Raises:
            BenchError: a file is missing or can't be used.
        """
        if not self.ca:
            return None
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self._trust(context)
        if self.certificate:
            self._identify(context)
        return context

    def server(self) -> ssl.SSLContext | None:
        """The context of a server; None where it has no certificate. With an authority clients need certificates.

        Raises:
            BenchError: a file is missing or can't be used.
        """
        if not self.certificate:
            return None
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._identify(context)
        if self.ca:
            self._trust(context)
            context.verify_mode = ssl.CERT_REQUIRED
        return context

    def _trust(self, context: ssl.SSLContext) -> None:
        try:
            context.load_verify_locations(self.ca)
        except (OSError, ValueError) as error:
            raise _unusable(self.ca, error, "it holds no certificate of an authority (PEM)") from error

    def _identify(self, context: ssl.SSLContext) -> None:
        key = self.key or self.certificate
        for path in (self.certificate, key):
            _look_at(path)
        try:
            context.load_cert_chain(self.certificate, key, password=self.key_password.encode())
        except ssl.SSLError as error:
            raise _unusable(key, error, _key_trouble(error, key, given=bool(self.key_password))) from error


def _look_at(path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise _unusable(path, error, "") from error


def _key_trouble(error: ssl.SSLError, key: str, *, given: bool) -> str:
    if error.reason == "KEY_VALUES_MISMATCH":
        return "the key is not that of the certificate"
    if b"ENCRYPTED" in _look_at(key):
        return "its pass phrase is wrong" if given else "it has a pass phrase: give key_password"
    return "it holds no certificate with its key (PEM)"


def _unusable(path: str, error: Exception, otherwise: str) -> BenchError:
    why = otherwise
    if isinstance(error, OSError) and not isinstance(error, ssl.SSLError):
        why = error.strerror or otherwise
    return BenchError(f"can't be used for TLS: {why}", where=path, remedy="check the file; paths are the bench file's.")


def explain(error: BaseException) -> str:
    """A TLS error in words; empty if it is none."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"we don't accept its certificate: {error.verify_message}"
    if not isinstance(error, ssl.SSLError):
        return ""
    reason = (error.reason or "").partition("_ALERT_")[2] or (error.reason or "")
    return _ALERTS.get(reason, f"TLS failed: {(reason or str(error)).lower().replace('_', ' ')}")


async def why_refused(host: str, port: int, context: ssl.SSLContext, within_s: float) -> str:
    """Connect once more, say nothing, and hear why a server doesn't want us.

    Returns:
        The reason in words; empty if the server said none in that time.
    """
    try:
        async with asyncio.timeout(within_s):
            reader, writer = await asyncio.open_connection(host, port, ssl=context)
            try:
                return "" if await reader.read(1) else _SILENT_END
            finally:
                writer.transport.abort()
    except ConnectionError:
        return _SILENT_END
    except (OSError, TimeoutError) as error:
        return explain(error)
