"""Certificates for tests: an authority, and what it signs. Real PEM files, made in milliseconds (elliptic curves)."""

import datetime
import ipaddress

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

BEGIN = datetime.datetime(2020, 1, 1)
END = datetime.datetime(2120, 1, 1)


class Authority:
    """A certificate authority in a folder."""

    def __init__(self, folder, name):
        self.folder, self._key = folder, ec.generate_private_key(ec.SECP256R1())
        self._name = _name(name)
        self._certificate = self._sign(self._name, self._key.public_key(), ca=True)
        self.file = str(folder / f"{name}.pem")
        (folder / f"{name}.pem").write_bytes(_pem(self._certificate))

    def _sign(self, subject, public_key, *, ca, until=END):
        names = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
        builder = x509.CertificateBuilder().subject_name(subject).issuer_name(self._name).public_key(public_key)
        builder = builder.serial_number(x509.random_serial_number()).not_valid_before(BEGIN).not_valid_after(until)
        builder = builder.add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        return builder.sign(self._key, hashes.SHA256())

    def certify(self, name, *, password=None, until=END):
        """A certificate and its key in two files: their paths."""
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = self._sign(_name(name), key.public_key(), ca=False, until=until)
        form = serialization.BestAvailableEncryption(password.encode()) if password else serialization.NoEncryption()
        private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, form)
        paths = self.folder / f"{name}.crt", self.folder / f"{name}.key"
        for path, data in zip(paths, (_pem(certificate), private), strict=True):
            path.write_bytes(data)
        return tuple(map(str, paths))


def _name(text):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _pem(certificate):
    return certificate.public_bytes(serialization.Encoding.PEM)
