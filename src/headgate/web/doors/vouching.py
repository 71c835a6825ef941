"""People vouched for by an issuer: what each may do here, or why they may do nothing."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from urllib.parse import urlsplit

from headgate.core.home.identity import People
from headgate.ports.issuer import Issuer, Person
from headgate.web.doors.limits import Arrivals
from headgate.web.doors.sessions import IssuerClaim
from headgate.web.doors.tokens import HomeBook
from headgate.web.http.problems import Problem
from headgate.web.http.who import Who

BACK = "/sign-in/back"
"""Where the issuer sends browsers back to; it must know this address beforehand."""

ELSEWHERE = "/sign-in/elsewhere"


@dataclass(frozen=True)
class Vouching:
    """`people` reads who comes in, anew each time; it raises Permanent. `door` is the front door's own address."""

    issuer: Issuer
    people: Callable[[], People]
    door: str
    arrivals: Arrivals = field(default_factory=Arrivals)

    @property
    def host(self) -> str:
        """The issuer, as people know it."""
        return urlsplit(self.issuer.url).netloc

    @property
    def back(self) -> str:
        """Where browsers come back to. Of our own making: no request has a say in it."""
        return self.door + BACK

    @property
    def away(self) -> str:
        """Where a browser is sent to the issuer from: the address that it comes back to, which sees the cookie."""
        return self.door + ELSEWHERE


def welcomed(person: Person, people: People, book: HomeBook) -> Who:
    """Who this is here. Raises Problem (403) for somebody whom nothing names."""
    welcome = people.welcome(person.claims.get(people.claim, ()))
    if welcome is None:
        raise Problem(HTTPStatus.FORBIDDEN, "no entry for you", _unknown(person, people))
    known = book.home.called.get((person.issuer, person.subject), ())
    also = person.names.union(known) - {person.name}
    return Who(person.name, welcome.role, "session", welcome.environments, also=also)


def word_of(person: Person, people: People) -> IssuerClaim:
    """What of the issuer's word counts here, to be looked at again."""
    return IssuerClaim(person.issuer, people.claim, tuple(person.claims.get(people.claim, ())))


def vouched_still(who: Who, word: IssuerClaim, vouching: Vouching | None) -> Who | None:
    """Who this is here by now; None where the issuer is another one, or what they held gives no role any more.

    Raises PortError where nobody can say so.
    """
    if vouching is None or vouching.issuer.url != word.issuer:
        return None
    people = vouching.people()
    welcome = people.welcome(word.held) if people.claim == word.claim else None
    return replace(who, role=welcome.role, environments=welcome.environments) if welcome else None


def _unknown(person: Person, people: People) -> str:
    """Why not, and whom to ask: nothing of what others hold."""
    asked = people.ask or "whoever runs this Headgate"
    if people.claim in person.claims:
        why = f"nothing that you hold (`{people.claim}`) has a role here"
    elif people.claim == "email":
        why = "the issuer does not say that your address is verified"
    else:
        why = f"the issuer says nothing of your `{people.claim}`"
    return f"{person.name} is signed in at the issuer, and {why}. Ask {asked} for a role."
