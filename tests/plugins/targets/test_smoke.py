import pytest

from headgate.core.model import HttpCheck
from headgate.plugins.targets.local.smoke import filled


@pytest.mark.parametrize(
    ("request_", "saved", "path", "body"),
    [
        (HttpCheck("/orders/{id}"), {"id": 7}, "/orders/7", ""),
        (HttpCheck("/find?q={q}"), {"q": "a b&c/ü"}, "/find?q=a%20b%26c%2F%C3%BC", ""),
        (
            HttpCheck("/", body='{"cart": "{cart}", "n": {n}}'),
            {"cart": 'a"b\n', "n": 2},
            "/",
            '{"cart": "a\\"b\\n", "n": 2}',
        ),
        (HttpCheck("/", body="cart={cart}"), {"cart": 'a"b'}, "/", 'cart=a"b'),
        (HttpCheck("/{unknown}", body='{"a": {"b": 1}}'), {"b": 2}, "/{unknown}", '{"a": {"b": 1}}'),
    ],
)
def test_what_was_saved_is_filled_in(
    request_: HttpCheck, saved: dict[str, object], path: str, body: str
) -> None:
    done = filled(request_, saved)
    assert (done.path, done.body) == (path, body)
