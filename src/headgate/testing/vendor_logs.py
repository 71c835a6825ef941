"""What a source that reads log lines from a vendor's web API must do besides `testing.vendor`'s contract."""

from headgate.testing.vendor import VendorContract
from headgate.testing.vendor_stage import CANARY, STABLE, Stage


class LogContract(VendorContract):
    """The promises of a source that reads log lines as well: its settings have `error_lines`, with `crashes` in it."""

    def test_new_kinds_of_errors_are_counted(self) -> None:
        async def scene(stage: Stage) -> None:
            stage.happens(STABLE, hits=100)
            stage.passes()
            for version in (STABLE, CANARY):
                await stage.read(version)
            stage.logged = {CANARY.key: ("no column 'x'", "no column 'y'", "timeout after 3 s")}
            stage.happens(CANARY, hits=10, crashes=3)
            stage.happens(STABLE, hits=100)
            stage.passes()
            arms = [await stage.read(version) for version in (STABLE, CANARY)]
            means = [arm.means["new_errors"] for arm in arms]
            assert [(mean.sum, mean.n) for mean in means] == [(0.0, 100), (3.0, 10)]

        self.play(scene)

    def test_errors_that_the_incumbent_had_before_are_not_new(self) -> None:
        async def scene(stage: Stage) -> None:
            stage.happens(STABLE, hits=100, crashes=1)
            stage.logged = {STABLE.key: ("timeout after 9 s",)}
            stage.passes()
            for version in (STABLE, CANARY):
                await stage.read(version)
            stage.logged = {CANARY.key: ("timeout after 3 s", "no column 'x'")}
            stage.happens(CANARY, hits=10, crashes=2)
            stage.happens(STABLE, hits=100)
            stage.passes()
            await stage.read(STABLE)
            assert (await stage.read(CANARY)).means["new_errors"].sum == 1.0

        self.play(scene)
