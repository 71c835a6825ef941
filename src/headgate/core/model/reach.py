"""By which door something that connects out was declared, and so how far it may reach."""

from typing import Literal

Reach = Literal["private", "public"]
"""`private`: the owner of the host declared it, who can reach what is near the host anyway. `public`: it came in by the
front door, and reaches what everybody can, and what the home allows by name. It is set at intake, never by who asks."""
