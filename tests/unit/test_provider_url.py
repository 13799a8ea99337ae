"""The URLs in which a setting names a channel's providers."""

from __future__ import annotations

import pytest

from bankalerts.errors import BankalertsError
from notifier.provider_url import ProviderUrl, provider_urls

SCHEMES = ("http", "https", "smtp", "smtps", "fcm+https", "apns+https", "smpp")


def _urls(text: str) -> list[ProviderUrl]:
    return provider_urls("BANKALERTS_PUSH_URL", text, "PUSH", SCHEMES)


def test_each_url_is_one_provider_in_order_with_a_name_of_its_own() -> None:
    urls = _urls(
        "http://a:1/x https://b smtp://c:25 smtps://d fcm+https://e/v1 apns+https://f smpp://g:2775 https://h?name=third"
    )
    assert [url.name for url in urls] == ["push", "push2", "smtp", "smtp2", "fcm", "apns", "smpp", "third"]
    assert [url.is_secure for url in urls] == [False, True, False, True, True, True, False, True]


def test_a_url_comes_apart() -> None:
    (url,) = _urls("smtp://us%40er:p%3Ass@mail.example:587?tls=starttls&rate=2.5&ca=/roots.pem")
    assert (url.host, url.port, url.user, url.password) == ("mail.example", 587, "us@er", "p:ss")
    assert (url.rate_per_s, url.ca, url.options) == (2.5, "/roots.pem", {"tls": "starttls"})


@pytest.mark.parametrize(
    ("given", "called"),
    [
        ("https://b:8443/v1/x?token=a%26b&rate=3&name=b", "https://b:8443/v1/x?token=a%26b"),
        ("fcm+https://e/v1/projects/p?ca=/x", "https://e/v1/projects/p"),
        ("http://u:p@[::1]:80/", "http://[::1]:80/"),
    ],
)
def test_what_is_called_has_no_option_of_ours(given: str, called: str) -> None:
    assert _urls(given)[0].http_url == called


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is empty"),
        ("  ", "is empty"),
        ("ftp://x", "'ftp://x': write http://host:port or https://"),
        ("http://", "write http"),
        ("nonsense", "write http"),
        ("http://x:99999/", "write http"),
        ("http://x:port/", "write http"),
        ("http://[::1/", "write http"),
        ("http://x?rate=0", "the rate '0'"),
        ("http://x?rate=nan", "the rate 'nan'"),
        ("http://x?rate=inf", "the rate 'inf'"),
        ("http://x?rate=fast", "the rate 'fast'"),
        ("http://x?rate=1&rate=2", "an option twice"),
        ("http://x?name=A", "the name 'A', which is none"),
        ("http://x?name=", "the name '', which is none"),
        ("http://x?name=a http://y?name=a", "the name 'a', which another one has"),
        ("http://x http://y?name=push", "the name 'push', which another one has"),
    ],
)
def test_what_is_wrong_is_refused_with_the_remedy(text: str, said: str) -> None:
    with pytest.raises(BankalertsError) as refused:
        _urls(text)
    assert str(refused.value).startswith("BANKALERTS_PUSH_URL")
    assert said in str(refused.value)


@pytest.mark.parametrize("wrong", ["ftp://user:hidden@x?key=hidden", "http://user:hidden@x?key=hidden&rate=x"])
def test_no_secret_is_told(wrong: str) -> None:
    with pytest.raises(BankalertsError) as refused:
        _urls(wrong)
    assert "hidden" not in str(refused.value)


def test_options_are_asked_for_by_name() -> None:
    (url,) = _urls("apns+https://x?key=/no/such/file&empty=&ca=/no/such/file")
    with pytest.raises(BankalertsError, match="has an option 'empty': apns\\+https takes ca, key, name, rate"):
        url.only("key")
    with pytest.raises(BankalertsError, match="has no option 'topic'"):
        url.required("topic")
    with pytest.raises(BankalertsError, match="has no option 'empty'"):
        url.required("empty")
    with pytest.raises(BankalertsError, match="'/no/such/file' in 'key', which cannot be read"):
        url.file("key")
    with pytest.raises(BankalertsError, match="in 'ca', which cannot be used"):
        url.tls_context()
