"""The mail server refuses connections under load: push goes on, each e-mail arrives afterwards, once (small long-mail-down)."""

from tests.long import mail_down
from tests.long.frame import Options, Report
from tests.shared_data import shared_data


def test_every_mail_arrives_once_after_the_server_was_down() -> None:
    report = Report("mail down")
    mail_down.run(Options(small=True, seed=1, data=shared_data("berka")), report)
    assert report.holds, report.lines
    assert report.figures["e-mails"] > 0
