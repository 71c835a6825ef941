"""Taking users off a canary when something is in the way: by the files, or by the proxy's runtime where those are shut.

Neither way makes the change whole (the listener, the clusters, the proxy's own word): whoever asked goes on trying.
"""

from headgate.core.machine.events import EffectId
from headgate.core.model import Routing
from headgate.plugins.traffic.envoy.admin import Admin
from headgate.plugins.traffic.envoy.effects import applied_before, remembered
from headgate.plugins.traffic.envoy.files import Folder, discovery, swap
from headgate.plugins.traffic.envoy.routes import Applied, routes, switch_of
from headgate.ports.errors import PortError, Temporary


def takes_back(before: Routing, after: Routing) -> bool:
    """True when `after` only takes users off the canary that `before` sends them to: stable stays what it is."""
    return (
        before.exposed and not after.exposed and before.stable is not None and after.stable == before.stable
    )


class WayBack:
    """One such change, from `before` to `routing`, by `effect`."""

    LOCK_WAIT_S = 1.0
    """Whoever else writes is not waited for any longer: a file is swapped as a whole in any case."""

    def __init__(
        self,
        folder: Folder,
        admin: Admin,
        before: Applied,
        effect: EffectId,
        routing: Routing,
    ) -> None:
        self._folder = folder
        self._admin = admin
        self._before = before
        self._effect = effect
        self._routing = routing

    def write(self) -> str:
        """Write the routes that send everybody to stable; returns what is in the way, or nothing.

        Envoy reads them when it can, at the latest when it is started again. Raises StaleError.
        """
        if applied_before(self._effect, self._before.effects):
            return ""
        applied = Applied(self._routing, remembered(self._before.effects, self._effect))
        try:
            swap(self._folder.routes(self._routing.unit), discovery([routes(applied)]))
        except Temporary as error:
            return str(error)
        return ""

    async def second(self) -> str:
        """Do what can still be done, after the proper way has failed; returns what that came to, in words."""
        if not self._written() and (in_the_way := self.write()):
            try:
                await self.switch_off()
            except Temporary as error:
                return f"nor can the proxy be told otherwise ({error})"
            now = "meanwhile the proxy sends everybody to stable by its runtime, for as long as it lives"
            return f"{now} ({in_the_way})"
        return "the routes that send everybody to stable are written, and the proxy takes them when it can"

    def _written(self) -> bool:
        try:
            found = self._folder.applied(self._routing.unit)
        except PortError:
            return False
        return found is not None and found.routing == self._routing

    async def switch_off(self) -> None:
        """Have the proxy's runtime send everybody to stable, for as long as it lives. Raises Temporary."""
        await self._admin.post(f"/runtime_modify?{switch_of(self._before)}=0")
