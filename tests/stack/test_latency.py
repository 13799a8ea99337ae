"""Latency beside its floors, at a small size: what is measured, not how fast (long-latency judges that)."""

from tests.long import latency
from tests.long.frame import Options, Report
from tests.shared_data import shared_data


def test_each_alert_is_measured_beside_the_floors() -> None:
    report = Report("latency")
    latency.run(Options(small=True, seed=1, data=shared_data("berka")), report)
    assert report.figures["alerts measured"] > 100
    assert report.figures["floor samples"] > 20
    for what in ("posted on Kafka to outbox committed", "SQL commit to handed to the provider"):
        for percent in (50, 99):
            assert 0 < report.figures[f"{what}, floor p{percent} ms"] < 10_000
            assert 0 < report.figures[f"{what}, p{percent} ms"] < 10_000
