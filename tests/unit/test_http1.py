"""Reading an answer of HTTP/1.1, however it is cut and whatever it is."""

from __future__ import annotations

import contextlib
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.http1 import AnswerReader
from notifier.http_answer import Answer

WHOLE = {
    b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}": (200, b"{}", True),
    b"HTTP/1.1 200 OK\r\ncontent-length:0\r\n\r\n": (200, b"", True),
    b"HTTP/1.1 202\r\nContent-Length: 0\r\n\r\n": (202, b"", True),
    b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}": (200, b"{}", False),
    b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\n{}": (200, b"{}", False),
    b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\nConnection: Keep-Alive\r\n\r\n{}": (200, b"{}", True),
    b"HTTP/1.1 204 No Content\r\n\r\n": (204, b"", True),
    b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n1": (200, b"1", True),
    b"HTTP/1.1 503 Busy\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0A;x=y\r\n0123456789\r\n0\r\n\r\n": (
        503,
        b"abc0123456789",
        True,
    ),
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\nTrailer: 1\r\n\r\n": (200, b"x", True),
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n": (200, b"", True),
    b"HTTP/1.1 200 OK\r\nContent-Length: 65536\r\n\r\n" + b"x" * 65536: (200, b"x" * 65536, True),
}
NONE = [
    b"\x00\xff what? \r\n\r\n",
    b"\r\n\r\n",
    b"220 mail.example.org ESMTP\r\n",
    b"HTTP/2 200 OK\r\n\r\n",
    b"HTTP/1.1 999 OK\r\n\r\n",
    b"HTTP/1.1 200OK\r\n\r\n",
    b"HTTP/1.1 2000 OK\r\n\r\n",
    b"HTTP/1.1 101 Switching\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Length: 0x2\r\n\r\n{}",
    b"HTTP/1.1 200 OK\r\nContent-Length: \xb2\r\n\r\n{}",
    b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
    b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n{}",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nabc\r\n",
    b"HTTP/1.1 200 OK\r\nNo header\r\n\r\n",
    b"HTTP/1.1 200 OK\r\n folded: yes\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nName : value\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nName: a\nb\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nX: " + b"x" * 40_000,
]


@pytest.mark.parametrize("sent", list(WHOLE), ids=range(len(WHOLE)))
def test_an_answer_is_read_however_it_is_cut(sent: bytes) -> None:
    status, body, leaves_usable = WHOLE[sent]
    for size in (1, 2, 7, len(sent)) if len(sent) < 1000 else (4096, len(sent)):
        reader, answers = AnswerReader(), list[Answer]()
        for at in range(0, len(sent), size):
            assert answers == [], "it is whole at its last octet, no earlier"
            if (answer := reader.feed(sent[at : at + size])) is not None:
                answers.append(answer)
        assert [(answer.status, answer.body) for answer in answers] == [(status, body)]
        assert reader.leaves_usable == leaves_usable


@pytest.mark.parametrize("sent", NONE, ids=range(len(NONE)))
def test_what_is_no_answer_is_refused(sent: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        AnswerReader().feed(sent)


def test_an_answer_without_a_length_ends_with_the_connection() -> None:
    reader = AnswerReader()
    assert not reader.ends_with_connection
    assert reader.feed(b"HTTP/1.1 200 OK\r\nRetry-After:  7 \r\n\r\n<html>") is None
    assert reader.ends_with_connection
    assert reader.end() == Answer(200, {"retry-after": "7"}, b"<html>")
    assert not reader.leaves_usable


@pytest.mark.parametrize(
    "sent",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 65537\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: " + b"9" * 5000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n10001\r\n",
        b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 65537,
    ],
    ids=range(4),
)
def test_what_is_too_long_is_not_read(sent: bytes) -> None:
    reader = AnswerReader()
    assert reader.feed(sent) == Answer(200, reader.feed(b"").headers, None)  # type: ignore[union-attr]
    assert not reader.leaves_usable


def test_what_comes_after_an_answer_ends_the_connection() -> None:
    reader = AnswerReader()
    answer = reader.feed(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n1HTTP/1.1 200 OK\r\n\r\n")
    assert answer is not None
    assert answer.body == b"1"
    assert not reader.leaves_usable


@given(st.lists(st.one_of(st.sampled_from([part for whole in WHOLE for part in whole[:300].split(b" ")]), st.binary())))
def test_whatever_comes_is_an_answer_or_refused(parts: list[bytes]) -> None:
    reader = AnswerReader()
    with contextlib.suppress(ValueError):
        for part in parts:
            if reader.feed(part) is not None:
                break


def test_the_smallest_chunks_are_read_in_time_that_grows_with_them() -> None:
    answer = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"1\r\nx\r\n" * 60_000 + b"0\r\n\r\n"
    reader = AnswerReader()
    began = time.process_time()
    whole = [reader.feed(answer[at : at + 16384]) for at in range(0, len(answer), 16384)][-1]
    assert whole is not None
    assert whole.body == b"x" * 60_000
    assert time.process_time() - began < 3.0  # it was half a minute
