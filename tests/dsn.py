"""Delivery status notifications as mail servers write them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from uuid import UUID


@dataclass(frozen=True)
class Notification:
    """One about one of our mails. `returned` is the type of the part that brings it back; None: it brings nothing."""

    message_id: UUID
    recipients: Sequence[tuple[str, str, str]] = (("ada@example.org", "failed", "5.1.1"),)  # address, Action, Status
    returned: str | None = "message/rfc822"
    envelope_id: str | None = None
    diagnostic: str = "smtp; 550 5.1.1 <ada@example.org>: Recipient address rejected: User unknown"
    return_path: str | None = "<>"
    original_recipient: str | None = None

    def with_recipient(self, address: str, action: str, status: str) -> Notification:
        """The same about another recipient."""
        return replace(self, recipients=((address, action, status),))

    def mail(self) -> bytes:
        """As it comes, with the lines of a pipe."""
        head = [] if self.return_path is None else [f"Return-Path: {self.return_path}"]
        head += [
            "From: MAILER-DAEMON@mx.example.org (Mail Delivery System)",
            "Subject: Undelivered Mail Returned to Sender",
            "To: alerts@bankalerts.example",
            "Auto-Submitted: auto-replied",
            "MIME-Version: 1.0",
            'Content-Type: multipart/report; report-type=delivery-status; boundary="9B095B5ADSN"',
        ]
        about = ["Reporting-MTA: dns; mx.example.org", "X-Postfix-Queue-ID: 9B095B5ADSN"]
        about += [] if self.envelope_id is None else [f"Original-Envelope-Id: {self.envelope_id}"]
        blocks = [about, *(self._block(*recipient) for recipient in self.recipients)]
        parts = [("text/plain; charset=us-ascii", "I'm sorry to have to inform you that your message could not\nbe delivered.")]
        parts.append(("message/delivery-status", "\n\n".join("\n".join(block) for block in blocks) + "\n"))
        if self.returned is not None:
            headers = f"From: Bank alerts <alerts@bankalerts.example>\nMessage-ID: <{self.message_id}@bankalerts.example>\n"
            parts.append((self.returned, f"{headers}Subject: Your balance\n\nDear Ada\n"))
        body = "".join(f"--9B095B5ADSN\nContent-Type: {kind}\n\n{text}\n" for kind, text in parts)
        return ("\n".join(head) + "\n\n" + body + "--9B095B5ADSN--\n").encode()

    def _block(self, address: str, action: str, status: str) -> list[str]:
        block = [] if self.original_recipient is None else [f"Original-Recipient: rfc822;{self.original_recipient}"]
        return [
            *block,
            f"Final-Recipient: rfc822; {address}",
            f"Action: {action}",
            f"Status: {status}",
            f"Diagnostic-Code: {self.diagnostic}",
        ]
