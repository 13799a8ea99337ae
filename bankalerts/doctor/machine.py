"""Checks of what lies around the product: clocks and certificates."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from cryptography import x509
from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict

from bankalerts.doctor.check import Asked, Bad, Finding

SKEW_MAX_S = 2.0
SKEW_FAULT_S = 60.0
DAYS_MIN, DAYS_FAULT = 30, 7
CERTIFICATES = ("sslcert", "sslrootcert")


def clock_skew(asked: Asked) -> list[Finding]:
    """This machine's clock and the database's are the same within two seconds."""
    before = asked.clock()
    there = asked.one("read_clock", "connectors")
    after = asked.clock()
    skew_s = max((before - there).total_seconds(), (there - after).total_seconds(), 0.0)
    if skew_s <= SKEW_MAX_S:
        return []
    text = (
        f"this machine's clock and PostgreSQL's differ by {skew_s:.0f} s: quiet hours and ages of messages are judged wrongly"
    )
    severity: Bad = "FAULT" if skew_s > SKEW_FAULT_S else "WARNING"
    return [Finding(severity, text, "chronyc makestep", "on the machine whose clock is wrong")]


def certificates(asked: Asked) -> list[Finding]:
    """Certificates that the database's URLs name are there and valid for another month."""
    findings = []
    urls = (asked.settings.database_url, asked.settings.capture_database_url)
    for path in sorted({path for url in urls for path in _named(url)}):
        findings += certificate_findings(path, asked.clock())
    return findings


def certificate_findings(path: Path, now: datetime) -> list[Finding]:
    """What is wrong with the certificates of a PEM file."""
    remedy = f"openssl x509 -enddate -noout -in {path}"
    try:
        found = x509.load_pem_x509_certificates(path.read_bytes())
    except (OSError, ValueError) as error:
        return [Finding("FAULT", f"certificate {path} cannot be read ({error})", remedy, "put the certificate there")]
    findings = []
    for certificate in found:
        days = (certificate.not_valid_after_utc - now).days
        if days < DAYS_MIN:
            said = f"is valid for {days} more days" if days >= 0 else f"ran out {-days} days ago"
            severity: Bad = "FAULT" if days < DAYS_FAULT else "WARNING"
            note = "have a new one issued, put it in its place and restart what uses it"
            findings.append(Finding(severity, f"certificate {path} {said}", remedy, note))
    return findings


def _named(url: str) -> list[Path]:
    try:
        options = conninfo_to_dict(url)
    except ProgrammingError:
        return []
    return [Path(str(options[name])) for name in CERTIFICATES if options.get(name) not in (None, "system")]
