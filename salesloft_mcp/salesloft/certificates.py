"""What a certificate says of itself."""

from typing import TYPE_CHECKING

from salesloft_mcp.salesloft.causes import Certificate

if TYPE_CHECKING:
    from cryptography import x509


def read(der: bytes) -> Certificate | None:
    """The certificate in these bytes (DER); None where they are none. Its texts are those of whoever made it."""
    from cryptography import x509  # takes a tenth of a second, and is needed where one is not believed only
    from cryptography.x509.oid import NameOID

    wanted = (NameOID.COMMON_NAME, NameOID.ORGANIZATION_NAME, NameOID.ORGANIZATIONAL_UNIT_NAME)
    try:
        found = x509.load_der_x509_certificate(der)
        issuer = [str(one.value) for kind in wanted for one in found.issuer.get_attributes_for_oid(kind)]
        return Certificate(
            issuer=", ".join(issuer),
            by_itself=found.issuer == found.subject,
            names=_names(found),
            begins=found.not_valid_before_utc,
            ends=found.not_valid_after_utc,
        )
    except ValueError:
        return None


def _names(found: "x509.Certificate") -> tuple[str, ...]:
    from cryptography import x509

    try:
        names = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return ()
    return tuple(str(one.value) for one in names if isinstance(one, x509.DNSName | x509.IPAddress))
