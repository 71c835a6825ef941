"""An issuer in memory: `signs_in` is the person's part there. For tests and whoever writes a plugin."""

import secrets
from collections.abc import Mapping
from dataclasses import replace
from urllib.parse import urlencode

from headgate.ports.errors import Permanent, PortError
from headgate.ports.issuer import Person, SignInAttempt


class MemoryIssuer:
    """Vouches for whoever `signs_in`. `trouble` befalls every call while it is set."""

    def __init__(self, url: str = "https://people.example") -> None:
        self._url = url
        self._sent: dict[str, SignInAttempt] = {}
        self._codes: dict[str, tuple[SignInAttempt, Person]] = {}
        self.trouble: PortError | None = None

    @property
    def url(self) -> str:
        """See Issuer."""
        return self._url

    async def address(self, attempt: SignInAttempt) -> str:
        """See Issuer."""
        self._befall()
        self._sent[attempt.state] = attempt
        asked = {"state": attempt.state, "redirect_uri": attempt.back}
        return f"{self._url}/authorize?{urlencode(asked)}"

    def signs_in(self, state: str, person: Person) -> dict[str, str]:
        """Somebody who was sent there says yes; returns what their browser brings back."""
        code = secrets.token_urlsafe()
        self._codes[code] = (self._sent[state], replace(person, issuer=self._url))
        return {"state": state, "code": code}

    async def person(self, attempt: SignInAttempt, answer: Mapping[str, str]) -> Person:
        """See Issuer."""
        self._befall()
        meant, person = self._codes.pop(answer.get("code", ""), (None, None))
        if person is None or meant != attempt:
            raise Permanent("the issuer knows no such code (any more)")
        return person

    def _befall(self) -> None:
        if self.trouble is not None:
            raise self.trouble
